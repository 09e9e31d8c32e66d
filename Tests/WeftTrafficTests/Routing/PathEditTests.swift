import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct PathEditTests {
    @Test(arguments: [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"), ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"), ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"), ("/foo/", "/foo", "/xyz", "/xyz/"), ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "", "/"), ("/foo/", "/foo", "/", "/"), ("/foo", "/foo", "", "/"), ("/foo", "/foo", "/", "/"),
        ("/foo/bar?a=/b", "/foo", "/xyz", "/xyz/bar?a=/b"), ("/foo?a=b", "/foo", "", "/?a=b"),
        ("/a", "/", "/xyz", "/xyz/a"),
        ("/", "/", "/xyz", "/xyz/"), ("*", "/", "/xyz", "*"), ("", "/", "/xyz", ""),
    ])
    func `a prefix is replaced by whole elements, and the query stays`(
        target: String, prefix: String, replacement: String, result: String
    ) {
        let edit = PathEdit(.prefix(replacement), match: .prefix(prefix))
        let bytes = Array(target.utf8).withUnsafeBytes { edit.applied(to: $0) }
        #expect(String(decoding: bytes, as: UTF8.self) == result)
    }

    @Test(arguments: [("/foo/bar?q=1", "/new?q=1"), ("/", "/new"), ("*", "*")])
    func `the whole path is replaced whatever matched it`(target: String, result: String) {
        let edit = PathEdit(.full("/new"), match: .regularExpression("/.*"))
        let bytes = Array(target.utf8).withUnsafeBytes { edit.applied(to: $0) }
        #expect(String(decoding: bytes, as: UTF8.self) == result)
    }

    @Test(arguments: [
        (RequestRedirect(hostname: "example.org", port: 80), "http://example.org/a/b?c=d"),
        (RequestRedirect(scheme: "https", port: 443), "https://billing/a/b?c=d"),
        (RequestRedirect(scheme: "https", hostname: "example.org", port: 8443), "https://example.org:8443/a/b?c=d"),
        (RequestRedirect(port: 8083), "http://billing:8083/a/b?c=d"),
        (RequestRedirect(path: .full("/x"), port: 8080), "http://billing:8080/x?c=d"),
        (RequestRedirect(hostname: "example.org", path: .prefix("/z"), port: 80), "http://example.org/z/b?c=d"),
    ])
    func `a redirect keeps what it does not name, and leaves out the scheme's own port`(
        redirect: RequestRedirect, location: String
    ) {
        let head = request(.get, "/a/b?c=d", authority: "billing:8080")
        #expect(CompiledRedirect(redirect, match: .prefix("/a")).location(for: head.headers) == location)
    }
}

@Suite struct FilterTests {
    @Test func `the route's response modifiers change a redirect too`() {
        var scene = Scene([]) { _ in
        } route: {
            $0.action = .redirect(RequestRedirect(hostname: "example.org", port: 80))
            $0.responseHeaders = HeaderModifier(set: [.init(name: "cache-control", value: "no-store")])
        }
        #expect(scene.begin(request(.get, "/a")).contains(.reply))
        let reply = scene.exchange.reply ?? LocalReply(.internal)
        let headers = LocalReplyRenderer.render(reply, for: scene.exchange.head).head.headers
        #expect(headers["cache-control"] == "no-store" && headers[.location] == "http://example.org/a")
    }

    @Test func `a redirect is answered at once, without an endpoint`() {
        var scene = Scene([]) { _ in
        } route: {
            $0.action = .redirect(RequestRedirect(hostname: "example.org", port: 80, status: 301))
        }
        #expect(scene.begin(request(.get, "/a")) == [.reply, .finished, .dropHeld])
        let reply = scene.exchange.reply ?? LocalReply(.internal)
        let rendered = LocalReplyRenderer.render(reply, for: scene.exchange.head)
        #expect(rendered.head.status == 301 && rendered.body.isEmpty == true)
        #expect(rendered.head.headers[.location] == "http://example.org/a")
        #expect(rendered.head.headers[.weftReason] == nil)
        #expect(scene.exchange.reason == .ok)
    }

