import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// Peers that are no longer believed while connections to and from them are open.
@Suite struct RevocationTests {
    private struct Pair {
        let authority: TestAuthority
        let callee: TestSidecar
        let caller: TestSidecar
        let billing: WorkloadIdentity
        let shop: WorkloadIdentity

        func trust(revoking accounts: [String], version: UInt64 = 2) -> TrustState {
            TrustState(
                trustDomain: .standard, roots: self.billing.bundle,
                revoked: Set(accounts.map { self.authority.id($0) }), version: version)
        }

        /// How many requests the callee recorded, by reason.
        func recorded() async -> [Reason: UInt64] {
            await self.callee.server.edgeTotals().reduce(into: [:]) { $0.merge($1.failures, uniquingKeysWith: +) }
        }

        func stop() async {
            await self.caller.stop()
            await self.callee.stop()
        }
    }

    private func start(
        before port: Int, on group: MultiThreadedEventLoopGroup, appProtocol: AppProtocol = .http
    ) async throws -> Pair {
        let authority = try TestAuthority()
        let callee = try await TestSidecar.start("billing", on: group) {
            $0.ports = [ApplicationPort(port: port, inboundPort: 0, appProtocol: appProtocol)]
            $0.outbound = nil
        }
        let caller = try await TestSidecar.start("shop", on: group) {
            $0.upstreams = [DeclaredUpstream(name: "billing", listen: .loopback(0))]
        }
        let pair = Pair(
            authority: authority, callee: callee, caller: caller, billing: try authority.identity("billing"),
            shop: try authority.identity("shop"))
        try callee.server.install(identity: pair.billing)
        try caller.server.install(identity: pair.shop)
        let id = authority.id("billing")
        caller.server.install(
            snapshot(
                endpoints: [
                    endpoint("billing-1", port: try #require(callee.inbound.ports[port]), identity: id)
                ], transport: .mutualTLS(peers: [id]), appProtocol: appProtocol, route: { $0.retry.attempts = 0 }))
        return pair
    }

    /// Waits for something that happens soon, on another loop.
    private func until(_ holds: () async -> Bool) async throws {
        while !(await holds()) { try await Task.sleep(for: .milliseconds(5)) }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a revoked caller's open stream ends as denied, its new calls are refused, and nobody else notices`()
        async throws
    {
        try await withLoops(2) { group in
            let app = try await TestApplication.start(on: group)
            let pair = try await self.start(before: app.port, on: group)
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            let other = try await PeerClient.connect(
                to: try #require(pair.callee.inbound.ports[app.port]), as: pair.authority.identity("front"),
                on: group)
            #expect(try await other.ask("/").hasPrefix("HTTP/1.1 200"))
            async let hanging = client.get("/hang")
            try await self.until { app.heads.count == 2 }

            try pair.callee.server.install(identity: pair.billing, trust: pair.trust(revoking: ["shop"]))
            let ended = try await hanging
            #expect(ended.status >= 500)
            try await self.until { await pair.recorded()[.denied] == 1 }
            // With TLS 1.3 a client has finished before its certificate is judged: it hears of an end, or of a refusal.
            #expect(try await client.get("/").status >= 502)
            #expect(app.heads.count == 2)
            #expect(try await other.ask("/").hasPrefix("HTTP/1.1 200"))
            let metrics = try await pair.callee.server.metrics(on: group.next()).get()
            #expect(metrics.families[MetricNames.handshakes]?[["inbound", "revoked"]] == .counter(1))

            // Restored: the next call connects anew.
            try pair.callee.server.install(identity: pair.billing, trust: pair.trust(revoking: [], version: 3))
            try await self.until { (try? await client.get("/").status) == 200 }
            await other.close()
            await pair.stop()
            await app.stop()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `requests under way to a revoked endpoint end with the identity as cause, and new ones do not begin`()
        async throws
    {
        try await withLoops(2) { group in
            let app = try await TestApplication.start(on: group)
            let pair = try await self.start(before: app.port, on: group)
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            async let hanging = client.get("/hang")
            try await self.until { app.heads.count == 1 }

            try pair.caller.server.install(identity: pair.shop, trust: pair.trust(revoking: ["billing"]))
            let ended = try await hanging
            #expect(ended.reason == "connection_closed")
            #expect(ended.text.contains("default/sa/billing is revoked"), "\(ended.text)")
            let next = try await client.get("/")
            #expect(next.reason == "peer_identity_mismatch")
            #expect(next.text.contains("default/sa/billing is revoked"), "\(next.text)")
            #expect(app.heads.count == 1)
            await pair.stop()
            await app.stop()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a tunnel of a revoked caller's bytes is closed`() async throws {
        try await withLoops(2) { group in
            let (echoed, heard) = AsyncStream.makeStream(of: Void.self)
            let server = try await ServerBootstrap(group: group)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Echo(heard))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(server.localAddress?.port)
            let pair = try await self.start(before: port, on: group, appProtocol: .tcp)
            let entry = try #require(pair.caller.outbound.upstreamAddresses["billing"]?.port)
            async let tunnel = RawClient.converse(on: group, port: entry, ["hello"])
            for await _ in echoed { break }

            try pair.callee.server.install(identity: pair.billing, trust: pair.trust(revoking: ["shop"]))
            _ = try? await tunnel
            try await self.until { await pair.recorded()[.denied] == 1 }
            #expect(await pair.callee.server.load(.inbound).requests == 0)
            await pair.stop()
            try await server.close()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `another word on trust leaves connections as they are`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let pair = try await self.start(before: app.port, on: group)
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            async let late = client.get("/late")
            try await self.until { app.heads.count == 1 }
            let trust = pair.trust(revoking: ["somebody"])
            try pair.caller.server.install(identity: pair.shop, trust: trust)
            try pair.callee.server.install(identity: pair.billing, trust: trust)
            #expect(try await client.get("/").status == 200)
            app.release()
            #expect(try await late.status == 200)
            // One connection served both, the pool included.
            #expect(await pair.callee.server.load(.inbound).connections == 1)
            await pair.stop()
            await app.stop()
        }
    }

    @Test func `a state in which nobody is believed is refused, and the one before stays`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let pair = try await self.start(before: app.port, on: group)
            #expect(throws: TrustStateError.noRoots(.standard)) {
                try pair.callee.server.install(
                    identity: pair.billing, trust: TrustState(trustDomain: .standard, roots: [], version: 9))
            }
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            #expect(try await client.get("/").status == 200)
            await pair.stop()
            await app.stop()
        }
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let heard: AsyncStream<Void>.Continuation

        init(_ heard: AsyncStream<Void>.Continuation) { self.heard = heard }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
            self.heard.yield()
        }
    }
}
