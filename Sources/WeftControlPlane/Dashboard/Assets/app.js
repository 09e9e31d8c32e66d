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
