// Who changed what, when, newest first, and how each document changed.

import { get } from "./api.js";
import { badge, clock, h, show, table } from "./dom.js";

export const title = "History";

const word = { created: "good", updated: "warn", deleted: "bad" };

export function mount(root, route) {
  const search = h("input", {
    type: "search", id: "history-search", value: route.query.get("find") || "", autocomplete: "off",
    input: () => { route.set({ find: search.value }); draw(); },
  });
  let limit = 100;
  const more = h("button", { type: "button", click: () => { limit = Math.min(limit * 4, 10000); route.reload(); } },
    "Older changes");
  const list = h("div", {});
  root.append(h("h1", {}, "Configuration history"),
    h("div", { class: "controls" }, h("label", { for: "history-search" }, "Find resources or authors"), search),
    list, more);
  let entries = null;

  function draw() {
    if (!entries) return;
    const text = search.value.trim().toLowerCase();
    const before = previous(entries);
    const rows = entries.filter((one) => `${name(one)} ${one.author}`.toLowerCase().includes(text));
    more.hidden = new Set(entries.map((one) => one.revision)).size < limit;
    show(list, table("Changes, newest first", [
      { title: "Revision", cell: (one) => String(one.revision) },
      { title: "Time", cell: (one) => clock(one.at) },
      { title: "Action", cell: (one) => badge(one.action, word[one.action] || "idle") },
      { title: "Resource", cell: name },
      { title: "Author", cell: (one) => one.author },
      { title: "Change", cell: (one) => h("details", { "data-key": `${one.revision} ${name(one)}` },
        h("summary", { "aria-label": `Change of ${name(one)} in revision ${one.revision}` }, "show"),
        difference(before.get(one), one)) },
    ], rows, { limit: 1000, empty: text ? "No change has that in its name." : "Nothing was ever changed." }));
  }

  return {
    every: 5,
    async load(signal) { entries = (await get("/v1/history", { limit }, signal)).entries; },
    render: draw,
  };
}

const name = (one) => `${one.key.kind} ${one.key.namespace}/${one.key.name}`;

/** The change before each change of the same resource. */
function previous(entries) {
  const result = new Map(), latest = new Map();
  for (const one of [...entries].reverse()) {
    result.set(one, latest.get(name(one)));
    latest.set(name(one), one);
  }
  return result;
}

function lines(entry) {
  if (!entry?.document) return [];
  try { return JSON.stringify(JSON.parse(entry.document), null, 2).split("\n"); } catch { return [entry.document]; }
}

/** Lines that went and came, with those that stayed between them. */
function difference(before, after) {
  const [old, now] = [lines(before), lines(after)];
  const isTooLong = old.length * now.length > 250000;
  const parts = isTooLong ? now.map((text) => [" ", text]) : compare(old, now);
  return h("pre", { class: "diff" }, parts.map(([sign, text]) => h("span", {
    class: sign === "+" ? "came" : sign === "-" ? "went" : null,
  }, `${sign} ${text}\n`)));
}

/** By the longest common sequence. */
export function compare(old, now) {
  const table = Array.from({ length: old.length + 1 }, () => new Uint32Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      table[i][j] = old[i] === now[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
  }
  const parts = [];
  let i = 0, j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) { parts.push([" ", now[j]]); i++; j++; }
    else if (i < old.length && (j >= now.length || table[i + 1][j] >= table[i][j + 1])) parts.push(["-", old[i++]]);
    else parts.push(["+", now[j++]]);
  }
  return parts;
}
