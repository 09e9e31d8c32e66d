import NIOCore
import NIOPosix
import Testing
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// What is open in the clear when its port comes to demand mutual TLS, and who is seen there before.
@Suite(.timeLimit(.minutes(5))) struct StricterModeTests {
    private static func refusals(_ guarded: GuardedSidecar) async throws -> Int {
        try await guarded.metrics().families[MetricNames.requests]?.keys
            .filter { $0.contains("plaintext_refused") }.count ?? 0
    }

    @Test func `a kept connection in the clear is closed, and no request more is taken on it`() async throws {
        try await GuardedSidecar.run { guarded in
            async let kept = guarded.askKept("/")
            _ = try await guarded.plaintext(1)
            try await guarded.heads(1)
            try await guarded.install([], mtls: .strict)
            #expect(try await kept.hasPrefix("HTTP/1.1 200 "))
            #expect(try await guarded.ask("/").contains("x-weft-reason: plaintext_refused\r\n"))
            #expect(guarded.app.heads.count == 1)
        }
    }

    @Test func `a request in the clear that is under way is told why it ends, and its connection with it`() async throws
    {
        try await GuardedSidecar.run { guarded in
            async let kept = guarded.askKept("/hang", "/")
            try await guarded.heads(1)
            try await guarded.install([], mtls: .strict)
            let answer = try await kept
            #expect(answer.hasPrefix("HTTP/1.1 403 "))
            #expect(answer.contains("x-weft-reason: plaintext_refused\r\n"))
            #expect(answer.lowercased().contains("connection: close\r\n"))
            #expect(guarded.app.heads.count == 1)
        }
    }

    @Test func `streams of HTTP2 in the clear end, and no more are taken`() async throws {
        try await GuardedSidecar.run(.h2c) { guarded in
            let client = TestClient(group: guarded.group, port: guarded.port, isHTTP2: true)
            async let open = client.get("/hang")
            try await guarded.heads(1)
            try await guarded.install([], mtls: .strict)
            let refusal = try await open
            #expect(refusal.status == 403)
            #expect(refusal.headers[.weftReason] == "plaintext_refused")
            #expect(guarded.app.heads.count == 1)
        }
    }

    @Test func `bytes in the clear end with the reason, those of peers go on`() async throws {
        try await GuardedSidecar.run(.tcp) { guarded in
            async let open = guarded.askKept("/hang")
            try await guarded.heads(1)
            let callers = try await guarded.plaintext(1)
            #expect(callers.map(\.refused) == [0])
            try await guarded.install([], mtls: .strict)
            #expect(try await open == "")
            #expect(try await Self.refusals(guarded) == 1)
        }
        try await GuardedSidecar.run(.http) { guarded in
            let peer = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group)
            #expect(try await peer.ask("/").hasPrefix("HTTP/1.1 200 "))
            try await guarded.install([], mtls: .strict)
            #expect(try await peer.ask("/").hasPrefix("HTTP/1.1 200 "))
            await peer.close()
        }
    }

    @Test func `who has not spoken yet may still prove who it is`() async throws {
        try await GuardedSidecar.run(.http) { guarded in
            let peer = try await PeerClient.connect(
                to: guarded.port, as: guarded.authority.identity("shop"), on: guarded.group,
                onceOpen: { try await guarded.install([], mtls: .strict) })
            #expect(try await peer.ask("/").hasPrefix("HTTP/1.1 200 "))
            await peer.close()
        }
    }

    @Test func `as long as the control plane is silent, what it allowed goes on`() async throws {
        try await GuardedSidecar.run { guarded in
            async let kept = guarded.askKept("/late", "/")
            try await guarded.heads(1)
            guarded.sidecar.server.install(ProxySnapshot(listeners: [:], isComplete: true))
            _ = try await guarded.metrics()
            guarded.app.release()
            try await guarded.heads(2)
            try await guarded.install([], mtls: .strict)
            #expect(try await kept.hasPrefix("HTTP/1.1 200 "))
        }
    }

    // MARK: Seen

    @Test func `callers in the clear are seen while their first request is under way`() async throws {
        try await GuardedSidecar.run { guarded in
            async let open = guarded.askKept("/hang")
            try await guarded.heads(1)
            let callers = try await guarded.plaintext(1)
            #expect(callers.map(\.address) == ["127.0.0.1"])
            #expect(callers.map(\.requests) == [1])
            try await guarded.install([], mtls: .strict)
            _ = try await open
            // It is counted once.
            #expect(try await guarded.plaintext(1).map(\.requests) == [1])
        }
    }

    @Test func `a connection that is open is seen, however long it has been silent`() {
        var callers = PlaintextCallers()
        let caller = callers.caller("10.0.0.1", ServiceName(namespace: "default", name: "db"), port: 5432)
        caller.connected()
        caller.called(refused: false, at: 100)
        #expect(callers.counts(at: 90_000).map(\.lastSeen) == [90_000])
        caller.disconnected()
        #expect(callers.counts(at: 99_000).map(\.lastSeen) == [90_000])
        #expect(callers.counts(at: 99_000).map(\.requests) == [1])
    }

    /// Says something as soon as it is connected to, and never closes.
    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: "220 ready\r\n")), promise: nil)
        }
    }

    @Test func `bytes whose server speaks first are seen once it has, and end`() async throws {
        try await withLoops(2) { group in
            let app = try await ServerBootstrap(group: group).childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter()) }
            }.bind(host: "127.0.0.1", port: 0).get()
            let port = app.localAddress?.port ?? 0
            let sidecar = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: port, inboundPort: 0, appProtocol: .detect)]
                $0.outbound = nil
            }
            try sidecar.server.install(identity: TestAuthority().identity("billing"))
            func install(_ mode: MTLSMode) {
                let listener = InboundListener(
                    name: InboundListener.name(namespace: "default", workload: "billing", appPort: port),
                    service: ServiceName(namespace: "default", name: "billing"), address: "127.0.0.1", port: 0,
                    appPort: port, appProtocol: .detect, mtls: mode)
                sidecar.server.install(
                    ProxySnapshot(listeners: [listener.name: .inbound(listener)], isComplete: true))
            }
            install(.permissive)
            _ = try await sidecar.server.metrics(on: group.next()).get()
            async let open = RawClient.converse(on: group, port: sidecar.inbound.ports[port] ?? 0, [])
            while await sidecar.server.plaintextCallers().isEmpty { try await Task.sleep(for: .milliseconds(2)) }
            #expect(await sidecar.server.plaintextCallers().map(\.requests) == [1])
            install(.strict)
            #expect(try await open == "220 ready\r\n")
            #expect(await sidecar.server.plaintextCallers().map(\.requests) == [1])
            await sidecar.stop()
            try await app.close()
        }
    }
}
