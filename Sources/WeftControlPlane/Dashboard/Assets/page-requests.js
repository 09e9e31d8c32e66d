// Single requests: found by filters, and each one explained in order of time.

import { get, maybe, Refused } from "./api.js";
import { badge, clock, h, milliseconds, section, show, table } from "./dom.js";
import { serviceLink } from "./page-topology.js";

export const title = "Requests";

const fields = [["service", "Service"], ["path", "Path begins with"], ["reason", "Reason"], ["route", "Route"]];

export function mount(root, route) {
  const inputs = fields.map(([name, label]) => [name, label, h("input", {
    type: "search", id: `requests-${name}`, value: route.query.get(name) || "", autocomplete: "off", spellcheck: "false",
    change: () => { route.set({ [name]: inputs.find((one) => one[0] === name)[2].value }); route.reload(); },
  })]);
  const failed = h("input", {
    type: "checkbox", id: "requests-failed", checked: route.query.get("failed") === "1",
    change: () => { route.set({ failed: failed.checked ? "1" : "" }); route.reload(); },
  });
  const id = h("input", { type: "search", id: "requests-id", autocomplete: "off", spellcheck: "false" });
  const open = h("form", { class: "controls", submit: (event) => {
    event.preventDefault();
    if (id.value.trim()) location.hash = `#/request/${encodeURIComponent(id.value.trim())}`;
  } }, h("label", { for: "requests-id" }, "Request id"), id, h("button", { type: "submit" }, "Explain"));
  const list = h("div", {});
  root.append(h("h1", {}, "Requests"),
    h("div", { class: "controls" }, inputs.map(([name, label, input]) => [h("label", { for: `requests-${name}` }, label), input]),
      h("span", { class: "choice" }, failed, h("label", { for: "requests-failed" }, "Only failed"))),
    open, list);
  let data;

  return {
    every: 5,
    async load(signal) {
      const query = { limit: 100, failed: failed.checked ? "true" : "" };
      for (const [name, , input] of inputs) query[name] = input.value.trim();
      data = await maybe("/v1/requests", query, signal);
    },
    render() {
      if (!data) {
        show(list, h("p", { class: "empty" }, "This control plane answers no questions about single requests."));
        return;
      }
      show(list, table("Requests that proxies remember, newest first", [
        { title: "Call", cell: (one) => h("a", { href: `#/request/${encodeURIComponent(one.id)}` }, `${one.method} ${one.path}`) },
        { title: "Time", cell: (one) => clock(one.startedAtMs / 1000) },
        { title: "From", cell: (one) => (one.source ? serviceLink(one.source) : "–") },
        { title: "To", cell: (one) => (one.destination ? serviceLink(one.destination) : one.authority || "–") },
        { title: "Status", cell: (one) => badge(status(one), outcome(one)) },
        { title: "Reason", cell: (one) => one.reason },
        { title: "Took", number: true, cell: (one) => milliseconds(one.durationMs) },
        { title: "Attempts", number: true, cell: (one) => String(one.attempts) },
        { title: "Request id", cell: (one) => h("code", {}, one.id) },
      ], data.requests, { empty: data.truncated ? "Of the newest requests none is like that; proxies remember more than were looked through."
        : "No request that proxies remember is like that." }), notes(data, data.truncated && data.requests.length > 0));
    },
  };
}

function notes(data, isCut) {
  const parts = [];
  if (data.silent?.length) parts.push(`These proxies did not answer in time: ${data.silent.slice(0, 8).join(", ")}.`);
  if (isCut) parts.push("There are more; narrow the filters.");
  return parts.length ? h("p", { class: "note" }, parts.join(" ")) : null;
}

const status = (one) => (one.grpcStatus ? `gRPC ${one.grpcStatus}` : one.status ? String(one.status) : "none");

const outcome = (one) => ((one.reason && one.reason !== "ok") || one.status >= 500 || one.grpcStatus ? "bad"
  : one.status >= 400 ? "warn" : "good");

/** One request's story. */
export function mountOne(root, route) {
  const body = h("div", {});
  root.append(h("p", {}, h("a", { href: "#/requests" }, "All requests")), h("h1", { class: "id" }, `Request ${route.name}`), body);
  let data, missing;
  return {
    every: 5,
    async load(signal) {
      missing = null;
      try { data = await get(`/v1/requests/${encodeURIComponent(route.name)}`, {}, signal); } catch (error) {
        if (!(error instanceof Refused) || error.status === 401) throw error;
        missing = error;
      }
    },
    render() {
      if (missing) {
        show(body, h("p", { class: "empty" }, [missing.message, missing.cause, missing.remedy].filter(Boolean).join("; ")));
        return;
      }
      show(body, story(data));
    },
  };
}

