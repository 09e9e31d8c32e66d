"""Drives a headless Chromium through the dashboard by the DevTools protocol, and says what it found as JSON lines.

browser.py fixtures BASE          made-up data (hostile names, 500 services) behind the page that BASE serves
browser.py live URL ENTRY         a running mesh, with the address that `weft dashboard` prints, called at ENTRY
browser.py pictures URL FOLDER    pictures of each page of a running mesh

BASE ends in /dashboard/; a folder with the page's files will do too. Exits with 1 where something is wrong, and with 77
where there is no Chromium.
"""

import asyncio
import base64
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import websockets

HOSTILE = '<img src=x onerror=alert(1)>"\'</script><script>alert(2)</script>${alert(3)}'
findings = []


def check(rule, holds, seen=""):
    print(json.dumps({"rule": rule, "holds": bool(holds), "seen": str(seen)[:400]}), flush=True)
    if not holds:
        findings.append(rule)


class Browser:
    """One page of a headless Chromium."""

    def __init__(self, socket):
        self.socket, self.next, self.waiting = socket, 0, {}
        self.errors, self.dialogs, self.failed = [], [], set()
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                waiting = self.waiting.pop(message["id"], None)
                if waiting and not waiting.done():
                    waiting.set_result(message)
                continue
            method, details = message["method"], message["params"]
            if method == "Page.javascriptDialogOpening":
                self.dialogs.append(details["message"])
                asyncio.create_task(self.call("Page.handleJavaScriptDialog", accept=False))
            elif method == "Runtime.exceptionThrown":
                thrown = details["exceptionDetails"]
                self.errors.append(thrown.get("exception", {}).get("description") or thrown["text"])
            elif method == "Runtime.consoleAPICalled" and details["type"] in ("error", "assert"):
                self.errors.append(" ".join(str(one.get("value")) for one in details["args"]))
            elif method == "Log.entryAdded" and details["entry"]["level"] == "error":
                entry = details["entry"]
                # An answer of 404 is how a page learns that a control plane has no such call.
                if not (entry["source"] == "network" and "404" in entry["text"]):
                    self.errors.append(f"{entry['text']} {entry.get('url', '')}")

    async def call(self, method, **parameters):
        self.next += 1
        waiting = self.waiting[self.next] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self.next, "method": method, "params": parameters}))
        answer = await asyncio.wait_for(waiting, 60)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def run(self, expression):
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, expression, what, limit=30):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                if await self.run(f"!!({expression})"):
                    return True
            except RuntimeError:
                pass
            await asyncio.sleep(0.1)
        check(what, False, await self.run("document.body.innerText.slice(0, 300)"))
        return False

    async def open(self, url):
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'", f"{url} loads")

    async def go(self, place, sign=None):
        """To a page by its address; `sign` is what its main part shows once it has its data."""
        await self.run(f"location.hash = {json.dumps(place)}")
        sign = sign or "main h1"
        return await self.until(f"document.querySelector({json.dumps(sign)})", f"{place} shows {sign}")

    async def size(self, width, height=900):
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    async def scheme(self, value):
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    async def press(self, key, code=None):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code or 9)

    async def picture(self, path):
        answer = await self.call("Page.captureScreenshot", format="png")
        pathlib.Path(path).write_bytes(base64.b64decode(answer["data"]))


class Chromium:
    """A headless Chromium with a profile of its own; ended with the block."""

    async def __aenter__(self):
        program = next(filter(None, map(shutil.which, ["chromium", "google-chrome"])), None)
        if not program:
            print("there is no Chromium", file=sys.stderr)
            raise SystemExit(77)
        self.profile = tempfile.mkdtemp(prefix="weft-browser-")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": self.profile})
        told = pathlib.Path(self.profile, "DevToolsActivePort")
        for _ in range(600):
            if told.exists() and len(told.read_text().split()) == 2:
                break
            await asyncio.sleep(0.1)
        port = told.read_text().split()[0]
        pages = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=20))
        place = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
        self.socket = await websockets.connect(place, max_size=64 << 20)
        page = Browser(self.socket)
        for domain in ("Page", "Runtime", "Log"):
            await page.call(f"{domain}.enable")
        return page

    async def __aexit__(self, *_):
        await self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


