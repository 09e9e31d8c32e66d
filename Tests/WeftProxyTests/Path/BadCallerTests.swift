import NIOCore
import NIOPosix
import Testing
import WeftMessage
import WeftModel
import WeftTestSupport

@testable import WeftProxy

/// Callers that are not what they should be, at a sidecar's port for peers.
@Suite(.enabled(if: BadPeer.isAvailable, "needs Python with `cryptography`")) struct BadCallerTests {
    /// A sidecar in front of an application, strict, and someone who calls it.
    private func withSidecar(
        _ body: (BadPeer, TestSidecar, Int, TestApplication, LogRecorder, MultiThreadedEventLoopGroup) async throws ->
            Void
    ) async throws {
        let peer = try BadPeer()
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let log = LogRecorder()
            let sidecar = try await TestSidecar.start("billing", on: group, logger: log.logger) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = nil
            }
            try sidecar.server.install(identity: peer.identity("other"))
            let port = try #require(sidecar.inbound.ports[app.port])
            try await body(peer, sidecar, port, app, log, group)
            await sidecar.stop()
            await app.stop()
        }
    }

    /// Each is refused, counted once under its label, and logged by its cause; then a good caller is served.
    private func refuse(_ cases: [BadCase]) async throws {
        try await self.withSidecar { peer, sidecar, port, app, log, group in
            for bad in cases {
                let before = try await sidecar.handshakes("inbound", on: group)
                let answer = try await peer.call(port, bad.name)
                #expect(!answer.hasPrefix("answered") && !answer.hasPrefix("failed"), "\(bad): \(answer)")
                let counted = try await sidecar.handshakes("inbound", since: before, on: group)
                #expect(counted == [bad.label], "\(bad)")
                let line = log.lines.last { $0.contains("refused a peer") } ?? ""
                #expect(line.contains(bad.cause), "\(bad): \(line)")
                #expect(line.contains("result=\(bad.label) "), "\(bad): \(line)")
            }
            #expect(app.heads.isEmpty)
            #expect(try await peer.call(port, "good").hasPrefix("answered HTTP/1.1 200"))
            try await sidecar.isEmptied()
        }
    }

    @Test(arguments: BadCase.handfuls(BadCase.certificates + [BadCase("no-certificate", "no_certificate", "no cert")]))
    func `a caller with a bad certificate is refused, and the cause is counted and logged`(
        cases: [BadCase]
    ) async throws {
        try await self.refuse(cases)
    }

    @Test func `a caller with a bad handshake is refused, and the cause is counted and logged`() async throws {
        try await self.refuse([
            BadCase("half-hello", "closed", "closed the connection"),
            BadCase("garbage", "not_tls", "is not TLS"),
            BadCase("tls12", "no_tls13", "does not offer TLS 1.3"),
            BadCase("tls11", "no_tls13", "does not offer TLS 1.3"),
            BadCase("tls10", "no_tls13", "does not offer TLS 1.3"),
            BadCase("sslv3", "no_tls13", "does not offer TLS 1.3"),
            BadCase("alpn-empty", "protocol", "no proper handshake"),
            BadCase("huge-message", "too_large", "is too large"),
            BadCase("stall", "timeout", "took longer than 10 s"),
        ])
    }

    @Test(arguments: ["good", "other", "an-hour-ahead", "huge-serial", "alpn-nonsense", "huge-hello", "early-data"])
    func `a caller that is odd but proves who it is gets served, and what it sent early is not heard`(
        way: String
    ) async throws {
        try await self.withSidecar { peer, sidecar, port, app, _, group in
            let answer = try await peer.call(port, way)
            #expect(answer.hasPrefix("answered HTTP/1.1 200"))
            #expect(try await sidecar.handshakes("inbound", on: group) == ["ok": 1])
            #expect(app.heads.count == 1)
            try await sidecar.isEmptied()
        }
    }

    @Test(arguments: ["key-update-flood", "empty-records", "renegotiate", "late-certificate"])
    func `what a caller may not send after its handshake ends its connection`(way: String) async throws {
        try await self.withSidecar { peer, sidecar, port, app, _, _ in
            let answer = try await peer.call(port, way)
            #expect(answer.hasPrefix("alert") || answer == "closed", "\(answer)")
            try await sidecar.isEmptied()
            #expect(app.heads.isEmpty)
            #expect(try await peer.call(port, "good").hasPrefix("answered HTTP/1.1 200"))
        }
    }

    @Test func `a caller that resumes its session is who it was, and is judged again`() async throws {
        try await self.withSidecar { peer, sidecar, port, app, _, _ in
            #expect(try await peer.call(port, "resume") == "resumed answered HTTP/1.1 200")
            #expect(app.heads.count == 2)
            let shown = app.heads.map { $0.headers[.xForwardedClientCert] ?? "" }
            #expect(shown[0] == shown[1] && shown[0].contains("URI=spiffe://mesh.local/ns/default/sa/shop"))
            try await sidecar.isEmptied()
        }
    }

    @Test func `a caller in the clear is answered with a refusal`() async throws {
        try await self.withSidecar { peer, sidecar, port, app, _, _ in
            #expect(try await peer.call(port, "plaintext") == "answered HTTP/1.1 403")
            try await sidecar.isEmptied()
            #expect(app.heads.isEmpty)
        }
    }
}
