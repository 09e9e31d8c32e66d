import Testing
import WeftModel
import WeftTelemetry

@Suite struct MetricRegistryTests {
    static let counter = MetricFamily("c", .counter, labels: ["l"], help: "A counter.")
    static let labels = RequestLabels(
        source: "gateway.default", destination: "billing.default", route: "default/canary", version: "v2",
        direction: .outbound, protocol: "h2", tls: true, peerIdentity: "spiffe://mesh.local/ns/default/sa/billing")

    func text(_ snapshot: MetricSnapshot, _ format: MetricExposition = .prometheus) -> String {
        String(decoding: format.encode(snapshot), as: UTF8.self)
    }

    @Test func `equal labels are one series`() {
        let registry = MetricRegistry()
        let first = registry.series(Self.counter, ["a"])
        #expect(registry.series(Self.counter, ["a"]) == first)
        #expect(registry.series(Self.counter, ["b"]) != first)
        registry.add(2, to: first)
        registry.add(to: registry.series(Self.counter, ["a"]))
        #expect(registry.count(of: first) == 3)
    }

    @Test func `beyond the budget series share one that says so`() {
        let registry = MetricRegistry(budget: 2)
        for label in ["a", "b", "c", "d"] { registry.add(to: registry.series(Self.counter, [label])) }
        let text = self.text(registry.snapshot())
        #expect(text.contains("c_total{l=\"a\"} 1\n"))
        #expect(text.contains("c_total{l=\"overflow\"} 2\n"))
        #expect(text.contains("weft_metric_series_overflow_total 2\n"))
        #expect(!text.contains("l=\"c\""))
    }

    @Test func `an observation counts in the first bucket that holds it`() {
        let registry = MetricRegistry()
        let family = MetricFamily("h", .histogram(bounds: [0.5, 1]), help: "A histogram.")
        let series = registry.series(family)
        for value in [0.5, 0.6, 1, 7] { registry.observe(value, in: series) }
        #expect(registry.histogram(of: series).counts == [1, 2, 1])
        #expect(
            self.text(registry.snapshot()) == """
                # HELP h A histogram.
                # TYPE h histogram
                h_bucket{le="0.5"} 1
                h_bucket{le="1"} 3
                h_bucket{le="+Inf"} 4
                h_sum 9.1
                h_count 4

                """)
    }

    @Test func `loops merge by adding up`() {
        var merged = MetricSnapshot()
        for amount in [1, 2] as [UInt64] {
            let registry = MetricRegistry()
            registry.add(amount, to: registry.series(Self.counter, ["a"]))
            registry.move(registry.series(MetricNames.connectionsOpen, ["outbound"]), by: Double(amount))
            registry.observe(Double(amount), in: registry.series(MetricNames.requestDuration, Self.labels7))
            merged.merge(registry.snapshot())
        }
        let text = self.text(merged)
        #expect(text.contains("c_total{l=\"a\"} 3\n"))
        #expect(text.contains("weft_connections_open{listener=\"outbound\"} 3\n"))
        #expect(
            text.contains(
                "_sum{source=\"1\",destination=\"2\",route=\"3\",version=\"4\",direction=\"5\",protocol=\"6\",tls=\"7\"} 3\n"
            ))
    }

    static let labels7 = ["1", "2", "3", "4", "5", "6", "7"]

    @Test func `label values and help are escaped`() {
        var snapshot = MetricSnapshot()
        snapshot.add(
            .counter(1), to: MetricFamily("c", .counter, labels: ["l"], help: "a\\b\n\"c\""), labels: ["q\"\\\n"])
        #expect(
            self.text(snapshot)
                == "# HELP c_total a\\\\b\\n\"c\"\n# TYPE c_total counter\nc_total{l=\"q\\\"\\\\\\n\"} 1\n")
    }

    @Test func `OpenMetrics names counters without total, and ends`() {
        var snapshot = MetricSnapshot()
        snapshot.add(.counter(1), to: MetricFamily("c", .counter, help: "x"))
        #expect(self.text(snapshot, .openMetrics) == "# HELP c x\n# TYPE c counter\nc_total 1\n# EOF\n")
        #expect(MetricExposition(accept: "application/openmetrics-text; version=1.0.0") == .openMetrics)
        #expect(MetricExposition(accept: nil) == .prometheus)
    }

    @Test func `a request counts once, by how it ended, and on its edge`() throws {
        let registry = MetricRegistry()
        let metrics = RequestMetrics(registry: registry)
        metrics.record(RequestOutcome(status: 200, reason: .ok, duration: .milliseconds(3)), on: Self.labels)
        metrics.record(
            RequestOutcome(
                status: 503, reason: .noEndpoints, duration: .seconds(20), attempts: 2, receivedBytes: 5, sentBytes: 7),
            on: Self.labels)
        metrics.record(
            RequestOutcome(status: 200, grpcStatus: 14, reason: .ok, duration: .milliseconds(3)), on: Self.labels)
        let totals = try #require(metrics.totals().first)
        #expect(totals.requests == 3)
        #expect(totals.codeClasses == [2: 2, 5: 1])
        #expect(totals.failures == [.noEndpoints: 1])
        #expect(totals.grpcFailures == 1)
        #expect(totals.retries == 1)
        #expect(totals.latencyCounts == [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        let text = self.text(registry.snapshot())
        let edge =
            #"source="gateway.default",destination="billing.default",route="default/canary",version="v2","#
            + #"direction="outbound",protocol="h2",tls="mutual""#
        #expect(
            text.contains(#"weft_requests_total{\#(edge),code_class="5xx",grpc_status="",reason="no_endpoints"} 1"#))
        #expect(text.contains(#"weft_requests_total{\#(edge),code_class="2xx",grpc_status="14",reason="ok"} 1"#))
        #expect(text.contains(#"weft_request_duration_seconds_bucket{\#(edge),le="0.005"} 2"#))
        #expect(text.contains(#"weft_request_attempts_total{\#(edge)} 4"#))
        #expect(!text.contains("spiffe://"))
    }

    @Test func `edges beyond the limit share one`() {
        let metrics = RequestMetrics(registry: MetricRegistry(), maxEdges: 2)
        for number in 0..<10 {
            var labels = Self.labels
            labels.route = "r\(number)"
            metrics.record(RequestOutcome(status: 200, reason: .ok, duration: .zero), on: labels)
        }
        let totals = metrics.totals()
        #expect(totals.count == 3)
        #expect(totals.first { $0.labels.route == "overflow" }?.requests == 8)
    }

    @Test func `what an application answers does not make an edge grow`() throws {
        let metrics = RequestMetrics(registry: MetricRegistry())
        for status in -1..<5_000 {
            metrics.record(
                RequestOutcome(
                    status: 100 + status.magnitude.description.count * 100, grpcStatus: status, reason: .ok,
                    duration: .zero), on: Self.labels)
        }
        for code in 1...5 {
            for status in 0..<400 {
                metrics.record(
                    RequestOutcome(status: code * 100, grpcStatus: status, reason: .ok, duration: .zero),
                    on: Self.labels)
            }
        }
        let totals = try #require(metrics.totals().first)
        #expect(metrics.edge(Self.labels).endingCount <= 64 + 10)
        #expect(totals.requests == 7_001)
        #expect(totals.codeClasses.values.reduce(0, +) == 7_001)
        #expect(totals.grpcFailures == 7_001 - 6)
    }
}
