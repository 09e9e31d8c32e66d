import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite(.serialized, .timeLimit(.minutes(5))) struct ControlPlaneTelemetryTests {
    private func metrics(_ plane: RunningControlPlane) async throws -> String {
        let answer = try await plane.call("GET", "/metrics")
        #expect(answer.status == 200)
        return String(decoding: answer.body, as: UTF8.self)
    }

    /// The metrics once they have a line.
    private func metrics(_ plane: RunningControlPlane, having line: String) async throws -> String {
        while true {
            let text = try await self.metrics(plane)
            if text.contains("\n\(line)\n") { return text }
        }
    }

    @Test func `the control plane tells what it does and what it refused`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                #expect(try await plane.apply("kind: Nonsense").status == 422)
                try await plane.registered("billing", as: "billing-1", identity: identity, adminPort: 15123) {
                    let text = try await self.metrics(plane, having: #"weft_control_proxies{state="ready"} 1"#)
                    for line in [
                        #"weft_control_proxies{state="lost"} 0"#,
                        #"weft_control_changes_refused_total{cause="invalid_configuration"} 1"#,
                        #"weft_control_certificates_issued_total{attestation="join_token"} 1"#,
                        #"weft_control_api_requests_total{call="POST /v1/apply",code="422"} 1"#,
                        #"weft_control_queue_depth{queue="pushes"} 0"#,
                        #"weft_telemetry_dropped_total{signal="audit",cause="write_failed"} 0"#,
                        #"weft_build_info{component="control",version="\#(WeftVersion.text)"} 1"#,
                    ] {
                        #expect(text.contains("\n\(line)\n"), "\(line)")
                    }
                    for part in [
                        #"weft_control_compile_duration_seconds_count{kind="full"}"#,
                        #"weft_control_store_duration_seconds_count{operation="write"}"#,
                        #"weft_control_certificate_expiry_timestamp_seconds{certificate="root"}"#,
                        "process_resident_memory_bytes ",
                    ] {
                        #expect(text.contains(part), "\(part)")
                    }
                    // A path that a caller makes up is no label.
                    _ = try await plane.call("GET", "/v1/made-up/path")
                    let after = try await self.metrics(plane)
                    #expect(!after.contains("made-up"))
                    #expect(after.contains(#"{call="unknown",code="404"} 1"#))
                }
            }
        }
    }

    @Test func `Prometheus is told of every proxy that serves metrics`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) {
                $0.apiAddress = .init(host: "127.0.0.1", port: 0)
            } _: { plane in
                let identity = try await plane.join(try await plane.token("billing"))
                try await plane.registered("billing", as: "silent", identity: identity) {
                    let groups = try await plane.get([PrometheusTargetGroup].self, "/v1/prometheus/targets")
                    #expect(groups.isEmpty)
                }
                try await plane.registered("billing", as: "billing-1", identity: identity, adminPort: 15123) {
                    let groups = try await plane.get([PrometheusTargetGroup].self, "/v1/prometheus/targets")
                    let group = try #require(groups.first)
                    #expect(groups.count == 1)
                    #expect(group.targets == ["127.0.0.1:15123"])
                    #expect(group.labels["instance"] == "default/billing-1")
                    #expect(group.labels["__meta_weft_component"] == "proxy")
                    #expect(group.labels["__meta_weft_service"] == "billing")
                    #expect(group.labels["__meta_weft_address"] == "127.0.0.1")
                }
            }
        }
    }

    @Test func `the control plane is a target under the address that it was asked at`() {
        let groups = PrometheusTargetGroup.all(entries: [], control: "mesh.example:15010")
        #expect(groups.map(\.targets) == [["mesh.example:15010"]])
        #expect(groups.first?.labels["__scheme__"] == "https")
        #expect(PrometheusTargetGroup.all(entries: [], control: nil) == [])
    }

    @Test func `what proved a certificate's owner is one of a few words`() {
        #expect(CountingAuditLog.attestation("join token 1234") == "join_token")
        #expect(CountingAuditLog.attestation("renewal") == "renewal")
        #expect(CountingAuditLog.attestation("somebody's text") == "other")
    }
}
