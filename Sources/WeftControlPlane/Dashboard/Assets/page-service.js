// One service: how its callers are served over time, and what it is made of.

import { documentOf, edges, get, maybe, merge, mergeEdges } from "./api.js";
import { chart } from "./chart.js";
import { badge, clock, h, milliseconds, number, percent, rate, section, show, span, state, stateWord, table }
  from "./dom.js";
import { edgeColumns, reasons, serviceLink } from "./page-topology.js";

export const title = "Services";

/** The list of all services. */
export function mountList(root, route) {
  const search = h("input", {
    type: "search", id: "service-search", value: route.query.get("find") || "", autocomplete: "off",
    input: () => { route.set({ find: search.value }); draw(); },
  });
  const list = h("div", {});
  root.append(h("h1", {}, "Services"),
    h("div", { class: "controls" }, h("label", { for: "service-search" }, "Find services"), search), list);
  let data = null;

  function draw() {
    if (!data) return;
    const [traffic, resources, status, objectives] = data;
    const served = new Map(merge(mergeEdges(traffic.edges), (one) => one.destination).map((one) => [one.id, one]));
    const names = new Set([...served.keys(), ...traffic.edges.map((one) => one.source)]);
    for (const one of resources?.resources || []) if (one.key.kind === "Service") names.add(`${one.key.name}.${one.key.namespace}`);
    const proxies = new Map();
    for (const one of status.proxies) if (one.service) proxies.set(one.service, (proxies.get(one.service) || 0) + 1);
    const goals = new Map((objectives?.objectives || []).map((one) => [one.target?.name ?? one.target, one]));
    const text = search.value.trim().toLowerCase();
    const rows = [...names].filter((name) => name.toLowerCase().includes(text)).sort().map((name) => ({
      name, workloads: proxies.get(name) || 0, objective: goals.get(name) || goals.get(name.split(".")[0]),
      ...(served.get(name) || { rps: 0, success: null, p50: null, p99: null, failures: {} }),
    }));
    show(list, table("Services and how their callers are served", [
      { title: "Service", cell: (one) => serviceLink(one.name) },
      { title: "State", cell: stateCell },
      { title: "Rate", number: true, cell: (one) => rate(one.rps) },
      { title: "Succeed", number: true, cell: (one) => percent(one.success) },
      { title: "p50", number: true, cell: (one) => milliseconds(one.p50) },
      { title: "p99", number: true, cell: (one) => milliseconds(one.p99) },
      { title: "Workloads", number: true, cell: (one) => String(one.workloads) },
      { title: "Error budget", number: true, cell: (one) => (one.objective ? percent(one.objective.budgetRemainingRatio) : "–") },
      { title: "Failures", cell: (one) => reasons(one.failures) },
    ], rows, { limit: 600, empty: "No service has that in its name." }));
  }

  return {
    every: 4,
    async load(signal) {
      data = await Promise.all([edges({ window: 60 }, signal), maybe("/v1/resources", { kind: "Service" }, signal),
        get("/v1/status", {}, signal), maybe("/v1/objectives", {}, signal)]);
    },
    render: draw,
  };
}

const stateCell = (one) => {
  const kind = one.rps > 0 ? state(one.success) : "idle";
  return badge(stateWord[kind], kind);
};

/** What was seen since the page was opened, for control planes that keep no past. */
const seen = new Map();

