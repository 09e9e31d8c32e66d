import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// What callers make up is no label.
@Suite struct MetricSeriesTests {
    @Test func `a hundred thousand paths and hosts make no new series`() async throws {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group)
            // Nobody to ask: each answer is the sidecar's own, so that the number costs no time.
            let known = snapshot(endpoints: [])
            sidecar.server.install(
                ProxySnapshot(
                    listeners: known.listeners, routes: known.routes, clusters: known.clusters,
                    endpoints: known.endpoints, isComplete: true))
            func series() async throws -> Int {
                try await sidecar.server.metrics(on: group.next()).get().count
            }
            func ask(_ numbers: Range<Int>) async throws {
                var text = ""
                for number in numbers {
                    let host = number.isMultiple(of: 2) ? "billing" : "made-up-\(number).example"
                    text += "GET /made/up/\(number)?q=\(number) HTTP/1.1\r\nhost: \(host)\r\n"
                    text += number == numbers.upperBound - 1 ? "connection: close\r\n\r\n" : "\r\n"
                }
                let answers = try await RawClient.converse(on: group, port: sidecar.outboundPort, [text])
                #expect(answers.hasPrefix("HTTP/1.1 "))
            }
            try await ask(0..<100)
            let before = try await series()
            for batch in 0..<100 { try await ask((batch * 1000)..<((batch + 1) * 1000)) }
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            #expect(metrics.count == before)
            let counted = metrics.families[MetricNames.requests]?.values.reduce(UInt64(0)) { sum, value in
                if case .counter(let count) = value { sum + count } else { sum }
            }
            #expect(counted == 100_100)
            #expect(metrics.families[MetricNames.overflow] == nil)
            let labels = Set((metrics.families[MetricNames.requests] ?? [:]).keys.joined())
            #expect(!labels.contains { $0.contains("made") })
            await sidecar.stop()
        }
    }

    @Test func `hosts outside the mesh that nobody described share one destination`() async throws {
        let egress = OpenEgress(namespaces: ["default"])
        for host in ["one.example", "two.example"] {
            let made = try #require(egress.destination("\(host):80"))
            #expect(made.cluster.metricName == "external")
            #expect(made.cluster.metricDestination == "external")
        }
        let described = Cluster(
            name: "billing.default:80", service: ServiceName(namespace: "default", name: "billing"),
            transport: .plaintext)
        #expect(described.metricDestination == "billing.default")
        #expect(described.metricName == "billing.default:80")
    }

    @Test func `a sampled request is an exemplar, another is not`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for (id, flags) in [("aa", "01"), ("bb", "00")] {
                let trace = String(repeating: id, count: 16)
                _ = try await client.get("/", headers: ["traceparent": "00-\(trace)-b7ad6b7169203331-\(flags)"])
            }
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            let exemplars = (metrics.exemplars[MetricNames.requestDuration] ?? [:]).values.joined().compactMap(\.self)
            #expect(exemplars.map(\.trace.text) == [String(repeating: "aa", count: 16)])
            #expect(exemplars.allSatisfy { $0.at > 1_700_000_000 })
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `Istio's names are an option, and name the caller's identity`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group) {
                $0.metricNaming = .istio
                $0.labels["version"] = "v3"
            }
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let identity = try TestAuthority().identity("shop")
            try sidecar.server.install(identity: identity)
            _ = try await TestClient(group: group, port: sidecar.outboundPort).get("/")
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            let labels = try #require(metrics.families[IstioMetricNames.requests]?.keys.first)
            let named = Dictionary(
                uniqueKeysWithValues: zip(IstioMetricNames.commonLabels + ["response_code"], labels))
            #expect(named["source_principal"] == identity.id.description)
            #expect(named["source_workload"] == "shop-v3")
            #expect(named["destination_service_name"] == "billing")
            #expect(named["response_code"] == "200")
            #expect(metrics.families[MetricNames.requests] == nil)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `pools and budgets are read when asked, and go with their clusters`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            _ = try await TestClient(group: group, port: sidecar.outboundPort).get("/")
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            let name = ["billing.default:80"]
            #expect(metrics.families[MetricNames.upstreamConnections]?[name] == .gauge(1))
            #expect(metrics.families[MetricNames.upstreamRequests]?[name] == .gauge(0))
            // A reserve of 10 a second for 10 s; one first attempt adds less than one retry.
            #expect(metrics.families[MetricNames.budgetBalance]?[name] == .gauge(100))
            sidecar.server.install(ProxySnapshot.empty)
            let after = try await sidecar.server.metrics(on: group.next()).get()
            #expect(after.families[MetricNames.budgetBalance] == nil)
            await sidecar.stop()
            await app.stop()
        }
    }
}