# What every page must be.

UNNAMED = """[...document.querySelectorAll('a, button, input, select, textarea, summary, [tabindex="0"]')].filter((one) => {
  const labels = one.labels ? [...one.labels].map((label) => label.textContent).join('') : '';
  return !(one.getAttribute('aria-label') || labels || one.textContent || one.getAttribute('title') || '').trim();
}).map((one) => one.outerHTML.slice(0, 120))"""

UNCAPTIONED = "[...document.querySelectorAll('table')].filter((one) => !one.caption?.textContent.trim()).length"

# WCAG's ratio of the text's colour to the nearest ground behind it, for texts that are shown.
CONTRAST = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => { for (; one; one = one.parentElement) {
    const color = parse(getComputedStyle(one).backgroundColor); if (color.length === 3 || color[3] > 0) return color; }
    return [255, 255, 255]; };
  const poor = [];
  for (const one of document.querySelectorAll('main *, header *')) {
    if (![...one.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
    if (one.closest('svg, option') || !one.offsetParent) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${one.tagName} ${one.className} ${one.textContent.slice(0, 20)} ${ratio.toFixed(1)}`);
  }
  return poor; })()"""


async def manners(page, place):
    """The rules for each page, at the place it is at."""
    check(f"{place}: each control has an accessible name", not (names := await page.run(UNNAMED)), names)
    check(f"{place}: each table has a caption", not await page.run(UNCAPTIONED))
    check(f"{place}: has one first heading", await page.run("document.querySelectorAll('h1').length") == 1)
    await page.size(320)
    await asyncio.sleep(0.4)
    width = await page.run("document.documentElement.scrollWidth")
    check(f"{place}: fits 320 pixels", width <= 320, width)
    await page.size(1280)
    for scheme in ("light", "dark"):
        await page.scheme(scheme)
        # A busy machine paints late.
        for _ in range(60):
            await asyncio.sleep(0.3)
            if not (poor := await page.run(CONTRAST)):
                break
        check(f"{place}: texts can be read in {scheme} mode", not poor, poor)
        ground = await page.run("getComputedStyle(document.body).backgroundColor")
        total = sum(int(part) for part in ground.strip("rgb()").split(",")[:3])
        check(f"{place}: is {scheme} in {scheme} mode", (total < 200) == (scheme == "dark"), ground)
    await page.scheme("light")


async def keyboard(page, place, most=80):
    """Tab reaches every control, in order, and the focus can be seen."""
    # Found anew at each step: what is live is made anew while we walk.
    controls = """[...document.querySelectorAll('a, button, input, select, summary, [tabindex="0"]')]
        .filter((one) => !one.disabled && one.getClientRects().length)"""
    wanted = await page.run(f"{controls}.length")
    await page.run("document.activeElement.blur(), window.getSelection().removeAllRanges(), document.body.focus()")
    reached, unseen = set(), []
    for _ in range(4 * min(wanted, most) + 20):
        if len(reached - {-1}) >= min(wanted, most):
            break
        await page.press("Tab")
        index, style = await page.run(f"""(() => {{ const one = document.activeElement, shown = getComputedStyle(one);
            return [{controls}.indexOf(one), shown.outlineStyle + shown.outlineWidth]; }})()""")
        reached.add(index)
        if index >= 0 and style.startswith("none"):
            unseen.append(index)
    reached.discard(-1)
    check(f"{place}: Tab reaches every control", len(reached) >= min(wanted, most), f"{len(reached)} of {wanted}")
    check(f"{place}: the focus can be seen", not unseen, unseen)


def quiet(page, what):
    check(f"{what}: nothing is complained of in the console", not page.errors, page.errors[:3])
    check(f"{what}: no dialog opens", not page.dialogs, page.dialogs)
    page.errors.clear()


# Made-up data.


class Data:
    """What the made-up control plane answers."""

    def __init__(self):
        self.services, self.is_away, self.has_left, self.asked = 7, False, False, 0
        self.names = ["gateway.default", "enrollment.default", "billing.default", "catalog.default", f"{HOSTILE}.default"]

    def edges(self):
        if self.services > 100:
            names = [f"team{n % 23}-service{n}.default" for n in range(self.services)]
            pairs = [(names[(n - 1) // 4], names[n]) for n in range(1, len(names))]
            pairs += [(names[n], names[(n * 7 + 3) % len(names)]) for n in range(0, len(names), 2)]
        else:
            names = self.names
            pairs = [(names[0], names[1]), (names[1], names[2]), (names[1], names[3]), (names[1], names[4]), (names[4], names[2])]
        self.asked += 1
        return [
            {
                "source": source, "destination": destination, "version": "v1", "route": f"default/{HOSTILE}",
                "direction": direction, "protocol": "http", "tls": n % 5 != 4, "peerIdentity": None,
                "requestsPerSecond": 10.0 + n + self.asked, "successRatio": 1 - (n % 4) * 0.02, "p50Ms": 3.0, "p90Ms": 9.0,
                "p99Ms": 21.5, "retriesPerSecond": 0.1, "codeClasses": {"2": 10.0}, "failures": {HOSTILE: 0.5},
            }
            for n, (source, destination) in enumerate(pairs) for direction in ("outbound", "inbound")
        ]

    def proxies(self):
        names = [name for edge in self.edges()[::2] for name in (edge["source"], edge["destination"])]
        return [
            {
                "workload": f"default/{name}-1", "service": name, "identity": f"spiffe://mesh.local/ns/default/sa/{n}",
                "address": "127.0.0.1", "serviceVersion": HOSTILE, "proxyVersion": "0.1.0", "client": "weft",
                "state": "ready" if n % 3 else "lost", "cause": HOSTILE, "connectedSince": 1000, "certificateExpiresAt": 90000,
                "certificateNotBefore": 1000, "certificateSerial": "ab", "discovery": [
                    {"type": "routes", "resources": 1, "acknowledgedRevision": 3, "pending": n % 2, **(
                        {"rejection": {"revision": 3, "message": HOSTILE, "at": 5}} if n == 1 else {})}],
            }
            for n, name in enumerate(sorted(set(names)))
        ]

    def answer(self, path, query):
        now = 2000
        document = json.dumps({"kind": "HTTPRoute", "spec": {"parentRefs": [{"name": "billing"}], "note": HOSTILE}})
        key = {"kind": "HTTPRoute", "namespace": "default", "name": HOSTILE}
        match path:
            case "/v1/telemetry/edges":
                return {"windowSeconds": 60, "at": now, "edges": self.edges()}
            case "/v1/telemetry/timeline":
                return {"stepSeconds": 5, "points": [
                    {"at": now + 5 * n, "requestsPerSecond": 10 + n % 7, "successRatio": None if n == 20 else 0.99,
                     "p50Ms": 3, "p90Ms": 8 + n % 3, "p99Ms": 20 + n % 11, "failures": {}} for n in range(60)]}
            case "/v1/objectives":
                return {"objectives": [{
                    "name": HOSTILE, "namespace": "default", "target": "billing.default", "successTarget": 0.999,
                    "latencyTargetMs": 100, "budgetRemainingRatio": 0.4, "burnRates": {"5m": 2.5}, "state": "burning"}]}
            case "/v1/status":
                return {
                    "version": "0.1.0", "revision": 3, "publishedRevision": 3, "trustDomain": "mesh.local", "startedAt": 0,
                    "now": now, "authority": {}, "proxies": self.proxies(), "problems": [
                        {"severity": "warning", "resource": HOSTILE, "message": HOSTILE, "remedy": HOSTILE}]}
            case "/v1/identity":
                return {
                    "trustDomain": "mesh.local", "now": now, "intermediateExpiresAt": 99999, "isRootOffline": False,
                    "isEncrypted": True, "proxies": 5, "revoked": [], "trustVersion": 1, "roots": [
                        {"fingerprint": "ab" * 32, "expiresAt": 999999, "state": "issuing", "trustedBy": 5, "leaves": 5, "lacking": []}]}
            case "/v1/resources":
                return {"revision": 3, "resources": [{
                    "key": key, "apiVersion": "v1", "revision": 3, "createdAt": 5, "document": document, "file": HOSTILE,
                    "line": 3, "origin": "store"}]}
            case "/v1/history":
                return {"entries": [
                    {"revision": n, "key": key, "action": "updated" if n > 1 else "created", "author": HOSTILE, "at": 1000 + n,
                     "document": document.replace("note", f"note{n}")} for n in range(3, 0, -1)]}
            case "/v1/requests":
                return {"requests": [self.summary(n) for n in range(30)], "silent": [HOSTILE], "truncated": True}
            case _ if path.startswith("/v1/requests/"):
                return self.request(path.rsplit("/", 1)[1])
        return None

    @staticmethod
    def summary(n):
        return {
            "id": f"{HOSTILE}{n}", "startedAtMs": 1700000000000.5, "source": "gateway.default", "destination": "billing.default",
            "version": "v1", "route": HOSTILE, "method": HOSTILE, "authority": HOSTILE, "path": f"/{HOSTILE}?{'&'.join(f'name{i}=*' for i in range(120))}", "protocol": "h2",
            "status": 503 if n % 2 else 200, "reason": "no_endpoint" if n % 2 else "ok", "detail": HOSTILE, "durationMs": 12.5,
            "attempts": 2, "direction": "outbound", "proxy": HOSTILE}

    def request(self, name):
        source = {"resource": {"kind": "TrafficPolicy", "namespace": "default", "name": HOSTILE}, "revision": 1, "file": HOSTILE, "line": 2}
        attempts = [{"workload": HOSTILE, "address": "127.0.0.1:1", "startedAfterMs": n * 5.0, "durationMs": 4.0, "isKept": n == 1,
                     "isHedge": False, "status": 503 - 303 * n, "reason": "ok", "detail": HOSTILE} for n in range(2)]
        record = {**self.summary(1), "policies": [{"setting": "timeouts.request", "value": HOSTILE, "source": source}],
                  "headers": [{"name": HOSTILE, "value": HOSTILE}], "attempts": attempts, "attempt": 1}
        hops = [{"number": n, "parent": n - 1 or None, "source": "gateway.default", "destination": HOSTILE, "atMs": n * 2.0,
                 "durationMs": 9.0, "outbound": record, "inbound": [record]} for n in (1, 2)]
        cause = {"reason": "no_endpoint", "text": HOSTILE + "x" * 400, "hop": 1, "place": HOSTILE, "policy": source,
                 "consequences": [{"reason": "retries_exhausted", "hop": 1, "text": HOSTILE, "policy": source}]}
        if name in ("own", "fine"):
            cause = {"reason": "ok", "text": "ledger answered", "hop": 2 if name == "own" else 0, "place": "ledger"}
        return {
            "id": HOSTILE, "summary": self.summary(0 if name == "fine" else 1), "cause": cause,
            "hops": hops, "advice": [HOSTILE + "/y" * 300], "silent": [HOSTILE], "gaps": [HOSTILE],
            "events": [{"atMs": n * 3.0, "hop": 1 + n % 2, "actor": HOSTILE, "kind": "failure", "text": HOSTILE} for n in range(5)]}


def serve(base, data):
    """The page as BASE serves it, its fields included, over made-up answers. Returns where."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            place = urllib.parse.urlsplit(self.path)
            if place.path.startswith("/dashboard/"):
                return self.file(place.path.removeprefix("/dashboard/") or "index.html")
            answer = data.answer(place.path, urllib.parse.parse_qs(place.query))
            if data.has_left:
                return self.reply(401, {"content-type": "application/json"}, b'{"message": "you are not let in"}')
            if data.is_away:
                self.close_connection = True
                return self.connection.close()
            return self.reply(200 if answer is not None else 404, {"content-type": "application/json"}, json.dumps(answer or {}).encode())

        def do_DELETE(self):
            data.has_left = self.path == "/v1/dashboard/sessions"
            return self.reply(200, {"content-type": "application/json"}, b'{"ended": 1}')

        def file(self, name):
            if not base.startswith("http"):
                kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "html": "text/html"}
                policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:"
                fields = {"content-type": kinds[name.split(".")[-1]], "content-security-policy": policy}
                return self.reply(200, fields, pathlib.Path(base, name).read_bytes())
            with urllib.request.urlopen(base + name, timeout=20) as answer:
                fields = {name: value for name, value in answer.headers.items() if name.lower() not in ("content-length", "transfer-encoding", "connection")}
                return self.reply(200, fields, answer.read())

        def reply(self, status, fields, body):
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/dashboard/"


PLACES = [
    ("#/", "svg.graph"), ("#/services", "tbody th a"), ("#/service/billing.default", ".chart svg path"),
    ("#/requests", "tbody th"), ("#/history", "tbody th"), ("#/fleet", "tbody th"),
]


async def fixtures(base):
    data = Data()
    place = serve(base, data)
    async with Chromium() as page:
        await page.size(1280)
        await page.open(place)
        await page.run("window.alert = (text) => { window.ran = text; }, window.ran = null")
        hostile = [*PLACES, ("#/request/" + urllib.parse.quote(HOSTILE, safe=""), "svg.lane"),
                   ("#/service/" + urllib.parse.quote(f"{HOSTILE}.default", safe=""), ".chart svg path")]
        for where, sign in hostile:
            name = where[:40]
            await page.go(where, sign)
            await page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            await manners(page, name)
            await keyboard(page, name)
            check(f"{name}: hostile texts stay texts", await page.run(
                "document.querySelectorAll('main img, main script, main [onerror]').length === 0 && window.ran === null"))
            shown = await page.run(f"document.body.textContent.includes({json.dumps(HOSTILE[:28])})")
            check(f"{name}: hostile texts are shown as they are", shown)
        quiet(page, "made-up data")

        # The headline goes by the outcome: a status that an application chose itself has the reason `ok`.
        for name, sign in [("own", "The application's own answer at hop 2, ledger"), ("fine", "Nothing is wrong")]:
            await page.go(f"#/request/{name}", "svg.lane")
            await page.until(f"document.querySelector('.headline')?.textContent.startsWith({json.dumps(sign)})",
                             f"the headline of a request says: {sign}")
        await page.go("#/request/failed", "svg.lane")
        await page.until("document.querySelector('main').textContent.includes('Then retries_exhausted at hop 1')",
                         "what followed from the cause is told")

        # Live: figures change without anybody's doing; nothing is asked while hidden; what is old says so.
        await page.go("#/", "svg.graph")
        before = await page.run("document.querySelector('.figures').textContent")
        await page.until(f"document.querySelector('.figures').textContent !== {json.dumps(before)}", "figures change by themselves")
        data.is_away = True
        await page.until("document.getElementById('live').textContent.includes('away')", "a control plane that is away is told of")
        check("what is old says so", await page.run("document.querySelector('main').classList.contains('stale')"))
        data.is_away = False
        await page.until("document.getElementById('live').textContent === 'live'", "it goes on when the control plane is back")
        page.errors.clear()

        # Many services.
        data.services = 500
        began = time.monotonic()
        await page.go("#/services", "tbody th a")
        await page.until("document.querySelectorAll('tbody tr').length >= 500", "the list has 500 services")
        await page.go("#/", "svg.graph")
        await page.until("document.querySelector('main').textContent.includes('500')", "the topology counts 500 services")
        boxes = await page.run("document.querySelectorAll('svg.graph a').length")
        check("500 services are put together in a readable number of boxes", 2 <= boxes <= 60, boxes)
        await page.run("""(() => { const find = document.getElementById('topology-search'); find.value = 'service123';
            find.dispatchEvent(new Event('input')); })()""")
        await page.until("[...document.querySelectorAll('svg.graph .name')].some((one) => one.textContent.includes('service123'))",
                         "a search finds one of 500 services")
        took = await page.run("""(() => { const from = performance.now(); const find = document.getElementById('topology-search');
            find.value = ''; find.dispatchEvent(new Event('input')); return performance.now() - from; })()""")
        print(json.dumps({"drawing 500 services took": f"{took:.0f} ms", "both pages": f"{time.monotonic() - began:.1f} s"}))
        await manners(page, "500 services")
        await page.go("#/fleet", "tbody th")
        quiet(page, "500 services")

        # Leaving.
        await page.run("localStorage.setItem('weft-dashboard-key', 'secret')")
        await page.run("document.getElementById('leave').click()")
        await page.until("document.getElementById('token')", "who logs out is asked who they are")
        check("logging out ends the session", data.has_left)
        check("logging out forgets the key", await page.run("localStorage.getItem('weft-dashboard-key') === null"))
        check("who is out cannot log out", await page.run("document.getElementById('leave').hidden"))


def call(entry):
    """Calls the mesh until the process ends."""
    while True:
        try:
            urllib.request.urlopen(entry, timeout=5).read()
        except OSError:
            pass
        time.sleep(0.05)


async def live(url, entry):
    threading.Thread(target=call, args=(entry,), daemon=True).start()
    async with Chromium() as page:
        await page.size(1280)
        await page.open(url)
        await page.until("document.querySelector('svg.graph a')", "the code opens the dashboard and a mesh is drawn")
        check("the code is not kept in the address", "code" not in await page.run("location.hash"))
        check("no script sees the cookie", not await page.run("document.cookie"))
        for where, sign in PLACES:
            await page.go(where, sign if where != "#/requests" else None)
            await manners(page, where)
            await keyboard(page, where, most=30)
            if where == "#/service/billing.default":
                figure = "document.querySelector('main').innerText"
                check("a service shows its callers", "enrollment.default" in await page.run(figure))
        await page.go("#/", "svg.graph")
        before = await page.run("document.querySelector('.figures').textContent")
        await page.until(f"document.querySelector('.figures').textContent !== {json.dumps(before)}", "live figures change")
        quiet(page, "a running mesh")
        # What it came with is used up, and without it there is no way in.
        base = url.split("#")[0]
        await page.run("localStorage.clear()")
        await page.open("about:blank")
        await page.open(url)
        await page.until("document.getElementById('token')", "a code works once")
        answers = await page.run("""Promise.all([fetch('/v1/status').then((one) => one.status),
            fetch('/v1/apply', { method: 'POST', body: '{}' }).then((one) => one.status)])""")
        check("a cookie alone opens nothing", answers == [401, 401], answers)
        with urllib.request.urlopen(base, timeout=20) as answer:
            policy = answer.headers["content-security-policy"] or ""
        check("the page may run only its own files", "default-src 'none'" in policy and "unsafe" not in policy, policy)


async def pictures(url, folder):
    async with Chromium() as page:
        await page.size(1280, 860)
        await page.open(url)
        await page.until("document.querySelector('svg.graph a')", "the dashboard opens")
        shots = [("topology", *PLACES[0]), ("services", *PLACES[1]), ("service", *PLACES[2]), ("requests", *PLACES[3]),
                 ("history", *PLACES[4]), ("fleet", *PLACES[5])]
        for name, where, sign in shots:
            await page.go(where, sign)
            await asyncio.sleep(3.5)
            if name == "history":
                await page.run("[...document.querySelectorAll('details')].slice(0, 1).forEach((one) => { one.open = true; })")
            await page.picture(f"{folder}/dashboard-{name}.png")
        await page.go("#/requests?failed=1")
        await asyncio.sleep(3)
        link = await page.run("document.querySelector('tbody th a')?.getAttribute('href')")
        if link:
            await page.go(link, "svg.lane")
            await asyncio.sleep(0.5)
            await page.picture(f"{folder}/dashboard-request.png")
        await page.scheme("dark")
        await page.size(320, 700)
        await page.go("#/service/billing.default", ".chart svg path")
        await asyncio.sleep(3.5)
        await page.picture(f"{folder}/dashboard-narrow-dark.png")
        quiet(page, "pictures")


match sys.argv[1:]:
    case ["fixtures", base]:
        asyncio.run(fixtures(base))
    case ["live", url, entry]:
        asyncio.run(live(url, entry))
    case ["pictures", url, folder]:
        asyncio.run(pictures(url, folder))
    case _:
        sys.exit(__doc__)
print(json.dumps({"wrong": findings}))
sys.exit(1 if findings else 0)