export function mount(root, route) {
  const name = route.name;
  const chosen = h("select", { id: "service-window", change: () => { route.set({ window: chosen.value }); route.reload(); } },
    [["900", "15 minutes"], ["3600", "1 hour"], ["21600", "6 hours"], ["86400", "24 hours"]].map(([value, text]) =>
      h("option", { value, selected: value === (route.query.get("window") || "900") }, text)));
  const charts = h("div", { class: "charts" }), details = h("div", {});
  root.append(h("h1", {}, name),
    h("div", { class: "controls" }, h("label", { for: "service-window" }, "Over the last"), chosen,
      h("a", { href: `#/requests?service=${encodeURIComponent(name)}` }, "Its requests")),
    charts, details);
  let data = null;

  async function load(signal) {
    const window = Number(chosen.value);
    const [traffic, timeline, resources, status, objectives] = await Promise.all([
      edges({ window: 60, service: name }, signal),
      maybe("/v1/telemetry/timeline", { service: name, destination: name, window }, signal),
      maybe("/v1/resources", {}, signal), get("/v1/status", {}, signal), maybe("/v1/objectives", {}, signal)]);
    const own = traffic.edges.filter((one) => sameService(one.destination, name, one.version));
    const total = merge(own, () => "all")[0];
    if (!timeline) {
      const points = seen.get(name) || [];
      if (!points.length || points[points.length - 1].at < traffic.at) {
        points.push({ at: traffic.at, requestsPerSecond: total?.rps ?? 0, successRatio: total?.success ?? null,
          p50Ms: total?.p50 ?? null, p90Ms: total?.p90 ?? null, p99Ms: total?.p99 ?? null });
      }
      seen.set(name, points.slice(-600));
    }
    data = { traffic, own, points: timeline ? timeline.points || [] : seen.get(name), isPast: Boolean(timeline),
      resources: resources?.resources || [], status, objectives: objectives?.objectives || [] };
  }

  function render() {
    if (!data) return;
    const { traffic, own, points, resources, status } = data;
    const times = points.map((point) => point.at);
    const wide = charts.clientWidth || 600;
    const width = Math.max(260, wide >= 1100 ? wide / 3 - 20 : wide >= 680 ? wide / 2 - 10 : wide);
    const values = (field) => points.map((point) => point[field]);
    show(charts,
      chart("Success", times, [{ name: "", values: values("successRatio"), kind: "a" }],
        { format: percent, width, max: 1, min: Math.min(0.9, ...values("successRatio").filter((v) => v !== null && v !== undefined)) }),
      chart("Requests", times, [{ name: "", values: values("requestsPerSecond"), kind: "a" }], { format: rate, width }),
      chart("Latency", times, [{ name: "p50", values: values("p50Ms"), kind: "a" },
        { name: "p90", values: values("p90Ms"), kind: "b" }, { name: "p99", values: values("p99Ms"), kind: "c" }],
      { format: milliseconds, width }),
      data.isPast ? null : h("p", { class: "note" }, "This control plane keeps no past; the lines begin when this page was opened."));
    const proxies = status.proxies.filter((one) => one.service && sameService(one.service, name, ""));
    const calls = traffic.edges.filter((one) => one.source === name);
    show(details,
      objectivesOf(name, data.objectives),
      section("Callers", table(`Who calls ${name}`, edgeColumns.filter((one) => one.title !== "To"), mergeEdges(own),
        { empty: "Nobody called it in the last minute." })),
      section("Calls of its own", table(`Whom ${name} calls`, edgeColumns.filter((one) => one.title !== "From"),
        mergeEdges(calls), { empty: "It called nobody in the last minute." })),
      section("Versions", table("Versions that answer", groupColumns("Version", (one) => one.version || "none"),
        merge(own, (one) => one.version), { empty: "No calls in the last minute." })),
      section("Routes", table("Routes that were taken", groupColumns("Route", (one) => one.route || "none"),
        merge(own, (one) => one.route), { empty: "No calls in the last minute." })),
      section("Endpoints", table("Workloads behind it", endpointColumns(status.now), proxies,
        { empty: "No workload of it is connected." })),
      section("What applies to it", table("Resources that name it", resourceColumns, naming(resources, name),
        { empty: "Nothing names it; the mesh's defaults apply." })),
      section("Certificates", table("Certificates of its workloads", certificateColumns(status.now), proxies,
        { empty: "No workload of it is connected." })));
  }

  return { every: 4, load, render };
}

/** `billing-v2.default` is a backend of `billing.default`. */
function sameService(other, name, version) {
  if (other === name) return true;
  const [base, ...space] = name.split(".");
  return Boolean(version) && other === [`${base}-${version}`, ...space].join(".");
}

function objectivesOf(name, all) {
  const own = all.filter((one) => [name, name.split(".")[0]].includes(one.target?.name ?? one.target));
  if (!own.length) return null;
  return section("Objectives", table("Objectives and their budgets", [
    { title: "Objective", cell: (one) => one.name },
    { title: "State", cell: (one) => badge(one.state || "unknown", one.state === "ok" || one.state === "met" ? "good"
      : one.state === "burning" || one.state === "exhausted" ? "bad" : "idle") },
    { title: "Target", number: true, cell: (one) => percent(one.successTarget) },
    { title: "Latency", number: true, cell: (one) => milliseconds(one.latencyTargetMs) },
    { title: "Budget left", number: true, cell: (one) => percent(one.budgetRemainingRatio) },
    { title: "Burn rates", cell: (one) => Object.entries(one.burnRates || {}).map(([window, value]) =>
      `${window} ${number(value)}×`).join(", ") || "–" },
  ], own));
}

