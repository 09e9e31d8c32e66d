// Made by scripts/generate-dashboard from Sources/WeftControlPlane/Dashboard/Assets. Do not edit.

/// The dashboard's files by name.
enum DashboardAssets {
    static let files: [String: String] = [
        "api.js": ##"""
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

            """##,
        "app.js": ##"""
            // The page's frame: which view is shown, when it asks again, and whether what it shows is still true.

            import { login, logout, Refused } from "./api.js";
            import { h, show } from "./dom.js";
            import * as fleet from "./page-fleet.js";
            import * as history from "./page-history.js";
            import * as requests from "./page-requests.js";
            import * as service from "./page-service.js";
            import * as topology from "./page-topology.js";

            const main = document.getElementById("main");
            const nav = document.getElementById("nav");
            const live = document.getElementById("live");
            const leave = document.getElementById("leave");
            const pages = [["", topology], ["services", service], ["requests", requests], ["history", history], ["fleet", fleet]];

            let current = null;

            function links(active) {
              show(nav, pages.map(([path, page]) => h("a", {
                href: `#/${path}`, "aria-current": active === path ? "page" : null,
              }, page.title)));
            }

            function parse() {
              const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
              const [page, ...rest] = path.split("/");
              let name = rest.join("/");
              try { name = decodeURIComponent(name); } catch { /* As it stands. */ }
              return { page, name, query: new URLSearchParams(query || "") };
            }

            function mounter({ page, name }) {
              switch (page) {
                case "": return [topology.mount, "", topology.title];
                case "services": return [service.mountList, "services", service.title];
                case "service": return [service.mount, "services", name];
                case "requests": return [requests.mount, "requests", requests.title];
                case "request": return [requests.mountOne, "requests", `Request ${name}`];
                case "history": return [history.mount, "history", history.title];
                case "fleet": return [fleet.mount, "fleet", fleet.title];
                default: return null;
              }
            }

            /** Changes fields of the address without making a step in the browser's history. */
            function set(route, fields) {
              for (const [name, value] of Object.entries(fields)) {
                if (value) route.query.set(name, value); else route.query.delete(name);
              }
              const text = route.query.toString();
              const path = location.hash.split("?")[0] || "#/";
              history_replace(text ? `${path}?${text}` : path);
            }

            const history_replace = (hash) => window.history.replaceState(null, "", hash);

            function navigate(event) {
              const code = new URLSearchParams(location.hash.slice(1)).get("code");
              if (code) return enter({ code });
              stop();
              const route = parse();
              const found = mounter(route);
              if (!found) { location.replace("#/"); return undefined; }
              const [mount, active, title] = found;
              document.title = `${title} · Weft`;
              leave.hidden = false;
              links(active);
              const view = h("div", {});
              main.replaceChildren(view);
              const visit = { timer: 0, stop: new AbortController(), view, answeredAt: 0, failure: null, isOver: false };
              visit.page = mount(view, {
                ...route, set: (fields) => set(route, fields), reload: () => refresh(visit),
              });
              current = visit;
              if (event) main.focus({ preventScroll: true });
              if (event) window.scrollTo(0, 0);
              refresh(visit);
              return undefined;
            }

            function stop() {
              if (!current) return;
              current.isOver = true;
              clearTimeout(current.timer);
              current.stop.abort();
              current = null;
            }

            async function refresh(visit) {
              clearTimeout(visit.timer);
              visit.stop.abort();
              visit.stop = new AbortController();
              const { signal } = visit.stop;
              const patience = setTimeout(() => visit.stop.abort(), 10000);
              try {
                await visit.page.load(signal);
                if (visit.isOver || signal !== visit.stop.signal) return;
                visit.answeredAt = Date.now();
                visit.failure = null;
                visit.page.render();
              } catch (error) {
                if (visit.isOver || signal !== visit.stop.signal) return;
                if (error instanceof Refused && error.status === 401) { askForWay(); return; }
                visit.failure = error;
                if (error instanceof Refused && !visit.answeredAt) {
                  show(visit.view, h("h1", {}, "This cannot be shown"), h("p", {}, [error.message, error.cause, error.remedy].filter(Boolean).join(". ")));
                }
              } finally {
                clearTimeout(patience);
                if (!visit.isOver && signal === visit.stop.signal) {
                  tell(visit);
                  // Hidden pages ask nothing; a control plane that is away is asked less often.
                  const wait = visit.page.every * 1000 * (visit.failure ? 2 : 1);
                  if (!document.hidden) visit.timer = setTimeout(() => refresh(visit), wait);
                }
              }
            }

            let told = "";

            /** Says how true the page is; screen readers hear of changes only. */
            function tell(visit) {
              let [word, kind] = ["live", "good"];
              if (document.hidden) [word, kind] = ["paused", "idle"];
              else if (visit.failure) {
                const isAway = !(visit.failure instanceof Refused);
                word = `${isAway ? "the control plane is away" : visit.failure.message}${visit.answeredAt ? "; what you see is old" : ""}`;
                kind = "bad";
              }
              main.classList.toggle("stale", Boolean(visit.failure) && visit.answeredAt > 0);
              const at = visit.answeredAt ? new Date(visit.answeredAt).toLocaleTimeString("en-GB") : "";
              const text = kind === "bad" && at ? `${word} (of ${at})` : word;
              if (text === told) return;
              told = text;
              live.className = `live ${kind}`;
              live.textContent = text;
            }

            /** Exchanges a code or a token for a session and goes on. */
            async function enter(secret, form) {
              if (secret.code) history_replace("#/");
              try {
                await login(secret);
                navigate();
              } catch (error) {
                if (form) show(form, h("p", { class: "bad", role: "alert" }, error.message)); else askForWay(error);
              }
            }

            function askForWay(error) {
              stop();
              links(null);
              leave.hidden = true;
              document.title = "Weft";
              live.className = "live idle";
              live.textContent = told = "not let in";
              const token = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false" });
              const answer = h("div", { "aria-live": "polite" });
              main.replaceChildren(h("div", { class: "way" }, h("h1", {}, "Who are you?"),
                error ? h("p", { class: "bad", role: "alert" }, error.message) : null,
                h("p", {}, "Run ", h("code", {}, "weft dashboard"), " where you run the mesh, and open the address that it prints. "
                  + "Or give an API token; the dashboard only looks, whatever the token may do."),
                h("form", { class: "controls", submit: (event) => {
                  event.preventDefault();
                  if (token.value.trim()) enter({ token: token.value.trim() }, answer);
                  token.value = "";
                } }, h("label", { for: "token" }, "API token"), token, h("button", { type: "submit" }, "Open")), answer));
            }

            leave.addEventListener("click", async () => {
              try {
                await logout();
                askForWay();
              } catch (error) {
                live.className = "live bad";
                live.textContent = told = `not logged out: ${error.message}`;
              }
            });
            document.getElementById("skip").addEventListener("click", (event) => {
              event.preventDefault();
              main.focus();
            });
            document.addEventListener("visibilitychange", () => {
              if (!current) return;
              if (document.hidden) { clearTimeout(current.timer); tell(current); } else refresh(current);
            });
            window.addEventListener("hashchange", navigate);
            window.addEventListener("online", () => current && refresh(current));
            let resizing = 0;
            window.addEventListener("resize", () => {
              clearTimeout(resizing);
              resizing = setTimeout(() => current?.answeredAt && current.page.render(), 150);
            });
            navigate();

            """##,
        "chart.js": ##"""
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

            """##,
        "dom.js": ##"""
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

            """##,
        "graph.js": ##"""
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

            """##,
        "icon.svg": ##"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f5f8b"/><path d="M2 5h12M2 11h12M5 2v12M11 2v12" stroke="#fff" stroke-width="1.6"/></svg>

            """##,
        "index.html": ##"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Weft</title>
            <link rel="stylesheet" href="style.css">
            <link rel="icon" href="icon.svg">
            <script type="module" src="app.js"></script>
            </head>
            <body>
            <a class="skip" href="#main" id="skip">Skip to the content</a>
            <header>
            <a class="brand" href="#/">Weft</a>
            <nav aria-label="Pages" id="nav"></nav>
            <p id="live" class="live" role="status"></p>
            <button type="button" id="leave" hidden>Log out</button>
            </header>
            <main id="main" tabindex="-1"></main>
            <noscript>The dashboard needs JavaScript. `weft status` and `weft stat` show the same.</noscript>
            </body>
            </html>

            """##,
        "page-fleet.js": ##"""
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

            """##,
        "page-history.js": ##"""
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

            """##,
        "page-requests.js": ##"""
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

            """##,
        "page-service.js": ##"""
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

            """##,
        "page-topology.js": ##"""
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

            """##,
        "style.css": ##"""
            :root {
              color-scheme: light dark;
              --ground: #fbfcfd; --panel: #fff; --ink: #16212b; --faint: #52606d; --line: #d3dae1; --accent: #14597f;
              --good: #1a6b3c; --warn: #8a5200; --bad: #b3261e; --good-ground: #e2f3e8; --warn-ground: #fdf0da; --bad-ground: #fde5e3;
              --idle-ground: #e9edf1; --focus: #0b57d0;
            }
            @media (prefers-color-scheme: dark) {
              :root {
                --ground: #10161c; --panel: #18212a; --ink: #e6edf3; --faint: #a3b1be; --line: #34414d; --accent: #7cc4f0;
                --good: #7ad39c; --warn: #f0b45e; --bad: #ff9c94; --good-ground: #173423; --warn-ground: #3a2a10;
                --bad-ground: #431c19; --idle-ground: #26313b; --focus: #a8c7fa;
              }
            }
            * { box-sizing: border-box; }
            body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; }
            a { color: var(--accent); overflow-wrap: anywhere; }
            table a { overflow-wrap: break-word; }
            :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
            main:focus { outline: none; }
            .skip { position: absolute; left: -999px; top: 0; background: var(--panel); padding: .5rem 1rem; z-index: 2; }
            .skip:focus { left: 0; }
            header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1rem; padding: .5rem 1rem;
              background: var(--panel); border-bottom: 1px solid var(--line); }
            .brand { font-weight: 700; text-decoration: none; color: var(--ink); font-size: 1.1rem; }
            nav { display: flex; flex-wrap: wrap; gap: .1rem .2rem; }
            nav a { padding: .35rem .6rem; text-decoration: none; border-radius: 6px; color: var(--ink); }
            nav a:hover { background: var(--idle-ground); }
            nav a[aria-current] { background: var(--idle-ground); font-weight: 600; box-shadow: inset 0 -2px var(--accent); }
            .live { margin: 0 0 0 auto; padding: .1rem .6rem; border-radius: 1rem; font-size: .85rem; background: var(--idle-ground); }
            .live:empty { display: none; }
            #leave { font-size: .85rem; min-height: 1.75rem; padding: .1rem .7rem; }
            .live.good { background: var(--good-ground); color: var(--good); }
            .live.bad { background: var(--bad-ground); color: var(--bad); }
            main { padding: 1rem; max-width: 1500px; margin: 0 auto; overflow-wrap: anywhere; }
            main.stale .graph, main.stale table, main.stale .chart { opacity: .6; }
            h1 { font-size: 1.4rem; margin: 0 0 .75rem; overflow-wrap: anywhere; }
            h1.id { font-size: 1.1rem; }
            h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem; }
            .controls { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .6rem; margin: 0 0 1rem; }
            .choice { display: inline-flex; align-items: center; gap: .35rem; }
            input, select, button { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--faint);
              border-radius: 6px; padding: .3rem .5rem; min-height: 2rem; max-width: 100%; }
            input[type=checkbox] { min-height: 0; width: 1.1rem; height: 1.1rem; }
            button { cursor: pointer; background: var(--idle-ground); padding: .3rem .9rem; }
            .figures { display: flex; flex-wrap: wrap; gap: .6rem; margin-bottom: 1rem; }
            .figure { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .4rem .8rem; min-width: 6rem; }
            .figure span { display: block; color: var(--faint); font-size: .8rem; }
            .figure strong { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
            .scroll { overflow: auto; max-width: 100%; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
            .canvas { max-height: 75vh; }
            table { border-collapse: collapse; width: 100%; font-size: .9rem; }
            caption { text-align: left; padding: .5rem .7rem; color: var(--faint); }
            th, td { text-align: left; padding: .35rem .7rem; vertical-align: top; border-top: 1px solid var(--line); max-width: 34rem;
              overflow-wrap: break-word; }
            tbody th { font-weight: 500; }
            thead th { white-space: nowrap; color: var(--faint); font-weight: 600; }
            .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
            td time, td .badge { white-space: nowrap; }
            .empty, .note { color: var(--faint); }
            .note { font-size: .85rem; }
            .badge { padding: .05rem .5rem; border-radius: 1rem; background: var(--idle-ground); }
            .badge.good { background: var(--good-ground); color: var(--good); }
            .badge.warn { background: var(--warn-ground); color: var(--warn); }
            .badge.bad { background: var(--bad-ground); color: var(--bad); }
            p.bad { color: var(--bad); }
            pre, code { font: .85rem/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
            pre { overflow: auto; max-width: min(40rem, 80vw); margin: .4rem 0; padding: .5rem; background: var(--ground); border-radius: 6px; }
            code { overflow-wrap: anywhere; }
            .diff .came { background: var(--good-ground); color: var(--good); }
            .diff .went { background: var(--bad-ground); color: var(--bad); }
            summary { cursor: pointer; color: var(--accent); }
            .charts { display: flex; flex-wrap: wrap; gap: 1rem; }
            .chart { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; max-width: 100%; }
            .chart svg { display: block; max-width: 100%; height: auto; }
            figcaption { padding: .4rem .7rem 0; font-size: .9rem; }
            .legend { margin-left: .6rem; border-bottom: 3px solid var(--accent); font-variant-numeric: tabular-nums; }
            .legend.b { border-bottom-style: dashed; border-color: var(--warn); }
            .legend.c { border-bottom-style: dotted; border-color: var(--bad); }
            .grid { stroke: var(--line); }
            .tick { fill: var(--faint); font-size: 11px; }
            .tick.end { text-anchor: end; }
            .line { fill: none; stroke: var(--accent); stroke-width: 1.8; }
            .line.b { stroke: var(--warn); stroke-dasharray: 6 3; }
            .line.c { stroke: var(--bad); stroke-dasharray: 2 3; }
            .graph { display: block; margin: 0 auto; }
            .edge { fill: none; stroke: var(--faint); opacity: .75; }
            .edge.good { stroke: var(--good); }
            .edge.warn { stroke: var(--warn); }
            .edge.bad { stroke: var(--bad); }
            .edge.idle { opacity: .35; }
            .edge.plain { stroke-dasharray: 6 4; }
            .edge.many { opacity: .18; }
            .edge.near { opacity: 1; }
            .edge:hover { opacity: 1; stroke-width: 6; }
            .signal { fill: var(--ink); font-size: 10.5px; text-anchor: middle; paint-order: stroke; stroke: var(--panel);
              stroke-width: 4px; stroke-linejoin: round; }
            .signal.bad { fill: var(--bad); }
            .signal.warn { fill: var(--warn); }
            .node rect { fill: var(--ground); stroke: var(--line); stroke-width: 1.5; }
            .node .mark { stroke: none; fill: var(--faint); }
            .node.good .mark { fill: var(--good); }
            .node.warn .mark { fill: var(--warn); }
            .node.bad .mark { fill: var(--bad); }
            .node:hover rect, .node:focus rect { stroke: var(--focus); stroke-width: 2.5; }
            .node .name { fill: var(--ink); font-size: 13px; font-weight: 600; }
            .node .sub { fill: var(--faint); font-size: 11.5px; }
            .node { text-decoration: none; }
            .lane { display: block; width: 100%; min-width: 16rem; background: var(--ground); }
            .bar { fill: var(--accent); }
            .bar.attempt { opacity: .7; }
            .bar.inbound { opacity: .45; }
            .depth1 { padding-left: 1.1rem; display: inline-block; }
            .depth2 { padding-left: 2.2rem; display: inline-block; }
            .depth3 { padding-left: 3.3rem; display: inline-block; }
            .depth4 { padding-left: 4.4rem; display: inline-block; }
            .depth5 { padding-left: 5.5rem; display: inline-block; }
            .depth6 { padding-left: 6.6rem; display: inline-block; }
            .bar.bad { fill: var(--bad); }
            .bar.warn { fill: var(--warn); }
            .headline { font-size: 1.05rem; }
            .way { max-width: 40rem; margin: 2rem auto; }
            @media (max-width: 480px) {
              main, header { padding-left: .6rem; padding-right: .6rem; }
              .controls > input, .controls > select { flex: 1 1 100%; }
              .live { margin-left: 0; }
            }

            """##,
    ]
}
