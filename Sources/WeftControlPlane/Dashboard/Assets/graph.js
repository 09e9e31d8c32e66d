// The mesh as a drawing: callers to the left of what they call. Places are computed here, the same for the same mesh.

import { h, svgLink, percent, rate, milliseconds, state, stateWord } from "./dom.js";

/** So many boxes can be read at once; beyond, services are put together. */
export const readable = 40;

/** The service without its namespace. */
export const short = (name) => name.split(".")[0];
export const namespaceOf = (name) => name.split(".").slice(1).join(".");

/**
 * Boxes and lines to draw of `edges` (each pair once). More services than are readable become groups: by namespace, or
 * where there is one by how their names begin; `group` opens one of them. `text` picks services and their neighbours.
 */
export function view(edges, { text = "", group = "" } = {}) {
  const names = [...new Set(edges.flatMap((one) => [one.source, one.destination]))].sort();
  const wanted = text.trim().toLowerCase();
  const groups = grouping(names);
  let picked = new Set(names);
  if (wanted) picked = new Set(names.filter((name) => name.toLowerCase().includes(wanted)));
  else if (group) picked = new Set(names.filter((name) => groups.get(name) === group));
  const isWhole = !wanted && !group;
  let lines = isWhole ? edges : edges.filter((one) => picked.has(one.source) || picked.has(one.destination));
  // Beside what was picked stand its neighbours, put together where they are many.
  const visible = new Set([...picked, ...lines.flatMap((one) => [one.source, one.destination])]);
  const boxOf = new Map();
  const collapses = visible.size > readable;
  const keepsPicked = !isWhole && picked.size <= readable;
  for (const name of visible) {
    const isOwn = keepsPicked && picked.has(name);
    boxOf.set(name, collapses && !isOwn ? `group:${groups.get(name)}` : name);
  }
  const counts = new Map();
  for (const box of boxOf.values()) counts.set(box, (counts.get(box) || 0) + 1);
  const boxes = new Map();
  for (const [name, box] of boxOf) {
    if (!boxes.has(box)) {
      const isGroup = box.startsWith("group:");
      boxes.set(box, { id: box, name: isGroup ? box.slice(6) : name, isGroup, count: counts.get(box) });
    }
  }
  const merged = new Map();
  for (const one of lines) {
    const [from, to] = [boxOf.get(one.source), boxOf.get(one.destination)];
    if (from === to && boxes.get(from)?.isGroup) continue;
    const id = `${from}\n${to}`;
    const line = merged.get(id) || { id, from, to, rps: 0, good: 0, p99: null, count: 0, tls: true };
    line.rps += one.rps;
    line.good += (one.success ?? 1) * one.rps;
    line.count += 1;
    line.tls = line.tls && one.tls;
    if (one.p99 !== null && one.p99 !== undefined) line.p99 = Math.max(line.p99 ?? 0, one.p99);
    merged.set(id, line);
  }
  lines = [...merged.values()].map((line) => ({ ...line, success: line.rps > 0 ? line.good / line.rps : null }));
  return { boxes: [...boxes.values()], lines, groups: [...new Set(groups.values())].sort(), total: names.length };
}

/** The group of each name: its namespace, or where all have the same one, what comes before its last dash or digits. */
function grouping(names) {
  const namespaces = new Set(names.map(namespaceOf));
  const bySpace = namespaces.size > 2;
  const groups = new Map();
  for (const name of names) {
    const stem = short(name).replace(/[-_]?[^-_]*$/, "") || short(name).slice(0, 1) || "?";
    groups.set(name, bySpace ? namespaceOf(name) || "outside" : stem);
  }
  // Stems that are as many as the names say nothing.
  const distinct = new Set(groups.values());
  if (distinct.size > readable) {
    for (const name of names) groups.set(name, `${(name[0] || "?").toLowerCase()}…`);
  }
  return groups;
}

