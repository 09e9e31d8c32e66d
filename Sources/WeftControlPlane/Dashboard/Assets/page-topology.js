// Who calls whom, and how well: drawn, and as a table.

import { edges, merge, mergeEdges } from "./api.js";
import { badge, h, milliseconds, percent, rate, show, state, stateWord, table } from "./dom.js";
import { drawing, readable, short, view } from "./graph.js";

export const title = "Topology";

export function mount(root, route) {
  const search = h("input", {
    type: "search", id: "topology-search", value: route.query.get("find") || "", autocomplete: "off",
    input: () => { route.set({ find: search.value }); draw(); },
  });
  const chosen = h("select", { id: "topology-group", change: () => { route.set({ group: chosen.value }); draw(); } });
  const figures = h("div", { class: "figures" });
  const graph = h("div", {}), rows = h("div", {});
  root.append(
    h("h1", {}, "Topology"),
    h("div", { class: "controls" },
      h("label", { for: "topology-search" }, "Find services"), search,
      h("label", { for: "topology-group" }, "Group"), chosen),
    figures, graph, rows);
  let last = null;

  function draw() {
    if (!last) return;
    const pairs = mergeEdges(last.edges);
    const drawn = view(pairs, { text: search.value, group: route.query.get("group") || "" });
    const group = route.query.get("group") || "";
    show(chosen, h("option", { value: "" }, drawn.total > readable ? "all, put together" : "all"),
      drawn.total > readable ? drawn.groups.map((name) => h("option", { value: name, selected: name === group }, name))
        : []);
    chosen.disabled = drawn.total <= readable;
    const served = new Map(merge(pairs, (one) => one.destination).map((one) => [one.id, one]));
    const called = new Map(merge(pairs, (one) => one.source).map((one) => [one.id, one]));
    const total = merge(pairs, () => "all")[0];
    show(figures,
      figure("Services", String(drawn.total)), figure("Calls", rate(total?.rps ?? 0)),
      figure("Succeed", percent(total?.success)),
      figure("Highest p99", milliseconds(total?.p99)),
      figure("Encrypted", total?.rps > 0 ? percent(1 - total.plain / total.rps) : "–"));
    const ofBox = (box) => {
      if (!box.isGroup) return served.get(box.name) || called.get(box.name) || { rps: 0, success: null };
      let lines = drawn.lines.filter((line) => line.to === box.id);
      if (!lines.length) lines = drawn.lines.filter((line) => line.from === box.id);
      const rps = lines.reduce((sum, line) => sum + line.rps, 0);
      return { rps, success: rps > 0 ? lines.reduce((sum, line) => sum + line.good, 0) / rps : null };
    };
    const href = (box) => (box.isGroup ? `#/?group=${encodeURIComponent(box.name)}`
      : `#/service/${encodeURIComponent(box.name)}`);
    const nothing = h("p", { class: "empty" }, search.value ? "No service has that in its name."
      : "No calls were seen yet. As soon as services call each other through the mesh they appear here.");
    show(graph, drawn.boxes.length
      ? h("div", { class: "scroll canvas", tabindex: "0", role: "region", "aria-label": "Topology drawing" },
        drawing(drawn, ofBox, href)) : nothing,
      h("p", { class: "note" }, "On each line: calls per second, how many succeed, and p99. Wide lines are busy, dashed ones not encrypted. ",
        "The table below says the same in words."));
    const text = search.value.trim().toLowerCase();
    const listed = pairs.filter((one) => !text || one.source.toLowerCase().includes(text)
      || one.destination.toLowerCase().includes(text)).sort(worstFirst);
    show(rows, table("Calls between services, those that fail most first", edgeColumns, listed,
      { empty: "No calls were seen in this window.", limit: 100 }));
  }

  return {
    every: 3,
    async load(signal) { last = await edges({ window: 60 }, signal); },
    render: draw,
  };
}

const figure = (name, value) => h("div", { class: "figure" }, h("span", {}, name), h("strong", {}, value));

const worstFirst = (a, b) => (b.rps * (1 - (b.success ?? 1))) - (a.rps * (1 - (a.success ?? 1))) || b.rps - a.rps
  || (a.source < b.source ? -1 : 1);

export const serviceLink = (name) => h("a", { href: `#/service/${encodeURIComponent(name)}` }, name);

export const edgeColumns = [
  { title: "From", cell: (one) => serviceLink(one.source) },
  { title: "To", cell: (one) => serviceLink(one.destination) },
  { title: "State", cell: (one) => { const kind = one.rps > 0 ? state(one.success) : "idle"; return badge(stateWord[kind], kind); } },
  { title: "Rate", number: true, cell: (one) => rate(one.rps) },
  { title: "Succeed", number: true, cell: (one) => percent(one.success) },
  { title: "p50", number: true, cell: (one) => milliseconds(one.p50) },
  { title: "p99", number: true, cell: (one) => milliseconds(one.p99) },
  { title: "Retries", number: true, cell: (one) => rate(one.retries) },
  { title: "TLS", cell: (one) => (one.tls ? "yes" : "no") },
  { title: "Failures", cell: (one) => reasons(one.failures) },
];

export function reasons(failures) {
  const known = Object.entries(failures).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).slice(0, 4);
  return known.length ? known.map(([reason, value]) => `${reason} ${rate(value)}`).join(", ") : "none";
}

export { short };
