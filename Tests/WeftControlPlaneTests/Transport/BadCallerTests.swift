import Crypto
import Foundation
import NIOCore
import NIOPosix
import Testing
import WeftIdentity
import WeftModel
import WeftTestSupport

@testable import WeftControlPlane

/// Callers that are not what they should be, at the control plane's ports: both stand behind this.
@Suite(.enabled(if: BadPeer.isAvailable, "needs Python with `cryptography`")) struct BadCallerTests {
    /// A listener that answers every request with 200, and someone who calls it.
    private func withListener(
        _ body: (BadPeer, Int, RefusedHandshakes, ConnectionPeers, LogRecorder) async throws -> Void
    ) async throws {
        let peer = try BadPeer()
        let identity = try WorkloadIdentity(
            key: P256.Signing.PrivateKey(pemRepresentation: peer.text("control.key")),
            chain: PEM.decode(peer.text("control.pem")).map(\.der),
            bundle: PEM.decode(peer.text("root.pem")).map(\.der),
            now: Date())
        let (log, refusals, peers) = (LogRecorder(), RefusedHandshakes(), ConnectionPeers())
        let tls = OptionalMutualTLS(
            certificate: try ServerCertificate(identity, alpn: ["http/1.1"]),
            trust: try TrustHub(
                TrustState(trustDomain: identity.id.trustDomain, roots: identity.bundle, version: 1)), peers: peers,
            maxConnections: 10, refusals: refusals, logger: log.logger)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                tls.secure(channel).flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Greeter())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        try await body(peer, try #require(server.localAddress?.port), refusals, peers, log)
        // Nothing is left of anybody.
        while peers.count > 0 { try await Task.sleep(for: .milliseconds(2)) }
        try await server.close()
    }

    private func refuse(_ cases: [BadCase]) async throws {
        try await self.withListener { peer, port, refusals, _, log in
            for bad in cases {
                let (before, lines) = (refusals.counts, log.lines.count)
                let answer = try await peer.call(port, bad.name)
                #expect(!answer.hasPrefix("answered") && !answer.hasPrefix("failed"), "\(bad): \(answer)")
                // Of one that was let in nothing is counted, and nothing is to be waited for.
                guard !answer.hasPrefix("answered") else { continue }
                while refusals.counts == before { try await Task.sleep(for: .milliseconds(2)) }
                let label = refusals.counts.first { $0.value != before[$0.key] }?.key
                #expect(label == bad.label, "\(bad)")
                while log.lines.count <= lines { try await Task.sleep(for: .milliseconds(2)) }
                let line = log.lines.last ?? ""
                #expect(line.hasPrefix("warning refused a peer"))
                #expect(line.contains(bad.cause) && line.contains("result=\(bad.label) "), "\(bad): \(line)")
            }
            #expect(try await peer.call(port, "good").hasPrefix("answered HTTP/1.1 200"))
        }
    }

    @Test(arguments: BadCase.handfuls(BadCase.certificates))
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
            BadCase("sslv3", "no_tls13", "does not offer TLS 1.3"),
            BadCase("huge-message", "too_large", "is too large"),
            BadCase("stall", "timeout", "took longer than 10 s"),
        ])
    }

    @Test func `a caller without a certificate is let in, and proves nobody`() async throws {
        try await self.withListener { peer, port, refusals, _, _ in
            let answer = try await peer.call(port, "no-certificate")
            #expect(answer.hasPrefix("answered HTTP/1.1 200"))
            #expect(refusals.counts.isEmpty)
        }
    }

    @Test func `a caller that resumes its session is who it was`() async throws {
        try await self.withListener { peer, port, refusals, _, _ in
            let answer = try await peer.call(port, "resume")
            #expect(answer == "resumed answered HTTP/1.1 200")
            #expect(refusals.counts.isEmpty)
        }
    }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            context.writeAndFlush(Self.wrapOutboundOut(answer), promise: nil)
            context.close(promise: nil)
        }
    }
}
