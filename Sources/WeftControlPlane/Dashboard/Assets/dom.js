// Elements, tables and figures. Whatever comes from the mesh becomes text or an attribute, never markup.

const svgNames = new Set(["svg", "g", "path", "rect", "circle", "line", "text", "title", "polyline", "marker", "defs"]);

/** An element. `attributes` are set as text, functions as listeners; children are elements or texts. */
export function h(name, attributes = {}, ...children) {
  const element = svgNames.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  return fill(element, attributes, children);
}

/** A link within a drawing. */
export function svgLink(attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", "a"), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Puts `nodes` in place of what `container` has; focus, open parts and scrolled tables stay where they are. */
export function show(container, ...nodes) {
  const controls = (key) => [...container.querySelectorAll("a, button, input, select, summary, [tabindex]")]
    .filter((element) => keyOf(element) === key);
  const focused = container.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  // Of links that lead to the same place, the same one.
  const which = focused ? controls(focused).indexOf(document.activeElement) : -1;
  const open = new Set([...container.querySelectorAll("details[open][data-key]")].map((part) => part.dataset.key));
  const scrolled = [...container.querySelectorAll(".scroll")].map((part) => [part.scrollLeft, part.scrollTop]);
  container.replaceChildren(...nodes.flat(3).filter((node) => node instanceof Node));
  for (const part of container.querySelectorAll("details[data-key]")) if (open.has(part.dataset.key)) part.open = true;
  [...container.querySelectorAll(".scroll")].forEach((part, index) => {
    if (scrolled[index]) [part.scrollLeft, part.scrollTop] = scrolled[index];
  });
  if (focused) {
    const again = controls(focused);
    (again[which] || again[0])?.focus({ preventScroll: true });
  }
}

function keyOf(element) {
  return element.dataset?.key || element.id || element.getAttribute("href") || element.getAttribute("aria-label")
    || element.textContent;
}

/**
 * A table that scrolls by itself where it is wider than the page.
 * `columns`: {title, cell(row), number?, sort?(row), wide?}; rows that have no place are told of, not left out silently.
 */
export function table(caption, columns, rows, { empty = "Nothing to show.", limit = 200, sort } = {}) {
  const shown = rows.slice(0, limit);
  const head = h("tr", {}, columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null },
    column.title)));
  const body = shown.map((row) => h("tr", {}, columns.map((column, index) => {
    const attributes = { class: column.number ? "number" : null };
    if (index === 0) attributes.scope = "row";
    return h(index === 0 ? "th" : "td", attributes, column.cell(row));
  })));
  if (!rows.length) body.push(h("tr", {}, h("td", { colspan: columns.length, class: "empty" }, empty)));
  const element = h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, body));
  const more = rows.length > limit ? h("p", { class: "note" },
    `${limit} of ${rows.length} are shown; narrow the search to see others.`) : null;
  return [h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, element), more];
}

/** A word with a colour; the word alone says it too. */
export const badge = (text, state) => h("span", { class: `badge ${state}` }, text);

export const section = (title, ...children) => h("section", {}, h("h2", {}, title), children);

export function number(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
  const size = Math.abs(value);
  if (size >= 10000) return `${(value / 1000).toFixed(0)}k`;
  return Number(value).toFixed(size >= 100 ? 0 : size > 0 && size < 1 ? Math.max(digits, 2) : digits);
}

export const rate = (value) => `${number(value)}/s`;

export function percent(ratio) {
  if (ratio === null || ratio === undefined) return "–";
  // 99.996 % is not everything.
  const text = (Math.floor(ratio * 100000) / 1000).toFixed(ratio >= 0.999 && ratio < 1 ? 2 : 1);
  return `${ratio === 1 ? "100" : text} %`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${number(value)} ms`;
}

export function clock(seconds) {
  if (!seconds) return "–";
  const date = new Date(seconds * 1000);
  const text = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "medium" }).format(date);
  return h("time", { datetime: date.toISOString() }, text);
}

export function span(seconds) {
  const size = Math.abs(seconds);
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (size >= 2 * length) return `${Math.floor(size / length)} ${unit}`;
  }
  return `${Math.round(size)} s`;
}

export const state = (ratio) => (ratio === null || ratio === undefined ? "idle" : ratio >= 0.99 ? "good"
  : ratio >= 0.95 ? "warn" : "bad");

export const stateWord = { idle: "no traffic", good: "well", warn: "some failures", bad: "failing" };