const groupColumns = (name, cell) => [
  { title: name, cell },
  { title: "Rate", number: true, cell: (one) => rate(one.rps) },
  { title: "Succeed", number: true, cell: (one) => percent(one.success) },
  { title: "p50", number: true, cell: (one) => milliseconds(one.p50) },
  { title: "p99", number: true, cell: (one) => milliseconds(one.p99) },
  { title: "Failures", cell: (one) => reasons(one.failures) },
];

const proxyState = { ready: "good", notReady: "warn", draining: "warn", lost: "bad", client: "idle" };
const proxyWord = { ready: "ready", notReady: "not ready", draining: "draining", lost: "lost", client: "client" };

export const proxyBadge = (one) => badge(proxyWord[one.state] || one.state, proxyState[one.state] || "idle");

export const workloadName = (one) => one.workload || one.identity;

const endpointColumns = (now) => [
  { title: "Workload", cell: workloadName },
  { title: "State", cell: proxyBadge },
  { title: "Version", cell: (one) => one.serviceVersion || "–" },
  { title: "Address", cell: (one) => one.address || "–" },
  { title: "Connected", cell: (one) => (one.connectedSince ? `for ${span(now - one.connectedSince)}` : "no") },
  { title: "Cause", cell: (one) => one.cause || "–" },
];

export const certificateColumns = (now) => [
  { title: "Workload", cell: workloadName },
  { title: "Identity", cell: (one) => one.identity },
  { title: "State", cell: (one) => {
    if (!one.certificateExpiresAt) return badge("none", "idle");
    const life = one.certificateExpiresAt - (one.certificateNotBefore || one.certificateExpiresAt - 86400);
    const left = one.certificateExpiresAt - now;
    return left <= 0 ? badge("expired", "bad") : left < 0.3 * life ? badge("renewal is late", "warn") : badge("good", "good");
  } },
  { title: "Expires", cell: (one) => (one.certificateExpiresAt ? [clock(one.certificateExpiresAt), ` (in ${span(one.certificateExpiresAt - now)})`] : "–") },
  { title: "Serial", cell: (one) => one.certificateSerial || "–" },
];

const resourceColumns = [
  { title: "Resource", cell: (one) => `${one.key.kind} ${one.key.name}` },
  { title: "Namespace", cell: (one) => one.key.namespace },
  { title: "State", cell: (one) => {
    const wrong = (one.status || []).flatMap((parent) => parent.conditions).filter((condition) => !condition.isTrue);
    if (wrong.length) return badge(wrong.map((condition) => condition.reason).join(", "), "bad");
    return one.problems?.length ? badge(`${one.problems.length} problems`, "warn") : badge("followed", "good");
  } },
  { title: "Revision", number: true, cell: (one) => String(one.revision) },
  { title: "From", cell: (one) => (one.file ? `${one.file}${one.line ? `:${one.line}` : ""}` : "–") },
  { title: "Document", cell: (one) => h("details", { "data-key": `${one.key.kind}/${one.key.namespace}/${one.key.name}` },
    h("summary", { "aria-label": `Document of ${one.key.kind} ${one.key.name}` }, "show"),
    h("pre", {}, JSON.stringify(documentOf(one), null, 2))) },
];

/** Resources whose target, parent or selector is the service; mesh-wide ones too. */
function naming(resources, name) {
  const [base, ...rest] = name.split(".");
  const namespace = rest.join(".");
  const isOwn = (reference, home) => reference?.name === base && (reference.namespace || home) === namespace
    && (!reference.kind || reference.kind === "Service");
  return resources.filter((one) => {
    const { kind, name: own, namespace: home } = one.key;
    if (kind === "Workload") return false;
    if (kind === "Service") return own === base && home === namespace;
    const spec = documentOf(one).spec || {};
    const references = [...(spec.parentRefs || []), ...(spec.targetRefs || []), ...(spec.targetRef ? [spec.targetRef] : []),
      ...(spec.rules || []).flatMap((rule) => rule.backendRefs || [])];
    if (references.some((reference) => isOwn(reference, home))) return true;
    const names = !references.length && ["AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication", "RateLimit",
      "FaultInjection", "MeshSettings", "TrafficPolicy"].includes(kind);
    const labels = spec.selector?.matchLabels || {};
    return names && (home === namespace || kind === "MeshSettings") && (!labels.app || labels.app === base);
  });
}
