import Testing
import WeftModel
import WeftTelemetry

@Suite struct IstioSeriesTests {
    static let teller = IstioTeller(version: "v7", principal: "spiffe://mesh.local/ns/default/sa/gateway")

    func text(_ naming: MetricNaming, _ labels: RequestLabels, _ outcomes: [RequestOutcome]) -> String {
        let registry = MetricRegistry()
        let metrics = RequestMetrics(registry: registry, naming: naming, teller: Self.teller)
        for outcome in outcomes { metrics.record(outcome, on: labels) }
        #expect(metrics.totals().first?.requests == UInt64(outcomes.count))
        return String(decoding: MetricExposition.prometheus.encode(registry.snapshot()), as: UTF8.self)
    }

    static let failed = RequestOutcome(
        status: 503, reason: .overflow, duration: .milliseconds(3), receivedBytes: 5, sentBytes: 700)

    @Test func `a request has Istio's names and labels`() throws {
        let text = self.text(.istio, MetricRegistryTests.labels, [Self.failed])
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("istio_requests_total{") })
        for label in [
            #"reporter="source""#, #"source_workload="gateway-v7""#, #"source_workload_namespace="default""#,
            #"source_principal="spiffe://mesh.local/ns/default/sa/gateway""#, #"destination_workload="billing-v2""#,
            #"destination_principal="spiffe://mesh.local/ns/default/sa/billing""#, #"destination_version="v2""#,
            #"destination_service="billing.default.svc.cluster.local""#, #"destination_service_name="billing""#,
            #"destination_service_namespace="default""#, #"request_protocol="http""#, #"response_code="503""#,
            #"response_flags="UO""#, #"connection_security_policy="unknown""#, #"destination_app="billing""#,
        ] {
            #expect(line.contains(label), "\(label)")
        }
        #expect(text.contains("istio_request_duration_milliseconds_bucket{"))
        #expect(text.contains(#"le="5"} 1"#))
        #expect(text.contains("istio_request_bytes_sum{"))
        #expect(text.contains("istio_response_bytes_sum{"))
        #expect(!text.contains("weft_request"))
    }

    @Test func `the destination says how its connections are protected`() throws {
        var labels = MetricRegistryTests.labels
        labels.direction = .inbound
        labels.peerIdentity = "spiffe://mesh.local/ns/default/sa/gateway"
        let text = self.text(.both, labels, [Self.failed])
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("istio_requests_total{") })
        #expect(line.contains(#"reporter="destination""#))
        #expect(line.contains(#"connection_security_policy="mutual_tls""#))
        #expect(line.contains(#"source_principal="spiffe://mesh.local/ns/default/sa/gateway""#))
        #expect(line.contains(#"source_version="unknown""#))
        #expect(text.contains("weft_requests_total{"))
    }

    @Test func `connections of bytes have metrics of their own`() {
        var labels = MetricRegistryTests.labels
        labels.protocol = "tcp"
        let text = self.text(.istio, labels, [Self.failed])
        for name in ["connections_opened", "connections_closed", "received_bytes", "sent_bytes"] {
            #expect(text.contains("istio_tcp_\(name)_total{"), "\(name)")
        }
        #expect(!text.contains("istio_requests_total"))
    }

    @Test func `an application's many statuses make few series`() {
        let outcomes = (100..<600).map { RequestOutcome(status: $0, reason: .ok, duration: .zero) }
        let text = self.text(.istio, MetricRegistryTests.labels, outcomes + outcomes)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("istio_requests_total{") }
        #expect(lines.count <= 37)
        #expect(lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +) == 1000)
    }

    @Test func `gRPC statuses that an application makes up are one series`() {
        let outcomes = (17..<2_000).map { RequestOutcome(status: 200, grpcStatus: $0, reason: .ok, duration: .zero) }
        let text = self.text(.both, MetricRegistryTests.labels, outcomes)
        for name in ["istio_requests_total{", "weft_requests_total{"] {
            let lines = text.split(separator: "\n").filter { $0.hasPrefix(name) }
            #expect(lines.count == 1)
            #expect(lines.first?.contains(#"status="other""#) == true)
            #expect(lines.first?.hasSuffix(" 1983") == true)
        }
    }

    @Test func `every status with every gRPC status makes few series of Istio's names`() {
        let outcomes = (1..<6).flatMap { code in
            (0..<400).map { RequestOutcome(status: code * 100 + $0 % 7, grpcStatus: $0, reason: .ok, duration: .zero) }
        }
        let text = self.text(.istio, MetricRegistryTests.labels, outcomes + outcomes)
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("istio_requests_total{") }
        #expect(lines.count <= 32 + 10)
        #expect(lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +) == 4_000)
    }

    @Test func `Weft's names are the default`() {
        let text = self.text(.weft, MetricRegistryTests.labels, [Self.failed])
        #expect(!text.contains("istio_"))
    }
}
