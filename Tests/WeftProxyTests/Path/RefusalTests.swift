import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// What is refused says so: to the caller, in the counters, and with one reason.
@Suite struct RefusalTests {
    private static let body = "POST /x HTTP/1.1\r\nHost: billing\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nHost: billing:99999\r\n\r\n", 400, "bad_request"),
        ("GET https://billing/ HTTP/1.1\r\nHost: billing\r\nConnection: close\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/2.7\r\nHost: a\r\n\r\n", 505, "bad_request"),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501, "bad_request"),
        ("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414, "headers_too_large"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n"
                + (0..<120).map { "X-\($0): \(String(repeating: "v", count: 1000))\r\n" }.joined() + "\r\n",
            431, "headers_too_large"
        ),
        ("\(body)zz\r\n", 400, "bad_request"),
        ("\(body)0\r\nt: \(String(repeating: "v", count: 200_000))\r\n\r\n", 431, "headers_too_large"),
    ])
    func `a request that cannot be carried is answered with its reason, counted and logged under it`(
        text: String, status: Int, reason: String
    ) async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let answer = try await RawClient.converse(on: group, port: sidecar.outboundPort, [text])
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.contains("x-weft-reason: \(reason)\r\n"))
            #expect(answer.contains("\r\n\r\nweft: \(reason): "))
            let metrics = try await sidecar.server.metrics(on: group.next()).get()
            let counted = metrics.families[MetricNames.requests]?.keys.filter { $0.contains(reason) } ?? []
            #expect(counted.count == 1)
            #expect(metrics.families[MetricNames.requests]?.count == 1)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `plaintext to a strict port is refused with the reason, and the application hears nothing`() async throws
    {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let callee = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = nil
            }
            try callee.server.install(identity: TestAuthority().identity("billing"))
            let answer = try await RawClient.converse(
                on: group, port: callee.inbound.ports[app.port] ?? 0, ["GET / HTTP/1.1\r\nHost: billing\r\n\r\n"])
            #expect(answer.hasPrefix("HTTP/1.1 403 "), "\(answer)")
            #expect(answer.contains("x-weft-reason: plaintext_refused\r\n"))
            #expect(app.heads.isEmpty)
            let edges = await callee.server.edgeTotals()
            #expect(edges.map(\.requests) == [1])
            #expect(edges.allSatisfy { !$0.labels.tls })
            let callers = await callee.server.plaintextCallers()
            #expect(callers.map(\.address) == ["127.0.0.1"])
            #expect(callers.map(\.requests) == [1])
            #expect(callers.map(\.refused) == [1])
            await callee.stop()
            await app.stop()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a port whose mutual TLS is disabled serves callers in the clear, and shakes no hands`() async throws {
        try await GuardedSidecar.run(mtls: .disabled) { guarded in
            let answer = try await guarded.ask("/")
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            await #expect(throws: (any Error).self) {
                try await PeerClient.connect(
                    to: guarded.port, as: try guarded.authority.identity("shop"), on: guarded.group)
            }
            #expect(guarded.app.heads.count == 1)
            #expect(try await guarded.metrics().families[MetricNames.handshakes]?.isEmpty ?? true)
        }
    }

    @Test func `a response whose first chunk is malformed is replaced by 502`() async throws {
        try await withLoops { group in
            let server = try await ServerBootstrap(group: group)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Parrot("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnope\r\n"))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(
                    endpoints: [endpoint("a", port: server.localAddress?.port ?? 0)], route: { $0.retry.attempts = 0 }))
            let response = try await TestClient(group: group, port: sidecar.outboundPort).get("/")
            #expect(response.status == 502)
            #expect(response.reason == "protocol_error")
            await sidecar.stop()
            try await server.close()
        }
    }

    @Test func `a port that another program shares out is not joined`() async throws {
        try await withLoops(2) { group in
            let first = try await TestSidecar.start("shop", on: group)
            let port = first.outboundPort
            await #expect(throws: ListenError.self) {
                _ = try await TestSidecar.start("till", on: group) { $0.outbound = .loopback(port) }
            }
            await first.stop()
        }
    }

    /// Says the same to whatever arrives.
    private final class Parrot: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let text: String

        init(_ text: String) { self.text = text }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: self.text)), promise: nil)
        }
    }
}
