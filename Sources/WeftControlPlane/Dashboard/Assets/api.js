// Calls of the control plane's API, and what they answer in one shape whatever the control plane's version.

const keyName = "weft-dashboard-key";

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message || `the control plane answered ${status}`);
    this.status = status;
    this.cause = body?.cause;
    this.remedy = body?.remedy;
  }
}

/** The page's half of the session; the other is a cookie that no script sees. */
function key() {
  try { return localStorage.getItem(keyName); } catch { return null; }
}

export async function login(secret) {
  const answer = await fetch("/v1/dashboard/sessions", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(secret),
    credentials: "same-origin",
  });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body);
  try { localStorage.setItem(keyName, body.key); } catch { /* Without storage it lasts as long as the page. */ }
}

/** Ends the session here and there. */
export async function logout() {
  const answer = await fetch("/v1/dashboard/sessions", {
    method: "DELETE", headers: { "x-weft-dashboard": key() || "" }, credentials: "same-origin",
  });
  // 401: it had ended already.
  if (!answer.ok && answer.status !== 401) throw new Refused(answer.status, await answer.json().catch(() => null));
  try { localStorage.removeItem(keyName); } catch { /* There was none. */ }
}

export async function get(path, query = {}, signal) {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") fields.set(name, value);
  const text = fields.toString();
  const answer = await fetch(path + (text ? `?${text}` : ""), {
    headers: { "x-weft-dashboard": key() || "" }, credentials: "same-origin", cache: "no-store", signal,
  });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

/** The same, but nothing where this control plane has no such call. */
export async function maybe(path, query, signal) {
  try { return await get(path, query, signal); } catch (error) {
    if (error instanceof Refused && [404, 403, 503].includes(error.status)) return null;
    throw error;
  }
}

/** Edges of the last `window` seconds, each once: counted by its caller, or by its destination where only that did. */
export async function edges(query, signal) {
  const telemetry = await maybe("/v1/telemetry/edges", { window: 60, ...query }, signal);
  if (telemetry) {
    return { window: telemetry.windowSeconds, at: telemetry.at, edges: once((telemetry.edges || []).map(edge)) };
  }
  const stat = await get("/v1/stat", { window: Math.min(query.window || 60, 60) }, signal);
  return { window: stat.windowSeconds, at: stat.at, edges: once(stat.edges.map(oldEdge)) };
}

function edge(from) {
  return {
    source: from.source, destination: from.destination, version: from.version || "", route: from.route || "",
    direction: from.direction, protocol: from.protocol || "", tls: from.tls, peer: from.peerIdentity || "",
    rps: from.requestsPerSecond || 0, success: from.successRatio, p50: from.p50Ms, p90: from.p90Ms,
    p99: from.p99Ms, retries: from.retriesPerSecond || 0, failures: from.failures || {},
  };
}

function oldEdge(from) {
  const seconds = from.requestsPerSecond > 0 ? from.requests / from.requestsPerSecond : 1;
  const failures = {};
  for (const [reason, count] of Object.entries(from.failures || {})) failures[reason] = count / seconds;
  return {
    source: from.source, destination: from.destination, version: from.version || "", route: from.route || "",
    direction: from.direction, protocol: from.protocol || "", tls: from.tls, peer: from.peerIdentity || "",
    rps: from.requestsPerSecond || 0, success: from.successRatio, p50: from.p50Ms, p90: from.p95Ms, p99: from.p99Ms,
    retries: from.retriesPerSecond || 0, failures,
  };
}

/**
 * Callers name the backend that a route chose, `billing-v2`; it is counted for the service whose workloads it has, which
 * is what these call themselves.
 */
function once(all) {
  const served = new Set(all.filter((one) => one.direction === "inbound").map((one) => one.destination));
  for (const one of all) {
    const [base, ...namespace] = one.destination.split(".");
    const end = `-${one.version}`;
    if (one.direction !== "outbound" || !one.version || !base.endsWith(end)) continue;
    const name = [base.slice(0, -end.length), ...namespace].join(".");
    if (served.has(name)) [one.backend, one.destination] = [one.destination, name];
  }
  const outbound = new Set(all.filter((one) => one.direction === "outbound")
    .map((one) => `${one.source}\n${one.destination}`));
  return all.filter((one) => one.direction === "outbound" || !outbound.has(`${one.source}\n${one.destination}`));
}

/** Edges put together by `name`; a latency of several is the highest of theirs. */
export function merge(all, name) {
  // What reached nobody was not sent in the clear either.
  const isPlain = (one) => !one.tls && one.success !== 0 && one.rps > 0;
  const merged = new Map();
  for (const one of all) {
    const id = name(one);
    const into = merged.get(id);
    if (!into) {
      merged.set(id, { ...one, id, failures: { ...one.failures }, tls: !isPlain(one), plain: isPlain(one) ? one.rps : 0 });
      continue;
    }
    const total = into.rps + one.rps;
    if (one.success !== null && one.success !== undefined && one.rps > 0) {
      into.success = into.success === null || into.success === undefined || into.rps === 0 ? one.success
        : (into.success * into.rps + one.success * one.rps) / total;
    }
    into.rps = total;
    into.retries += one.retries;
    into.tls = into.tls && !isPlain(one);
    into.plain += isPlain(one) ? one.rps : 0;
    for (const figure of ["p50", "p90", "p99"]) {
      if (one[figure] !== null && one[figure] !== undefined) into[figure] = Math.max(into[figure] ?? 0, one[figure]);
    }
    for (const [reason, value] of Object.entries(one.failures)) into.failures[reason] = (into.failures[reason] || 0) + value;
  }
  return [...merged.values()];
}

export const mergeEdges = (all) => merge(all, (one) => `${one.source}\n${one.destination}`);

/** The document of a resource; empty where it cannot be read. */
export function documentOf(resource) {
  try { return JSON.parse(resource.document) || {}; } catch { return {}; }
}