/** Columns by distance from those that nobody calls, rows so that lines cross little; a grid where all call all. */
export function layout(boxes, lines) {
  const out = new Map(boxes.map((box) => [box.id, []]));
  const into = new Map(boxes.map((box) => [box.id, []]));
  for (const line of lines) {
    if (line.from === line.to) continue;
    out.get(line.from).push(line.to);
    into.get(line.to).push(line.from);
  }
  if (boxes.length > 12 && lines.length > 3 * boxes.length) return grid(boxes);
  const first = [...boxes].sort((a, b) => into.get(a.id).length - into.get(b.id).length || (a.id < b.id ? -1 : 1));
  let column = longest(first, out);
  if (Math.max(0, ...column.values()) > 6) column = nearest(first, out, into);
  const columns = [];
  for (const box of boxes) (columns[column.get(box.id)] ||= []).push(box.id);
  const filled = columns.filter(Boolean).map((ids) => ids.sort());
  const row = new Map();
  filled.forEach((ids) => ids.forEach((id, index) => row.set(id, index - ids.length / 2)));
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const ids of sweep % 2 ? [...filled].reverse() : filled) {
      const near = sweep % 2 ? out : into;
      const middle = new Map(ids.map((id) => {
        const rows = near.get(id).map((other) => row.get(other));
        return [id, rows.length ? rows.reduce((a, b) => a + b, 0) / rows.length : row.get(id)];
      }));
      ids.sort((a, b) => middle.get(a) - middle.get(b) || (a < b ? -1 : 1));
      ids.forEach((id, index) => row.set(id, index - ids.length / 2));
    }
  }
  return filled;
}

/** The longest way from a caller; a call back within a circle does not count. Without recursion, for deep meshes. */
function longest(first, out) {
  const column = new Map(), open = new Set();
  for (const box of first) {
    if (column.has(box.id)) continue;
    const stack = [[box.id, 0, 0]];
    while (stack.length) {
      const frame = stack[stack.length - 1];
      const [id, depth] = frame;
      if (frame[2] === 0) { open.add(id); column.set(id, Math.max(column.get(id) ?? 0, depth)); }
      const next = out.get(id)[frame[2]++];
      if (next === undefined) { open.delete(id); stack.pop(); continue; }
      if (!open.has(next) && (column.get(next) ?? -1) < depth + 1 && depth < 12) stack.push([next, depth + 1, 0]);
    }
  }
  return column;
}

/** The shortest way instead, where the longest would make a chain. */
function nearest(first, out, into) {
  const column = new Map();
  const walk = (queue) => {
    for (const [id, depth] of queue) {
      if (column.has(id)) continue;
      column.set(id, depth);
      for (const next of out.get(id)) queue.push([next, depth + 1]);
    }
  };
  walk(first.filter((box) => !into.get(box.id).length).map((box) => [box.id, 0]));
  for (const box of first) if (!column.has(box.id)) walk([[box.id, 0]]);
  return column;
}

function grid(boxes) {
  const wide = Math.min(5, Math.ceil(Math.sqrt(boxes.length)));
  const columns = Array.from({ length: wide }, () => []);
  [...boxes].sort((a, b) => (a.name < b.name ? -1 : 1)).forEach((box, index) => columns[index % wide].push(box.id));
  return columns.filter((ids) => ids.length);
}

const [boxWidth, boxHeight, gapY, margin] = [172, 46, 26, 14];

