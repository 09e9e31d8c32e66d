// The control plane, its proxies and the revisions they have, and the certificates that prove who they are.

import { get, maybe } from "./api.js";
import { badge, clock, h, section, show, span, table } from "./dom.js";
import { certificateColumns, proxyBadge, workloadName } from "./page-service.js";

export const title = "Fleet";

export function mount(root, route) {
  const search = h("input", {
    type: "search", id: "fleet-search", value: route.query.get("find") || "", autocomplete: "off",
    input: () => { route.set({ find: search.value }); draw(); },
  });
  const only = h("input", {
    type: "checkbox", id: "fleet-stragglers", checked: route.query.get("stragglers") === "1",
    change: () => { route.set({ stragglers: only.checked ? "1" : "" }); draw(); },
  });
  const summary = h("div", { class: "figures" }), body = h("div", {});
  root.append(h("h1", {}, "Fleet"), summary,
    h("div", { class: "controls" },
      h("label", { for: "fleet-search" }, "Find proxies"), search,
      h("span", { class: "choice" }, only, h("label", { for: "fleet-stragglers" }, "Only stragglers"))),
    body);
  let data = null;

  function draw() {
    if (!data) return;
    const [status, identity] = data;
    const behind = status.proxies.filter((one) => isStraggler(one));
    show(summary,
      figure("Revision", String(status.publishedRevision)),
      figure("Proxies", String(status.proxies.length)),
      figure("Stragglers", String(behind.length)),
      figure("Version", status.version),
      figure("Up for", span(status.now - status.startedAt)));
    const text = search.value.trim().toLowerCase();
    const rows = status.proxies.filter((one) => (!only.checked || isStraggler(one))
      && `${workloadName(one)} ${one.service || ""} ${one.identity}`.toLowerCase().includes(text));
    show(body,
      status.problems.length ? section("Problems", table("What keeps the configuration from being followed", [
        { title: "Severity", cell: (one) => badge(one.severity, one.severity === "error" ? "bad" : "warn") },
        { title: "Resource", cell: (one) => one.resource || "–" },
        { title: "Problem", cell: (one) => one.message },
        { title: "Remedy", cell: (one) => one.remedy || "–" },
        { title: "Where", cell: (one) => (one.file ? `${one.file}${one.line ? `:${one.line}` : ""}` : "–") },
      ], status.problems)) : null,
      section("Proxies", table("Proxies and what they have confirmed", [
        { title: "Workload", cell: workloadName },
        { title: "State", cell: proxyBadge },
        { title: "Configuration", cell: (one) => configuration(one, status) },
        { title: "Service", cell: (one) => (one.service
          ? h("a", { href: `#/service/${encodeURIComponent(one.service)}` }, one.service) : "–") },
        { title: "Version", cell: (one) => one.serviceVersion || "–" },
        { title: "Client", cell: (one) => `${one.client} ${one.proxyVersion}` },
        { title: "Address", cell: (one) => one.address || "–" },
        { title: "Connected", cell: (one) => (one.connectedSince ? `for ${span(status.now - one.connectedSince)}` : "no") },
        { title: "Clock", number: true, cell: (one) => (one.clockOffsetMilliseconds === undefined ? "–"
          : `${one.clockOffsetMilliseconds} ms`) },
      ], rows, { limit: 500, empty: only.checked ? "No proxy lags behind." : "No proxy is connected." })),
      section("Certificates", table("Workloads' certificates, first those that expire first",
        certificateColumns(status.now), [...rows].filter((one) => one.certificateExpiresAt)
          .sort((a, b) => a.certificateExpiresAt - b.certificateExpiresAt), { limit: 500, empty: "None." })),
      section("Authority", table("Roots that the mesh trusts", [
        { title: "Fingerprint", cell: (one) => h("code", {}, one.fingerprint.slice(0, 16)) },
        { title: "State", cell: (one) => badge(one.state, one.state === "issuing" ? "good" : "warn") },
        { title: "Expires", cell: (one) => clock(one.expiresAt) },
        { title: "Trusted by", number: true, cell: (one) => `${one.trustedBy} of ${identity?.proxies ?? "–"}` },
        { title: "Certificates", number: true, cell: (one) => String(one.leaves) },
      ], identity?.roots || [], { empty: "Not known." }),
      identity ? h("p", { class: "note" }, `Trust domain ${identity.trustDomain}; the intermediate expires `,
        clock(identity.intermediateExpiresAt), `; keys are ${identity.isEncrypted ? "" : "not "}encrypted on disk${
          identity.revoked.length ? `; ${identity.revoked.length} identities are revoked` : ""}.`) : null));
  }

  return {
    every: 3,
    async load(signal) {
      data = await Promise.all([get("/v1/status", {}, signal), maybe("/v1/identity", {}, signal)]);
    },
    render: draw,
  };
}

const figure = (name, value) => h("div", { class: "figure" }, h("span", {}, name), h("strong", {}, value));

const rejection = (one) => one.discovery.find((type) => type.rejection)?.rejection;

function isStraggler(one) {
  return one.state !== "ready" && one.state !== "client" || !one.discovery.length
    || one.discovery.some((type) => type.pending > 0 || type.rejection);
}

function configuration(one, status) {
  const refused = rejection(one);
  if (refused) return [badge("refused", "bad"), ` revision ${refused.revision}: ${refused.message}`];
  const known = one.discovery.map((type) => type.acknowledgedRevision).filter((value) => value !== undefined && value !== null);
  if (!one.discovery.length) return badge("no stream", "bad");
  const pending = one.discovery.filter((type) => type.pending > 0).map((type) => type.type);
  const revision = known.length ? Math.min(...known) : null;
  if (pending.length) return [badge("lags", "warn"), ` waits for ${pending.join(", ")}`];
  return [badge("current", "good"), ` revision ${revision ?? status.publishedRevision}`];
}
