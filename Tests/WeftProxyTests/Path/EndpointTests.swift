import NIOCore
import NIOPosix
import Testing
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// What the proxy makes of its endpoints, from outside.
@Suite struct EndpointTests {
    private func metric(
        _ family: MetricFamily, _ labels: [String], of sidecar: TestSidecar, on group: MultiThreadedEventLoopGroup
    ) async throws -> Double {
        let metrics = try await sidecar.server.metrics(on: group.next()).get()
        switch metrics.families[family]?[labels] {
        case .counter(let count): return Double(count)
        case .gauge(let value), .amount(let value): return value
        case .histogram, nil: return 0
        }
    }

    @Test func `a failing endpoint is taken out, which metrics say, and the others serve`() async throws {
        try await withLoops { group in
            let good = try await TestApplication.start(name: "good", on: group)
            let bad = try await TestApplication.start(name: "bad", on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(
                    endpoints: [endpoint("bad", port: bad.port), endpoint("good", port: good.port)],
                    route: { $0.retry.attempts = 0 }, cluster: { $0.loadBalancing = .roundRobin }))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for _ in 0..<20 {
                _ = try await client.get("/status/500")
                if try await self.metric(
                    MetricNames.ejections, ["billing.default", "success_rate"], of: sidecar, on: group) == 1
                {
                    break
                }
            }
            #expect(
                try await self.metric(
                    MetricNames.endpoints, ["billing.default:80", "ejected"], of: sidecar, on: group) == 1)
            let before = bad.heads.count + good.heads.count
            let out = bad.heads.count >= good.heads.count ? "bad" : "good"
            #expect(before >= 9 && !out.isEmpty)
            #expect(try await client.get("/").status == 200)
            await sidecar.stop()
            await good.stop()
            await bad.stop()
        }
    }

    @Test(arguments: [AppProtocol.http, .h2c])
    func `health checks take an endpoint out and bring it back`(appProtocol: AppProtocol) async throws {
        try await withLoops(2) { group in
            let app = try await TestApplication.start(name: "well", on: group)
            let other = try await TestApplication.start(name: "other", on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            func install(_ path: String) {
                var policy = HealthCheckPolicy(.http(path: path, statuses: []))
                policy.interval = .milliseconds(100)
                policy.timeout = .milliseconds(100)
                policy.unhealthyThreshold = 1
                policy.healthyThreshold = 1
                sidecar.server.install(
                    snapshot(
                        endpoints: [endpoint("a", port: app.port), endpoint("b", port: other.port)],
                        appProtocol: appProtocol, cluster: { $0.healthCheck = policy }))
            }
            func wait(for count: Double) async throws {
                let labels = ["billing.default:80", "unhealthy"]
                while try await self.metric(MetricNames.endpoints, labels, of: sidecar, on: group) != count {
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            install("/status/503")
            // Two endpoints as each of two loops knows them.
            try await wait(for: 4)
            let client = TestClient(group: group, port: sidecar.outboundPort)
            // Nobody is well: then all serve.
            #expect(try await client.get("/").status == 200)
            #expect(app.heads.contains { $0.headers[.userAgent] == "weft-health-check" })
            install("/status/200")
            try await wait(for: 0)
            #expect(
                try await self.metric(
                    MetricNames.healthChecks, ["billing.default:80", "passed"], of: sidecar, on: group) >= 2)
            await sidecar.stop()
            await app.stop()
            await other.stop()
        }
    }

    @Test func `where no second connection may be opened, the endpoint that has one serves`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let other = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group) {
                // On a busy machine seconds pass between two calls, and an unused connection would be let go.
                $0.limits.upstreamIdleTimeout = .seconds(600)
            }
            sidecar.server.install(
                snapshot(
                    endpoints: [endpoint("a", port: app.port), endpoint("b", port: other.port)],
                    cluster: {
                        $0.limits.connections = 1
                        $0.loadBalancing = .roundRobin
                        // A connection given up on a busy machine would leave its place to another.
                        $0.connectTimeout = .seconds(60)
                    }))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for _ in 0..<6 { #expect(try await client.get("/").status == 200) }
            #expect(app.connections + other.connections == 1)
            await sidecar.stop()
            await app.stop()
            await other.stop()
        }
    }

    @Test func `connections follow a changed policy: other limits leave them, another way of connecting does not`()
        async throws
    {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            let client = TestClient(group: group, port: sidecar.outboundPort)
            func connections(_ change: @escaping (inout Cluster) -> Void) async throws -> Int {
                sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)], cluster: change))
                #expect(try await client.get("/").status == 200)
                return app.connections
            }
            #expect(try await connections { $0.limits.connections = 1 } == 1)
            #expect(try await connections { $0.limits.connections = 5 } == 1)
            #expect(try await connections { $0.connectTimeout = .seconds(7) } == 2)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a sticky cookie brings a caller back to its endpoint`() async throws {
        try await withLoops { group in
            var apps: [TestApplication] = []
            for number in 0..<4 { apps.append(try await TestApplication.start(name: "\(number)", on: group)) }
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(
                    endpoints: apps.enumerated().map { endpoint("\($0.offset)", port: $0.element.port) },
                    cluster: { $0.balancing.stickyCookie = StickyCookie() }))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let first = try await client.get("/")
            let cookie = String(try #require(first.headers[.setCookie]).prefix { $0 != ";" })
            for _ in 0..<10 {
                let next = try await client.get("/", headers: ["cookie": cookie])
                #expect(next.text == first.text)
                #expect(next.headers[.setCookie] == nil)
            }
            await sidecar.stop()
            for app in apps { await app.stop() }
        }
    }

    @Test(arguments: [LoadBalancing.ringHash, .maglev])
    func `a header's value leads to one endpoint on every loop`(algorithm: LoadBalancing) async throws {
        try await withLoops(2) { group in
            var apps: [TestApplication] = []
            for number in 0..<4 { apps.append(try await TestApplication.start(name: "\(number)", on: group)) }
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(
                    endpoints: apps.enumerated().map { endpoint("\($0.offset)", port: $0.element.port) },
                    cluster: {
                        $0.loadBalancing = algorithm
                        $0.balancing.hashKey = .header("x-user")
                    }))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for user in ["ann", "bob", "eve"] {
                var names: Set<String> = []
                for _ in 0..<8 { names.insert(try await client.get("/", headers: ["x-user": user]).text) }
                #expect(names.count == 1)
            }
            await sidecar.stop()
            for app in apps { await app.stop() }
        }
    }
}