/** The drawing. `href` gives the place that a box leads to. */
export function drawing({ boxes, lines }, figures, href) {
  const columns = layout(boxes, lines);
  const labelled = lines.length <= 36;
  const isGrid = boxes.length > 12 && lines.length > 3 * boxes.length;
  const gapX = labelled ? 160 : isGrid ? 60 : 110;
  const tallest = Math.max(1, ...columns.map((ids) => ids.length));
  const width = margin * 2 + columns.length * boxWidth + Math.max(0, columns.length - 1) * gapX;
  const height = margin * 2 + tallest * boxHeight + (tallest - 1) * gapY;
  const place = new Map();
  columns.forEach((ids, index) => {
    const start = (height - ids.length * boxHeight - (ids.length - 1) * gapY) / 2;
    ids.forEach((id, rowIndex) => place.set(id, {
      x: margin + index * (boxWidth + gapX), y: start + rowIndex * (boxHeight + gapY),
    }));
  });
  const most = Math.max(1, ...lines.map((line) => line.rps));
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const taken = [];
  const strokes = [], labels = [];
  for (const line of [...lines].sort((a, b) => b.rps - a.rps)) {
    const [from, to] = [place.get(line.from), place.get(line.to)];
    const kind = line.rps > 0 ? state(line.success) : "idle";
    const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
    const isBack = x2 <= x1;
    const bend = isBack ? 60 : (x2 - x1) / 2;
    const path = line.from === line.to
      ? `M${from.x + boxWidth - 30} ${from.y}c0 -18 40 -18 30 12`
      : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
    const words = `${byId.get(line.from).name} to ${byId.get(line.to).name}: ${rate(line.rps)}, ${
      percent(line.success)} succeed, p99 ${milliseconds(line.p99)}${line.tls ? "" : ", not all encrypted"}`;
    strokes.push(h("path", {
      d: path, class: `edge ${kind}${line.tls ? "" : " plain"}${isGrid ? " many" : ""}`,
      "data-from": line.from, "data-to": line.to,
      "stroke-width": (1.2 + 3 * Math.sqrt(line.rps / most)).toFixed(1),
    }, h("title", {}, words)));
    if (labelled && line.rps > 0) {
      // Near the end, in the gap before the box that is called, and not over another label.
      let at = { x: x2 - gapX / 2 + 4, y: y2 - 5 };
      if (isBack) at = { x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
      else at = pointAt(x2 - gapX * 0.4, x1, y1, x2, y2);
      while (taken.some((other) => Math.abs(other.x - at.x) < 120 && Math.abs(other.y - at.y) < 13)) at.y += 13;
      taken.push(at);
      const text = `${rate(line.rps)}  ${percent(line.success)}  ${milliseconds(line.p99)}`;
      labels.push(h("text", { x: at.x, y: at.y, class: `signal ${kind}` }, text));
    }
  }
  const nodes = boxes.map((box) => {
    const { x, y } = place.get(box.id);
    const figure = figures(box);
    const kind = figure.rps > 0 ? state(figure.success) : "idle";
    const name = box.isGroup ? `${box.name} (${box.count})` : short(box.name);
    const words = `${box.isGroup ? `${box.count} services of ${box.name}` : box.name}: ${stateWord[kind]}, ${
      rate(figure.rps)}, ${percent(figure.success)} succeed`;
    const near = (isOn) => () => strokes.forEach((stroke) => stroke.classList.toggle("near", isOn
      && (stroke.dataset.from === box.id || stroke.dataset.to === box.id)));
    return svgLink({ href: href(box), "aria-label": words,
      mouseenter: near(true), mouseleave: near(false), focus: near(true), blur: near(false), class: `node ${kind}`, "data-key": `node ${box.id}` },
      h("title", {}, words),
      h("rect", { x, y, width: boxWidth, height: boxHeight, rx: box.isGroup ? 2 : 8 }),
      h("rect", { x, y, width: 5, height: boxHeight, class: "mark" }),
      h("text", { x: x + 13, y: y + 19, class: "name" }, clip(name, 18)),
      h("text", { x: x + 13, y: y + 36, class: "sub" },
        figure.rps > 0 ? `${rate(figure.rps)}  ${percent(figure.success)}` : "no calls"));
  });
  return h("svg", {
    class: "graph", viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
    "aria-label": `Topology: ${boxes.length} boxes, ${lines.length} lines`,
  }, strokes, nodes, labels);
}

/** Where a line from (x1, y1) to (x2, y2) passes `x`. */
function pointAt(x, x1, y1, x2, y2) {
  let t = 0;
  while (t < 1 && x1 + (x2 - x1) * (1.5 * t * (1 - t) + t ** 3) < x) t += 0.02;
  return { x, y: y1 + (y2 - y1) * (3 * (1 - t) * t * t + t ** 3) - 5 };
}

const clip = (text, length) => {
  const letters = [...text];
  return letters.length > length ? `${letters.slice(0, length - 1).join("")}…` : text;
};