function story(data) {
  const rows = data.hops.flatMap(bars);
  const end = Math.max(1, ...rows.map((one) => one.start + one.length), ...data.events.map((one) => one.atMs));
  const share = (value) => `${Math.max(0, Math.min(100, (value / end) * 100)).toFixed(2)}%`;
  const { summary, cause } = data;
  return [
    h("p", {}, badge(status(summary), outcome(summary)), ` ${summary.method} ${summary.path} from ${
      summary.source || "outside"} to ${summary.destination || summary.authority}, ${milliseconds(summary.durationMs)}, `,
    clock(summary.startedAtMs / 1000)),
    h("p", { class: "headline" }, h("strong", {}, headline(summary, cause)), cause.text, cause.policy ? ` (${place(cause.policy)})` : ""),
    cause.consequences?.length ? h("ul", {}, cause.consequences.map((one) => h("li", {}, `Then ${one.reason} at hop ${one.hop}: ${one.text}${
      one.policy ? ` (${place(one.policy)})` : ""}`))) : null,
    section("Waterfall", table(`Calls and attempts over ${milliseconds(end)}`, [
      { title: "Call", cell: (one) => h("span", { class: `depth${Math.min(one.depth, 6)}` }, one.name) },
      { title: "Outcome", cell: (one) => badge(status(one), outcome(one)) },
      { title: "Reason", cell: (one) => one.reason || "–" },
      { title: "Took", number: true, cell: (one) => milliseconds(one.length) },
      { title: "When", cell: (one) => h("svg", { class: "lane", role: "img", height: 22,
        "aria-label": `from ${milliseconds(one.start)} to ${milliseconds(one.start + one.length)}` },
      h("rect", { x: share(one.start), y: 5, width: share(Math.max(one.length, end * 0.004)), height: 12, class: `bar ${
        outcome(one)} ${one.kind}` }, h("title", {}, one.note || one.name))) },
      { title: "Notes", cell: (one) => one.note || "–" },
    ], rows, { empty: "No proxy remembers a call of it." })),
    section("Story", table("What happened, in order of time", [
      { title: "At", number: true, cell: (one) => milliseconds(one.atMs) },
      { title: "Hop", cell: (one) => String(one.hop) },
      { title: "Who", cell: (one) => one.actor },
      { title: "What", cell: (one) => badge(one.kind, one.kind === "failure" ? "bad" : one.kind === "decision" ? "warn" : "idle") },
      { title: "In words", cell: (one) => one.text },
    ], data.events, { limit: 1000, empty: "Nothing was recorded." })),
    data.advice.length ? section("What to do", h("ul", {}, data.advice.map((text) => h("li", {}, text)))) : null,
    data.gaps.length ? section("What is not known", h("ul", {}, data.gaps.map((text) => h("li", {}, text)))) : null,
    section("Policies in force", table("Values that each hop had, and who set them", [
      { title: "Setting", cell: (one) => one.setting }, { title: "Hop", cell: (one) => String(one.hop) },
      { title: "Value", cell: (one) => one.value },
      { title: "Set by", cell: (one) => (one.source ? place(one.source) : "default") },
    ], data.hops.flatMap((hop) => (hop.outbound?.policies || []).map((one) => ({ ...one, hop: hop.number }))),
    { empty: "None were recorded." })),
    notes(data, false),
  ];
}

/** By the outcome: a status that an application chose itself comes with the reason `ok`. */
function headline(summary, cause) {
  const where = cause.hop ? ` at hop ${cause.hop}, ${cause.place}` : "";
  if (cause.reason !== "ok") return `${cause.reason}${where}: `;
  if (!where && outcome(summary) === "good") return "Nothing is wrong. ";
  return `The application's own answer${where}: `;
}

const place = (from) => `${from.resource.kind} ${from.resource.namespace}/${from.resource.name}${
  from.file ? `, ${from.file}${from.line ? `:${from.line}` : ""}` : ""}`;

/** A hop, its attempts, and what the destination's side took of each; all in milliseconds from the beginning. */
function bars(hop, _, hops) {
  let depth = 0;
  for (let up = hop.parent; up && depth < 16; depth++) up = hops.find((one) => one.number === up)?.parent;
  const record = hop.outbound || hop.inbound[0] || {};
  const rows = [{ name: `${hop.number}. ${hop.source || "outside"} → ${hop.destination}`, depth: depth * 2, kind: "hop",
    start: hop.atMs, length: hop.durationMs, status: record.status, grpcStatus: record.grpcStatus, reason: record.reason,
    note: record.detail }];
  const attempts = hop.outbound?.attempts || [];
  const inOrder = attempts.map((one, index) => [one, index]).sort((a, b) => (a[0].number ?? a[1] + 1) - (b[0].number ?? b[1] + 1));
  inOrder.forEach(([one, index]) => rows.push({
    name: `attempt ${one.number ?? index + 1}${one.isHedge ? " (hedged)" : ""} at ${one.workload || one.address}`, depth: depth * 2 + 1,
    kind: "attempt", start: hop.atMs + one.startedAfterMs, length: one.durationMs, status: one.status, reason: one.reason,
    note: [one.isKept ? "connection kept from before" : "new connection", one.detail].filter(Boolean).join("; "),
  }));
  for (const one of hop.inbound) {
    // Clocks differ: what the destination saw is placed by the attempt that it was.
    const attempt = attempts.find((other, index) => (other.number ?? index + 1) === one.attempt);
    const start = hop.atMs + (attempt?.startedAfterMs ?? 0);
    rows.push({ name: `${one.destination || hop.destination} itself`, depth: depth * 2 + 1, kind: "inbound", start,
      length: one.durationMs, status: one.status, grpcStatus: one.grpcStatus, reason: one.reason,
      note: [one.proxy, one.detail].filter(Boolean).join("; ") });
  }
  return rows;
}