    @Test func `a rewrite changes host and path on the way upstream, the backend's host or path before the route's`() {
        var scene = Scene { _ in
        } route: {
            $0.match = RouteMatch(path: .prefix("/v1"))
            $0.rewrite = URLRewrite(hostname: "one.internal", path: .prefix("/"))
        }
        scene.send(request(.get, "/v1/a?b=c"))
        #expect(scene.exchange.head.authority == "one.internal")
        #expect(scene.exchange.head.path == "/a?b=c")

        for (own, host, path) in [
            (URLRewrite(path: .full("/whole")), "one.internal", "/whole?b=c"),
            (URLRewrite(hostname: "two.internal"), "two.internal", "/a?b=c"),
            (URLRewrite(hostname: "two.internal", path: .full("/whole")), "two.internal", "/whole?b=c"),
        ] {
            var backend = WeightedCluster(cluster: "billing.default:80")
            backend.rewrite = own
            var other = Scene { _ in
            } route: {
                $0.match = RouteMatch(path: .prefix("/v1"))
                $0.rewrite = URLRewrite(hostname: "one.internal", path: .prefix("/"))
                $0.action = .forward([backend])
            }
            other.send(request(.get, "/v1/a?b=c"))
            #expect(other.exchange.head.authority == host && other.exchange.head.path == path)
        }
    }

    @Test func `a copy has the route's rewrite, and not the backend's`() {
        var backend = WeightedCluster(cluster: "billing.default:80")
        backend.rewrite = URLRewrite(hostname: "two.internal", path: .full("/whole"))
        for own in [URLRewrite(hostname: "one.internal", path: .prefix("/")), nil] {
            var scene = Scene { _ in
            } route: {
                $0.match = RouteMatch(path: .prefix("/v1"))
                $0.rewrite = own
                $0.mirrors = [MirroredCluster(cluster: "copies.default:80")]
                $0.action = .forward([backend])
            }
            scene.send(request(.get, "/v1/a?b=c"))
            #expect(scene.exchange.head.authority == "two.internal" && scene.exchange.head.path == "/whole?b=c")
            #expect(scene.exchange.mirroredHead?.authority == (own == nil ? "billing" : "one.internal"))
            #expect(scene.exchange.mirroredHead?.path == (own == nil ? "/v1/a?b=c" : "/a?b=c"))
        }
    }

    @Test func `mirrors draw their share, each for itself, of what the route makes of the request`() {
        var counts = [0, 0]
        for seed in 0..<2_000 {
            let traffic = LoopTraffic(seed: UInt64(seed) &* 7919)
            traffic.install(cluster())
            traffic.install(endpoints("billing.default:80", [endpoint("a")]))
            let routes = table([
                route {
                    $0.mirrors = [
                        MirroredCluster(cluster: "all.default:80"),
                        MirroredCluster(cluster: "some.default:80", fraction: Fraction(1, of: 4)),
                    ]
                    $0.requestHeaders = HeaderModifier(set: [.init(name: "x-a", value: "1")])
                }
            ])
            var exchange = Exchange()
            _ = exchange.begin(request(), end: true, routes: routes, traffic: traffic, now: .ms(0))
            let names = exchange.mirrors.map(\.routes.routes[0].backends[0].cluster)
            if names.contains("all.default:80") { counts[0] += 1 }
            if names.contains("some.default:80") { counts[1] += 1 }
            #expect(exchange.mirroredHead?.headers["x-a"] == "1")
        }
        #expect(counts[0] == 2_000)
        #expect(abs(counts[1] - 500) < 100)
    }

    @Test func `a request that is not sent is not mirrored either`() {
        var scene = Scene(["a"]) {
            $0.limits.requests = 1
        } route: {
            $0.mirrors = [MirroredCluster(cluster: "billing.default:80")]
        }
        scene.send()
        #expect(scene.exchange.mirrors.count == 1)
        var second = Exchange()
        _ = second.begin(request(), end: true, routes: scene.routes, traffic: scene.traffic, now: .ms(1))
        #expect(second.reason == .overflow)
        #expect(second.mirrors.isEmpty == true)
    }
}
