import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftMessage
import WeftModel

@testable import WeftProxy

/// The outbound side alone: the application's call to an endpoint in the clear.
@Suite struct OutboundTests {
    @Test(arguments: [false, true])
    func `a request by name reaches an endpoint of the service and its answer comes back`(isHTTP2: Bool) async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: isHTTP2)
            let response = try await client.get("/hello")
            #expect(response.status == 200)
            #expect(response.text == "app")
            let head = try #require(app.heads.first)
            #expect(head.authority == "billing")
            #expect(head.headers[.xRequestID]?.utf8.count == 36)
            #expect(head.headers[.xForwardedProto] == "http")
            #expect((Int(head.headers[.weftDeadline] ?? "") ?? 0) > 10_000)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `what the caller says about peers and attempts is not passed on`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            _ = try await client.get(
                "/",
                headers: [
                    "x-weft-peer": "spiffe://mesh.local/ns/default/sa/admin", "x-forwarded-client-cert": "URI=x",
                    "x-weft-attempt": "3", "x-request-id": "mine",
                ])
            let head = try #require(app.heads.first)
            #expect(head.headers[.weftPeer] == nil)
            #expect(head.headers[.xForwardedClientCert] == nil)
            #expect(head.headers[.weftAttempt] == nil)
            #expect(head.headers[.xRequestID] == "mine")
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a body and its trailers pass both ways, and 1xx passes too`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)], appProtocol: .h2c))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            let echoed = try await client.post(
                "/echo", headers: ["content-type": "application/grpc", "te": "trailers"],
                [.data(ByteBuffer(string: "one ")), .data(ByteBuffer(string: "two")), .trailers(["grpc-status": "0"])])
            #expect(echoed.text == "one two")
            #expect(echoed.trailers?[.grpcStatus] == "0")
            #expect(app.heads.first?.headers[.te] == "trailers")
            let early = try await client.get("/early")
            #expect(early.informational == [103])
            #expect(early.status == 200)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test(arguments: [300_000, 3_000_000])
    func `bodies larger than every window pass whole`(count: Int) async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)], appProtocol: .h2c))
            for isHTTP2 in [false, true] {
                let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: isHTTP2)
                let chunk = ByteBuffer(repeating: UInt8(ascii: "y"), count: count / 10)
                let echoed = try await client.post("/echo", Array(repeating: .data(chunk), count: 10))
                #expect(echoed.failure == nil)
                #expect(echoed.body.readableBytes == count)
                let flood = try await client.get("/flood/\(count)")
                #expect(flood.body.readableBytes == count)
            }
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `an endpoint that takes no connections costs no request`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let gone = try await TestApplication.start(on: group)
            await gone.stop()
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(endpoints: [endpoint("a", port: app.port), endpoint("b", port: gone.port)]))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for _ in 0..<20 {
                let response = try await client.post("/", [.data(ByteBuffer(string: "order"))])
                #expect(response.status == 200)
            }
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `an idempotent request that one endpoint fails is answered by another`() async throws {
        try await withLoops { group in
            let good = try await TestApplication.start(name: "good", on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: good.port)]))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/status/503")
            #expect(response.status == 503)
            #expect(good.heads.map { $0.headers[.weftAttempt] } == [nil, "2"])
            let posted = try await client.post("/status/503", [.data(ByteBuffer(string: "order"))])
            #expect(posted.status == 503)
            #expect(good.heads.count == 3)
            await sidecar.stop()
            await good.stop()
        }
    }

    @Test func `a request that takes longer than its route allows is answered 504 with the reason`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(endpoints: [endpoint("a", port: app.port)], route: { $0.timeouts.request = .milliseconds(50) })
            )
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/hang")
            #expect(response.status == 504)
            #expect(response.reason == "request_timeout")
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test(arguments: [
        ("unknown", 404, "no_route"), ("127.0.0.1:1", 404, "no_route"), ("bill ing", 400, "bad_request"),
    ])
    func `names that lead nowhere are answered with the reason`(
        authority: String, status: Int, reason: String
    )
        async throws
    {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(ProxySnapshot(isComplete: true))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/", authority: authority)
            #expect(response.status == status)
            #expect(response.reason == reason)
            await sidecar.stop()
        }
    }

    @Test func `a service without endpoints is answered 503`() async throws {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: []))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/")
            #expect(response.status == 503)
            #expect(response.reason == "no_endpoints")
            await sidecar.stop()
        }
    }

    @Test func `a gRPC caller gets trailers only`() async throws {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: []))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            let response = try await client.post(
                "/a.B/C", headers: ["content-type": "application/grpc"], [.data(ByteBuffer(string: "x"))])
            #expect(response.status == 200)
            #expect(response.headers[.grpcStatus] == "14")
            await sidecar.stop()
        }
    }

    @Test func `a gRPC caller gets its status even when the response had begun`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)], appProtocol: .grpc))
            let client = TestClient(group: group, port: sidecar.outboundPort, isHTTP2: true)
            let response = try await client.post(
                "/half", headers: ["content-type": "application/grpc", "te": "trailers"], [])
            #expect(response.status == 200)
            #expect(response.failure == nil)
            #expect(response.trailers?[.grpcStatus] == "14")
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a request waits for its name to be discovered, its body with it`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let (wanted, names) = AsyncStream<String>.makeStream()
            let sidecar = try await TestSidecar.start("shop", on: group, source: Recorder(names: names))
            let client = TestClient(group: group, port: sidecar.outboundPort)
            async let pending = client.post("/echo", [.data(ByteBuffer(string: "patience"))])
            for await name in wanted {
                #expect(name == "billing.default:80")
                break
            }
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let response = try await pending
            #expect(response.status == 200)
            #expect(response.text == "patience")
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a name that is not discovered in time is answered 503`() async throws {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group) {
                $0.limits.discoveryTimeout = .milliseconds(30)
            }
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/")
            #expect(response.status == 503)
            #expect(response.reason == "no_route")
            await sidecar.stop()
        }
    }

    @Test(arguments: ["0", "20"])
    func `discovery takes no more time than the caller has left`(milliseconds: String) async throws {
        try await withLoops { group in
            let sidecar = try await TestSidecar.start("shop", on: group) { $0.limits.discoveryTimeout = .seconds(600) }
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/", headers: ["x-weft-deadline-ms": milliseconds])
            #expect(response.status == 504)
            #expect(response.reason == "deadline_exceeded")
            await sidecar.stop()
        }
    }

    @Test func `a name that nobody waits for any more is asked for anew by the next request`() async throws {
        try await withLoops { group in
            let (wanted, names) = AsyncStream<String>.makeStream()
            let sidecar = try await TestSidecar.start("shop", on: group, source: Recorder(names: names)) {
                $0.limits.discoveryTimeout = .milliseconds(30)
            }
            let client = TestClient(group: group, port: sidecar.outboundPort)
            for _ in 0..<2 { #expect(try await client.get("/").status == 503) }
            names.finish()
            var asked: [String] = []
            for await name in wanted { asked.append(name) }
            #expect(asked == ["billing.default:80", "billing.default:80"])
            await sidecar.stop()
        }
    }

    @Test func `what is sent to a declared upstream's port goes to it, whatever the authority`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group) {
                $0.upstreams = [DeclaredUpstream(name: "billing", listen: .loopback(0))]
            }
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let port = try #require(sidecar.outbound.upstreamAddresses["billing"]?.port)
            let response = try await TestClient(group: group, port: port).get("/", authority: "127.0.0.1:\(port)")
            #expect(response.status == 200)
            #expect(app.heads.first?.authority == "billing.default")
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `a client that sends even a declared upstream's port through the proxy means the service`() async throws
    {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group) {
                $0.upstreams = [DeclaredUpstream(name: "billing", listen: .loopback(0))]
            }
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let port = try #require(sidecar.outbound.upstreamAddresses["billing"]?.port)
            let client = TestClient(group: group, port: sidecar.outboundPort)
            let response = try await client.get("/", authority: "127.0.0.1:\(port)")
            #expect(response.status == 200)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `requests inside a tunnel to a service are read as requests`() async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(snapshot(endpoints: [endpoint("a", port: app.port)]))
            let answer = try await RawClient.converse(
                on: group, port: sidecar.outboundPort,
                [
                    "CONNECT billing:80 HTTP/1.1\r\nHost: billing:80\r\n\r\n",
                    "GET /x HTTP/1.1\r\nHost: whatever\r\nConnection: close\r\n\r\n",
                ])
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.hasSuffix("app"))
            #expect(app.heads.first?.path == "/x")
            let refused = try await RawClient.converse(
                on: group, port: sidecar.outboundPort,
                ["CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n\r\n"])
            #expect(refused.hasPrefix("HTTP/1.1 404"))
            await sidecar.stop()
            await app.stop()
        }
    }

    private struct Recorder: ConfigurationSource {
        let names: AsyncStream<String>.Continuation
        func want(listener name: String) { self.names.yield(name) }
    }
}
