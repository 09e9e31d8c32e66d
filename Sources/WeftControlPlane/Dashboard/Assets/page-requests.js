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
    every: 3,
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
        { title: "Request", cell: (one) => h("a", { href: `#/request/${encodeURIComponent(one.request_id)}` }, one.request_id) },
        { title: "Time", cell: (one) => clock(seconds(one)) },
        { title: "From", cell: (one) => (one.source ? serviceLink(one.source) : "–") },
        { title: "To", cell: (one) => (one.destination ? serviceLink(one.destination) : "–") },
        { title: "Call", cell: (one) => h("code", {}, `${one.method || ""} ${one.path || ""}`) },
        { title: "Status", cell: (one) => badge(one.grpc_status ? `gRPC ${one.grpc_status}` : String(one.status ?? "none"), outcome(one)) },
        { title: "Reason", cell: (one) => one.reason || "–" },
        { title: "Took", number: true, cell: (one) => milliseconds(one.duration_ms) },
        { title: "Attempts", number: true, cell: (one) => String(count(one.attempts) ?? "–") },
      ], data.requests || [], { empty: "No request that proxies remember is like that." }),
      notes(data));
    },
  };
}

function notes(data) {
  const silent = data.unanswered || data.silent || [];
  const parts = [];
  if (silent.length) parts.push(`${silent.length} proxies did not answer in time.`);
  if (data.truncated || data.is_truncated) parts.push("There are more; narrow the filters.");
  return parts.length ? h("p", { class: "note" }, parts.join(" ")) : null;
}

const count = (value) => (Array.isArray(value) ? value.length : value);

function seconds(one) {
  const at = one.started_at ?? one.started_at_unix ?? one.at_unix;
  if (typeof at === "string") return Date.parse(at) / 1000;
  return at > 1e11 ? at / 1000 : at;
}

const outcome = (one) => ((one.reason && one.reason !== "ok") || one.status >= 500 || one.grpc_status ? "bad"
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
        show(body, h("p", { class: "empty" }, `${missing.message}. Proxies remember the newest requests only.`));
        return;
      }
      show(body, story(data));
    },
  };
}

function story(data) {
  const events = [...(data.events || [])].sort((a, b) => (a.at_ms ?? 0) - (b.at_ms ?? 0));
  const hops = data.hops || [];
  const summary = data.summary || data;
  const first = Math.min(...hops.map(startOf).filter(Number.isFinite));
  const spans = hops.map((hop, index) => {
    const own = events.filter((event) => event.hop === index || event.hop === (hop.id ?? hop.name));
    const start = Number.isFinite(startOf(hop)) && Number.isFinite(first) ? startOf(hop) - first : own[0]?.at_ms ?? 0;
    const length = hop.duration_ms ?? Math.max(0, (own[own.length - 1]?.at_ms ?? 0) - start);
    return { hop, index, start: hop.offset_ms ?? start, length, own };
  });
  const end = Math.max(1, ...spans.map((one) => one.start + one.length), ...events.map((event) => event.at_ms ?? 0));
  const share = (value) => `${Math.max(0, Math.min(100, (value / end) * 100)).toFixed(2)}%`;
  return [
    data.headline || summary.story ? h("p", { class: "headline" }, data.headline || summary.story) : null,
    section("Waterfall", table(`Hops over ${milliseconds(end)}`, [
      { title: "Hop", cell: ({ hop, index }) => hopName(hop, index) },
      { title: "Outcome", cell: ({ hop }) => badge(String(hop.status ?? hop.reason ?? "–"), outcome(hop)) },
      { title: "Reason", cell: ({ hop }) => hop.reason || "–" },
      { title: "Took", number: true, cell: ({ length }) => milliseconds(length) },
      { title: "When", cell: ({ hop, start, length, own }) => h("svg", {
        class: "lane", role: "img", height: 22,
        "aria-label": `from ${milliseconds(start)} to ${milliseconds(start + length)}`,
      }, h("rect", { x: share(start), y: 5, width: share(Math.max(length, end * 0.004)), height: 12, class: `bar ${outcome(hop)}` }),
      own.map((event) => h("rect", { x: share(event.at_ms ?? 0), y: 2, width: 2, height: 18, class: "tickmark" },
        h("title", {}, `${milliseconds(event.at_ms)} ${event.text}`)))) },
    ], spans, { empty: "No proxy remembers a hop of it." })),
    section("Story", table("What happened, in order of time", [
      { title: "At", cell: (event) => milliseconds(event.at_ms ?? 0) },
      { title: "Hop", cell: (event) => (event.hop === undefined ? "–" : String(typeof event.hop === "number" ? event.hop + 1 : event.hop)) },
      { title: "Who", cell: (event) => event.actor || "–" },
      { title: "What", cell: (event) => badge(event.kind || "event", /fail|error|deny|denied|timeout|reset|refus/i.test(event.kind || "") ? "bad" : "idle") },
      { title: "In words", cell: (event) => event.text || "–" },
    ], events, { limit: 500, empty: "Nothing was recorded." })),
    data.advice ? section("What to do", h("p", {}, data.advice)) : null,
    h("details", { "data-key": "record" }, h("summary", {}, "Whole record"), h("pre", {}, JSON.stringify(data, null, 2))),
  ];
}

const startOf = (hop) => {
  if (typeof hop.started_at === "string") return Date.parse(hop.started_at);
  const at = hop.started_at ?? hop.started_at_ms ?? hop.started_at_unix_ms;
  return at === undefined ? NaN : at > 1e11 ? at : at * 1000;
};

const hopName = (hop, index) => hop.name || `${index + 1}. ${hop.source || "caller"} → ${hop.destination || "service"}${
  hop.direction ? ` (${hop.direction})` : ""}`;
