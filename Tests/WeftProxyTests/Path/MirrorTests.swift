import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftMessage
import WeftModel
import WeftTelemetry
import WeftTraffic

@testable import WeftProxy

/// Copies of requests: made beside the original, and never in its way.
@Suite struct MirrorTests {
    private static let shadow = "shadow.default:80"

    /// A snapshot whose route copies everything to the shadow at `port`.
    private func mirroring(app: Int, shadow port: Int) -> ProxySnapshot {
        let main = snapshot(endpoints: [endpoint("a", port: app)], appProtocol: .h2c) {
            $0.mirrors = [MirroredCluster(cluster: Self.shadow)]
        }
        var clusters = main.clusters
        clusters[Self.shadow] = Cluster(
            name: Self.shadow, service: ServiceName(namespace: "default", name: "shadow"), transport: .plaintext,
            appProtocol: .h2c)
        var endpoints = main.endpoints
        endpoints[Self.shadow] = ClusterEndpoints(cluster: Self.shadow, endpoints: [endpoint("s", port: port)])
        return ProxySnapshot(
            listeners: main.listeners, routes: main.routes, clusters: clusters, endpoints: endpoints)
    }

    /// Waits until the proxy has counted as many copies.
    private func copies(
        _ sidecar: TestSidecar, on group: MultiThreadedEventLoopGroup, count: Int
    ) async throws -> String {
        for _ in 0..<20_000 {
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            let lines = String(decoding: MetricExposition.prometheus.encode(metrics), as: UTF8.self).split(
                separator: "\n"
            ).filter { $0.hasPrefix("weft_mirrored_requests_total{") }
            let total = lines.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
            if total >= count { return lines.joined(separator: "\n") }
        }
        return "never"
    }

    @Test func `a copy carries head, body and trailers, and its answer goes nowhere`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let shadow = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(self.mirroring(app: app.port, shadow: shadow.port))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            let response = try await client.post(
                "/echo", headers: ["x-a": "b"],
                [.data(ByteBuffer(string: "one ")), .data(ByteBuffer(string: "two")), .trailers(["x-end": "1"])])
            #expect(response.text == "one two")
            #expect(try await self.copies(sidecar, on: group, count: 1).contains("reason=\"ok\""))
            let head = try #require(shadow.heads.first)
            #expect(head.path == "/echo" && head.headers["x-a"] == "b" && head.authority == "billing")
            #expect(head.headers[.xRequestID] == app.heads.first?.headers[.xRequestID])
            await sidecar.stop()
            await app.stop()
            await shadow.stop()
        }
    }

    @Test func `a mirror that cannot be reached changes nothing for the original`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(self.mirroring(app: app.port, shadow: 1))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            for _ in 0..<3 { #expect(try await client.get("/hello").status == 200) }
            #expect(try await self.copies(sidecar, on: group, count: 3).contains("connect_failed"))
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a body larger than a mirror may hold still reaches the original whole`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            // Takes connections and never reads.
            let deaf = try await ServerBootstrap(group: group)
                .childChannelOption(.autoRead, value: false).bind(host: "127.0.0.1", port: 0).get()
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(self.mirroring(app: app.port, shadow: deaf.localAddress?.port ?? 0))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            let body = ByteBuffer(repeating: 7, count: 1_000_000)
            let response = try await client.post("/echo", [.data(body)])
            #expect(response.status == 200 && response.text.utf8.count == 1_000_000)
            #expect(try await self.copies(sidecar, on: group, count: 1).contains("client_gone"))
            await sidecar.stop()
            await app.stop()
            try await deaf.close()
        }
    }

    @Test func `copies beyond the bound are not made`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group) { $0.limits.maxMirrors = 0 }
            sidecar.server.install(self.mirroring(app: app.port, shadow: app.port))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            #expect(try await client.get("/hello").status == 200)
            #expect(try await self.copies(sidecar, on: group, count: 1).contains("overflow"))
            #expect(app.heads.count == 1)
            await sidecar.stop()
            await app.stop()
        }
    }
}

/// Calls that leave the mesh by name.
@Suite struct EgressTests {
    private func outside(port: Int, transport: Cluster.Transport = .plaintext) -> ProxySnapshot {
        let name = "api.example.com:80"
        return ProxySnapshot(
            listeners: [name: .outbound(name: name, routeConfiguration: name)],
            routes: [
                name: RouteConfiguration(
                    name: name,
                    virtualHosts: [
                        VirtualHost(
                            name: name, domains: ["*"],
                            routes: [Route(name: "default", action: .forward([WeightedCluster(cluster: name)]))])
                    ])
            ],
            clusters: [
                name: Cluster(
                    name: name, service: ServiceName(namespace: "default", name: "out"), transport: transport,
                    resolution: DNSResolution(host: "api.example.com", port: port))
            ],
            endpoints: [name: ClusterEndpoints(cluster: name, endpoints: [])], isComplete: true)
    }

    @Test func `a call waits until its name is resolved, and tells nobody outside what proxies tell each other`()
        async throws
    {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let names = NameResolver { name in
                .success(name == "api.example.com" ? ["127.0.0.1"] : [])
            }
            let sidecar = try await TestSidecar.start("shop", on: group, names: names)
            sidecar.server.install(self.outside(port: app.port))
            let resolving = Task { await sidecar.server.resolveNames() }
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/hello", authority: "api.example.com")
            #expect(response.status == 200)
            let head = try #require(app.heads.first)
            #expect(head.headers[.weftDeadline] == nil && head.headers[.weftAttempt] == nil)
            resolving.cancel()
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a name that does not resolve is answered with its reason, and an unknown one with 404`() async throws {
        try await withLoops { group in
            let names = NameResolver { _ in .failure(.init(cause: "no such name")) }
            let sidecar = try await TestSidecar.start("shop", on: group, names: names)
            sidecar.server.install(self.outside(port: 1))
            let resolving = Task { await sidecar.server.resolveNames() }
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/", authority: "api.example.com")
            #expect(response.status == 503)
            #expect(response.reason == "dns_failed")
            #expect(response.text.contains("no such name"))
            let unknown = try await client.get("/", authority: "www.example.org")
            #expect(unknown.status == 404)
            resolving.cancel()
            await sidecar.stop()
        }
    }
}
