import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

/// Two sidecars with mutual TLS between them, in one process.
@Suite struct PairTests {
    private struct Pair {
        let authority: TestAuthority
        let app: TestApplication
        let caller: TestSidecar
        let callee: TestSidecar

        var calleePort: Int { self.callee.inbound.ports[self.app.port] ?? 0 }

        /// Points the caller at the callee, which must prove to be `account`.
        func connect(expecting account: String = "billing", retries: Int = 1) {
            let identity = self.authority.id(account)
            self.caller.server.install(
                snapshot(
                    endpoints: [endpoint("billing-1", port: self.calleePort, identity: identity)],
                    transport: .mutualTLS(peers: [identity]), route: { $0.retry.attempts = retries }))
        }

        func stop() async {
            await self.caller.stop()
            await self.callee.stop()
            await self.app.stop()
        }
    }

    private func start(on group: MultiThreadedEventLoopGroup, appProtocol: AppProtocol = .http) async throws -> Pair {
        let authority = try TestAuthority()
        let app = try await TestApplication.start(on: group)
        let callee = try await TestSidecar.start("billing", on: group) {
            $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: appProtocol)]
            $0.outbound = nil
        }
        let caller = try await TestSidecar.start("shop", on: group)
        try callee.server.install(identity: authority.identity("billing"))
        try caller.server.install(identity: authority.identity("shop"))
        return Pair(authority: authority, app: app, caller: caller, callee: callee)
    }

    @Test func `a call crosses both sidecars and the application learns who called`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect()
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            for _ in 0..<5 {
                let response = try await client.get("/", headers: ["x-weft-peer": "forged"])
                #expect(response.status == 200)
                #expect(response.text == "app")
            }
            let head = try #require(pair.app.heads.first)
            #expect(head.headers.values(of: "x-weft-peer") == ["spiffe://mesh.local/ns/default/sa/shop"])
            let certificate = try #require(head.headers[.xForwardedClientCert])
            #expect(certificate.hasPrefix("By=spiffe://mesh.local/ns/default/sa/billing;Hash="))
            #expect(certificate.hasSuffix(";URI=spiffe://mesh.local/ns/default/sa/shop"))
            #expect(head.headers[.weftAttempt] == nil)
            await pair.stop()
        }
    }

    @Test func `gRPC streams pass through both sidecars with trailers`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group, appProtocol: .grpc)
            pair.connect()
            let client = TestClient(group: group, port: pair.caller.outboundPort, isHTTP2: true)
            let chunk = ByteBuffer(repeating: UInt8(ascii: "m"), count: 100_000)
            let response = try await client.post(
                "/echo", headers: ["content-type": "application/grpc", "te": "trailers", "grpc-timeout": "5S"],
                [.data(chunk), .data(chunk), .data(chunk), .trailers(["grpc-status": "3", "grpc-message": "no"])])
            #expect(response.body.readableBytes == 300_000)
            #expect(response.trailers?[.grpcStatus] == "3")
            #expect(response.trailers?[.grpcMessage] == "no")
            let timeout = try #require(pair.app.heads.first?.headers[.grpcTimeout])
            #expect(timeout.hasSuffix("u") || timeout.hasSuffix("m"))
            await pair.stop()
        }
    }

    @Test func `a peer that is not who the endpoint must be is refused`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect(expecting: "payroll", retries: 0)
            let response = try await TestClient(group: group, port: pair.caller.outboundPort).get("/")
            #expect(response.status == 503)
            #expect(response.reason == "peer_identity_mismatch")
            #expect(pair.app.heads.isEmpty)
            let metrics = try await pair.caller.server.metrics(on: group.next()).get()
            #expect(metrics.families[MetricNames.handshakes]?[["outbound", "wrong_identity"]] == .counter(1))
            await pair.stop()
        }
    }

    @Test func `a peer of another authority is refused by the callee`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            try pair.caller.server.install(identity: TestAuthority().identity("shop"))
            pair.connect(retries: 0)
            let response = try await TestClient(group: group, port: pair.caller.outboundPort).get("/")
            #expect(response.status == 503)
            #expect(response.reason == "tls_failed")
            let metrics = try await pair.callee.server.metrics(on: group.next()).get()
            let refused = metrics.families[MetricNames.handshakes]?.filter {
                $0.key[0] == "inbound" && $0.key[1] != "ok"
            }
            #expect(refused?.isEmpty == false)
            await pair.stop()
        }
    }

    @Test func `a callee that does not know the caller's authority is named, and has seen nothing`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            // The caller believes the callee; only the callee minds.
            let stranger = try TestAuthority().identity("shop").trusting(pair.authority.identity("shop").bundle)
            try pair.caller.server.install(identity: stranger)
            pair.connect(retries: 0)
            let response = try await TestClient(group: group, port: pair.caller.outboundPort).post("/", [])
            #expect(response.status == 503)
            #expect(response.reason == "tls_failed")
            #expect(response.text.contains("the peer refused this side"), "\(response.text)")
            #expect(pair.app.heads.isEmpty)
            let metrics = try await pair.caller.server.metrics(on: group.next()).get()
            #expect(metrics.families[MetricNames.handshakes]?[["outbound", "refused_by_peer"]] == .counter(1))
            await pair.stop()
        }
    }

    @Test func `an identity replaced under way costs no request`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect()
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            for round in 0..<6 {
                if round % 2 == 1 {
                    try pair.caller.server.install(identity: pair.authority.identity("shop"))
                    try pair.callee.server.install(identity: pair.authority.identity("billing"))
                }
                let response = try await client.get("/")
                #expect(response.status == 200)
            }
            await pair.stop()
        }
    }

    @Test func `draining finishes what is under way and turns new connections away`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect(retries: 0)
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            async let late = client.get("/late")
            while pair.app.heads.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            await pair.callee.inbound.close()
            await pair.callee.server.drain(.inbound)
            pair.app.release()
            let response = try await late
            #expect(response.status == 200)
            let next = try await client.get("/")
            #expect(next.reason == "connect_failed")
            await pair.stop()
        }
    }

    @Test func `gRPC calls and event streams count as long-lived for as long as they are under way, others never`()
        async throws
    {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect(retries: 0)
            let client = TestClient(group: group, port: pair.caller.outboundPort)
            async let call = client.post("/late", headers: ["content-type": "application/grpc"], [.data(ByteBuffer())])
            async let events = client.get("/late", headers: ["accept": "text/event-stream"])
            async let request = client.get("/late")
            while pair.app.heads.count < 3 { try await Task.sleep(for: .milliseconds(5)) }
            let during = await pair.callee.server.load(.inbound)
            #expect(during.requests == 3)
            #expect(during.longLived == 2)
            pair.app.release()
            _ = try await (call, events, request)
            let after = await pair.callee.server.load(.inbound)
            #expect(after.longLived == 0)
            await pair.stop()
        }
    }

    @Test func `requests are counted by edge on both sides`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect()
            for _ in 0..<3 { _ = try await TestClient(group: group, port: pair.caller.outboundPort).get("/") }
            let outbound = await pair.caller.server.edgeTotals().reduce(0) { $0 + $1.requests }
            let inbound = await pair.callee.server.edgeTotals()
            #expect(outbound == 3)
            #expect(inbound.reduce(0) { $0 + $1.requests } == 3)
            #expect(inbound.allSatisfy { $0.labels.source == "shop.default" && $0.labels.tls })
            await pair.stop()
        }
    }

    @Test func `a call to an application that is not there is answered 503 by its sidecar`() async throws {
        try await withLoops(2) { group in
            let pair = try await self.start(on: group)
            pair.connect(retries: 0)
            await pair.app.stop()
            let response = try await TestClient(group: group, port: pair.caller.outboundPort).get("/")
            #expect(response.status == 503)
            #expect(response.reason == "connect_failed")
            await pair.stop()
        }
    }
}
