// Lines over time, drawn as SVG at the width there is.

import { h, span } from "./dom.js";

/**
 * `series`: {name, values, kind} with kinds a, b and c for line styles; `times` are seconds since 1970; `format` writes
 * a figure. Gaps are where a value is null.
 */
export function chart(title, times, series, { format, width = 480, max: ceiling, min: floor = 0 }) {
  const height = 150, left = 58, right = 12, top = 10, bottom = 22;
  const known = series.flatMap((one) => one.values).filter((value) => value !== null && value !== undefined);
  const highest = ceiling ?? nice(Math.max(...known, 0) * 1.05);
  const lowest = Math.min(floor, ...(known.length ? known : [floor]));
  const [first, last] = [times[0] ?? 0, times[times.length - 1] ?? 1];
  const x = (time) => left + (last === first ? 0 : ((time - first) / (last - first)) * (width - left - right));
  const y = (value) => top + (1 - (value - lowest) / ((highest - lowest) || 1)) * (height - top - bottom);
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    const value = lowest + (highest - lowest) * share;
    parts.push(h("line", { x1: left, x2: width - right, y1: y(value), y2: y(value), class: "grid" }));
    parts.push(h("text", { x: left - 6, y: y(value) + 4, class: "tick end" }, format(value)));
  }
  if (times.length > 1) {
    parts.push(h("text", { x: left, y: height - 6, class: "tick" }, `${span(last - first)} ago`));
    parts.push(h("text", { x: width - right, y: height - 6, class: "tick end" }, "now"));
  }
  for (const one of series) {
    let path = "", drawing = false;
    one.values.forEach((value, index) => {
      if (value === null || value === undefined) { drawing = false; return; }
      path += `${drawing ? "L" : "M"}${x(times[index]).toFixed(1)} ${y(value).toFixed(1)}`;
      drawing = true;
    });
    // A single point is no line.
    if (path && !path.includes("L")) path += "h2";
    if (path) parts.push(h("path", { d: path, class: `line ${one.kind}` }));
  }
  const latest = series.map((one) => `${one.name} ${format(lastOf(one.values))}`).join(", ");
  const label = known.length ? `${title}: now ${latest}; between ${format(Math.min(...known))} and ${
    format(Math.max(...known))}` : `${title}: nothing known`;
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("strong", {}, title), " ", series.map((one) => h("span", { class: `legend ${one.kind}` },
      `${one.name} ${format(lastOf(one.values))}`))),
    h("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, parts));
}

function lastOf(values) {
  for (let index = values.length - 1; index >= 0; index--) {
    if (values[index] !== null && values[index] !== undefined) return values[index];
  }
  return null;
}

/** The next of 1, 2 and 5 times a power of ten. */
function nice(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 2.5, 5, 10].find((step) => step * power >= value);
}
