import Foundation
import SwiftProtobuf
import Testing
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

/// What a workload says of itself and of others, against a running control plane.
@Suite struct ClaimsTests {
    private static let vault = """
        apiVersion: v1
        kind: Service
        metadata: {name: vault}
        spec: {selector: {app: billing}, ports: [{port: 80}]}
        """

    private func problems(_ plane: RunningControlPlane) async throws -> [Diagnostic] {
        try await plane.get(StatusReport.self, "/v1/status").problems
    }

    private func token(_ plane: RunningControlPlane, _ request: TokenRequest) async throws -> String {
        let answer = try await plane.call("POST", "/v1/tokens", body: request)
        return try JSONDecoder().decode(CreatedToken.self, from: answer.body).token
    }

    /// Asks until the answer is as wanted; the test's own limit ends it.
    private func until(_ holds: () async throws -> Bool) async throws {
        while try await !holds() { try await Task.sleep(for: .milliseconds(20)) }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a label counts when the token names it, and is told when it does not`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                #expect(try await plane.apply(Self.vault).status == 200)
                let bare = try await plane.join(try await plane.token("acc"))
                try await plane.registered("acc", as: "acc-1", identity: bare, labels: ["app": "billing"]) {
                    try await self.until {
                        try await self.problems(plane).contains {
                            $0.resource == "Service/default/vault" && $0.message.contains("default/acc-1")
                                && $0.message.contains("app=billing")
                        }
                    }
                }
                let attested = try await plane.join(
                    try await self.token(plane, TokenRequest(service: "acc", labels: ["app": "billing"])))
                try await plane.registered("acc", as: "acc-1", identity: attested, labels: ["app": "billing"]) {
                    try await self.until { try await self.problems(plane).isEmpty }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `labels that no selector could name are refused with the token`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let many = Dictionary(uniqueKeysWithValues: (0...16).map { ("k\($0)", "v") })
                for labels in [["a b": "c"], ["a": "b c"], many] {
                    let answer = try await plane.call(
                        "POST", "/v1/tokens", body: TokenRequest(service: "acc", labels: labels))
                    #expect(answer.status == 400)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `calls that a workload says others had are not counted`() async throws {
        func edge(
            _ source: String, _ destination: String, _ direction: Weft_V1_EdgeStats.Direction
        ) -> Weft_V1_EdgeStats {
            .with {
                $0.source = source
                $0.destination = destination
                $0.direction = direction
                $0.protocol = "h2"
                $0.tls = true
                $0.peerIdentity = "spiffe://mesh.local/ns/default/sa/acc"
                $0.requests = 5000
            }
        }
        let stats = Weft_V1_Stats.with {
            $0.edges = [
                edge("acc.default", "fl.default", .inbound), edge("web.default", "fl.default", .outbound),
                edge("acc.default", "fl.default", .outbound), edge("web.default", "acc.default", .inbound),
            ]
            $0.plaintext = ["billing.default", "acc.default"].map { name in
                .with {
                    $0.address = "6.6.6.6"
                    $0.destination = name
                    $0.port = 8080
                    $0.requests = 9
                }
            }
            $0.policies = [
                .with {
                    $0.policy = "AuthorizationPolicy/default/unrel"
                    $0.rule = 1
                    $0.allowed = 9
                }
            ]
        }
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let identity = try await plane.join(try await plane.token("acc"))
                try await plane.registered("acc", as: "acc-1", identity: identity, stats: stats) {
                    try await self.until {
                        try await !plane.get(PlaintextReport.self, "/v1/identity/plaintext").callers.isEmpty
                    }
                    let edges = try await plane.get(StatReport.self, "/v1/stat?window=60").edges
                    #expect(
                        Set(edges.map { "\($0.direction) \($0.source) \($0.destination)" }) == [
                            "outbound acc.default fl.default", "inbound web.default acc.default",
                        ])
                    let callers = try await plane.get(PlaintextReport.self, "/v1/identity/plaintext").callers
                    #expect(callers.map(\.destination) == ["acc.default"])
                    let usage = try await plane.get(AuthorizationUsage.self, "/v1/authorization/usage")
                    #expect(usage.rules.isEmpty)
                }
            }
        }
    }
}
