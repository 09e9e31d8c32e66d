import NIOCore
import NIOPosix
import Testing
import WeftIdentity
import WeftModel
import WeftTestSupport

@testable import WeftProxy

/// Endpoints that are not what they should be, called by a sidecar.
@Suite(.enabled(if: BadPeer.isAvailable, "needs Python with `cryptography`")) struct BadCalleeTests {
    private static let shop = SPIFFEID(trustDomain: .standard, namespace: "default", account: "shop")

    private func refuse(_ cases: [BadCase], reason: String = "tls_failed") async throws {
        let peer = try BadPeer()
        for bad in cases {
            try await withLoops { group in
                let log = LogRecorder()
                let sidecar = try await TestSidecar.start("till", on: group, logger: log.logger)
                try sidecar.server.install(identity: peer.identity("good"))
                sidecar.server.install(
                    snapshot(
                        endpoints: [endpoint("billing-1", port: try await peer.serve(bad.name), identity: Self.shop)],
                        transport: .mutualTLS(peers: [Self.shop]), route: { $0.retry.attempts = 0 },
                        cluster: { $0.connectTimeout = bad.label == "timeout" ? .milliseconds(500) : .seconds(60) }))
                let response = try await TestClient(group: group, port: sidecar.outboundPort).get("/")
                #expect(response.status == 503, "\(bad)")
                #expect(response.reason == reason, "\(bad)")
                #expect(try await sidecar.handshakes("outbound", on: group) == [bad.label: 1], "\(bad)")
                let line = log.lines.last { $0.contains("no connection to an endpoint") } ?? ""
                #expect(line.hasPrefix("warning"), "\(bad): \(line)")
                #expect(line.contains(bad.cause) && line.contains("result=\(bad.label) "), "\(bad): \(line)")
                await sidecar.stop()
            }
        }
    }

    @Test(arguments: BadCase.handfuls(BadCase.certificates))
    func `an endpoint with a bad certificate gets no request, and the cause is counted and logged`(
        cases: [BadCase]
    ) async throws {
        try await self.refuse(cases)
    }

    @Test func `an endpoint with a bad handshake gets no request, and the cause is counted and logged`() async throws {
        try await self.refuse([
            BadCase("plaintext", "not_tls", "is not TLS"),
            BadCase("garbage", "not_tls", "is not TLS"),
            BadCase("tls12", "no_tls13", "TLS 1.3"),
            BadCase("tls10", "no_tls13", "TLS 1.3"),
            BadCase("close", "closed", "closed the connection"),
            BadCase("no-alpn", "no_alpn", "ALPN absent"),
            BadCase("alpn-http1", "no_alpn", "was not offered"),
            BadCase("alpn-nonsense", "no_alpn", "was not offered"),
        ])
    }

    @Test func `an endpoint that never ends its handshake costs no more than the time to connect`() async throws {
        try await self.refuse([BadCase("stall", "timeout", "its handshake not done")], reason: "connect_timeout")
    }

    @Test func `an endpoint that proves to be another gets no request`() async throws {
        try await self.refuse(
            [BadCase("other", "wrong_identity", "sa/impostor, expected spiffe://mesh.local/ns/default/sa/shop")],
            reason: "peer_identity_mismatch")
    }
}
