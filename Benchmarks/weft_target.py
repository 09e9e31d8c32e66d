"""Weft as a target of a side-by-side proxy rig: `rig.py run S1-64B S2-c32 --plugin weft_target.py --with weft`.

A target is started with static files instead of a control plane, so that only the request path is measured. Everything a
sidecar always does is on: peer identities, per-edge metrics and histograms, access log of errors, request ids, deadlines,
retries with their budget, outlier detection, peak-EWMA balancing. With everything that a mesh turns on, beside an Envoy that has the
same on: `rig.py run S7-hop S7-pair --plugin weft_target.py --with weft-mesh,envoy-mesh,envoy-mesh-h2 --only weft-mesh,envoy-mesh,envoy-mesh-h2`.
"""
import json, os
from benchlib import certs as C, core, envoyconf as E
from benchlib.core import LO
from benchlib.targets import Endpoint, Envoy, EnvoyH2, Target


class Weft(Target):
    name = "weft"
    kinds = ("hop-h1", "hop-h2", "pair-h1", "pair-h2", "pair-tcp", "inbound-tls")
    routes = 0              # besides the one that takes the requests
    more = ()               # flags

    @classmethod
    def available(cls):
        return core.find_bin("weft", "WEFT_BIN") is not None

    def sidecar(self, env, service, snapshot, listen, *more, log):
        conf = env.write(f"{service}.json", json.dumps(snapshot))
        p = self.proc(env, [core.find_bin("weft", "WEFT_BIN"), "proxy", "--service", service, "--static", conf,
                            "--loops", str(env.concurrency), "--outbound", "none", "--admin", "none",
                            "--health", "none", *self.more, *more], log)
        self.up(listen, p)
        return p

    def identity(self, env, who):
        folder = env.path(f"identity-{who}")
        os.makedirs(folder, 0o700)
        for name, source in (("identity.pem", env.certs[f"{who}_both"]), ("bundle.pem", env.certs["ca"])):
            path = os.path.join(folder, name)
            with open(path, "w") as f:
                os.chmod(path, 0o600)
                f.write(open(source).read())
        return folder

    def start(self, kind, env, **opt):
        spoken = {"h2": "h2", "tcp": "tcp"}.get(kind.rsplit("-", 1)[1], "h1")
        protocol = {"h2": "kubernetes.io/h2c", "tcp": "tcp"}.get(spoken, "http")
        backend = env.backend[spoken]
        a = core.free_port()

        def service(port, identity=None):
            endpoint = {"address": LO, "port": port, **({"identity": identity} if identity else {})}
            return {"services": [{"name": "server.default:80", "protocol": protocol, "endpoints": [endpoint],
                                  "mixedRoutes": self.routes}]}

        if kind.startswith("hop"):
            p = self.sidecar(env, "client", service(backend), a, "--upstream", f"server={LO}:{a}", log="log")
            return Endpoint(a, {"proxy": [p.pid]})
        m = core.free_port()
        inbound = {"services": [], "inbound": [{"service": "server.default", "appPort": backend, "protocol": protocol}]}
        q = self.sidecar(env, "server", inbound, m, "--identity", self.identity(env, "in"), "--address", LO,
                         "--app-port", f"{backend}={m}", log="in.log")
        if kind == "inbound-tls":
            return Endpoint(m, {"in": [q.pid]})
        p = self.sidecar(env, "client", service(m, C.IN_ID), a, "--identity", self.identity(env, "out"),
                         "--upstream", f"server={LO}:{a}", log="out.log")
        return Endpoint(a, {"out": [p.pid], "in": [q.pid]})


class WeftMesh(Weft):
    """What `envoy-mesh` has on: every request logged, 50 routes; the rest is on always."""
    name = "weft-mesh"
    kinds = ("hop-h1", "pair-h1", "pair-h2")
    routes = 49
    more = ("--access-log", "all")


class WeftOff(Weft):
    """Nothing counted, remembered or logged: what telemetry costs is measured against it."""
    name = "weft-off"
    kinds = ("hop-h1", "hop-h2", "pair-h1", "pair-h2")
    more = ("--access-log", "off", "--request-records", "0", "--metric-names", "none")


class WeftLog(Weft):
    """Every request logged, besides what is on always."""
    name = "weft-log"
    kinds = WeftOff.kinds
    more = ("--access-log", "all")


FEATURES = ["accesslog", "reqhdr", "resilience", "routes"]


class Mesh:
    """An Envoy that logs every request, keeps request ids and forwarding fields, retries, detects outliers, and has 50 of the
    rig's routes."""

    def start(self, kind, env, **opt):
        whole = E.feature_set

        def fifty(*a, **kw):
            hcm, filters, hosts, clusters, more = whole(*a, **kw)
            for host in hosts:
                host["routes"] = host["routes"][:49] + host["routes"][-1:]
            return hcm, filters, hosts, clusters, more

        E.feature_set = fifty
        try:
            return super().start(kind, env, **{**opt, "features": FEATURES})
        finally:
            E.feature_set = whole


class EnvoyMesh(Mesh, Envoy):
    name, kinds = "envoy-mesh", ("hop-h1",)


class EnvoyMeshH2(Mesh, EnvoyH2):
    name, kinds = "envoy-mesh-h2", ("pair-h1", "pair-h2")


TARGETS = [Weft, WeftMesh, WeftOff, WeftLog, EnvoyMesh, EnvoyMeshH2]
