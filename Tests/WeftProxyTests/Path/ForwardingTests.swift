import NIOCore
import NIOPosix
import Testing
import WeftHTTP
import WeftIdentity
import WeftMessage
import WeftModel

@testable import WeftProxy

/// What the destination's proxy says of who called, and which paths it lets pass.
@Suite struct ForwardingTests {
    /// What an application behind a port without mutual TLS gets of a caller in the clear.
    private func application(
        gets request: String, _ change: (inout ForwardingPolicy) -> Void = { _ in }
    ) async throws -> (answer: String, head: RequestHead?) {
        var policy = ForwardingPolicy()
        change(&policy)
        return try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let callee = try await TestSidecar.start("billing", on: group) {
                $0.ports = [ApplicationPort(port: app.port, inboundPort: 0, appProtocol: .http)]
                $0.outbound = nil
            }
            try callee.server.install(identity: TestAuthority().identity("billing"))
            var listener = InboundListener(
                name: InboundListener.name(namespace: "default", workload: "billing", appPort: app.port),
                service: ServiceName(namespace: "default", name: "billing"), address: "127.0.0.1", port: 0,
                appPort: app.port, appProtocol: .http, mtls: .permissive)
            listener.forwarding = policy
            callee.server.install(
                ProxySnapshot(
                    listeners: [listener.name: .inbound(listener)], routes: [:], clusters: [:], endpoints: [:],
                    isComplete: true))
            let answer = try await RawClient.converse(
                on: group, port: callee.inbound.ports[app.port] ?? 0,
                ["\(request)\r\nHost: billing\r\nConnection: close\r\n\r\n"])
            let head = app.heads.first
            await callee.stop()
            await app.stop()
            return (answer, head)
        }
    }

    @Test func `what a caller outside says about those before it is not believed`() async throws {
        let request = """
            GET / HTTP/1.1\r
            X-Forwarded-For: 6.6.6.6\r
            X-Forwarded-Host: evil\r
            X-Forwarded-Port: 1\r
            X-Real-IP: 6.6.6.6\r
            Forwarded: for=6.6.6.6\r
            X-Forwarded-Proto: https
            """
        let head = try #require(try await self.application(gets: request).head)
        #expect(head.headers.values(of: "x-forwarded-for") == ["127.0.0.1"])
        #expect(head.headers.values(of: "x-forwarded-proto") == ["http"])
        for name in ["x-forwarded-host", "x-forwarded-port", "x-real-ip", "forwarded"] {
            #expect(head.headers.values(of: name).isEmpty, "\(name)")
        }
        #expect(head.headers[.via] == nil)
    }

    @Test func `a policy believes callers outside, and adds their address to the list they use`() async throws {
        let listed = try #require(
            try await self.application(gets: "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2") {
                $0.trustsCallers = true
            }.head)
        #expect(listed.headers.values(of: "x-forwarded-for") == ["1.1.1.1", "2.2.2.2, 127.0.0.1"])
        let forwarded = try #require(
            try await self.application(gets: "GET / HTTP/1.1\r\nForwarded: for=1.1.1.1") { $0.trustsCallers = true }
                .head)
        #expect(forwarded.headers.values(of: "forwarded") == ["for=1.1.1.1, for=127.0.0.1"])
        #expect(forwarded.headers[.xForwardedFor] == nil)
        let kept = try #require(
            try await self.application(gets: "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1") {
                $0.trustsCallers = true
                $0.keepsAddresses = true
            }.head)
        #expect(kept.headers.values(of: "x-forwarded-for") == ["1.1.1.1"])
    }

    @Test func `where a policy asks for it the mesh names itself, and ends circles`() async throws {
        let named = try #require(
            try await self.application(gets: "GET / HTTP/1.1\r\nVia: 1.0 edge") { $0.namesItself = true }.head)
        #expect(named.headers.values(of: "via") == ["1.0 edge, 1.1 weft"])
        let circle = Array(repeating: "1.1 weft", count: 32).joined(separator: ", ")
        let ended = try await self.application(gets: "GET / HTTP/1.1\r\nVia: \(circle)") { $0.namesItself = true }
        #expect(ended.answer.hasPrefix("HTTP/1.1 508 ") && ended.head == nil, "\(ended.answer)")
    }

    @Test(arguments: [
        ("GET /a/../b//c/%2e/%7Ed?x=../ HTTP/1.1", "/b/c/~d?x=../"), ("GET //evil/x HTTP/1.1", "/evil/x"),
    ])
    func `the application gets the one form of a path`(request: String, path: String) async throws {
        #expect(try await self.application(gets: request).head?.path == path)
    }

    @Test(arguments: ["/a%2fb", "/a%5cb", "/a%00", "/a%zz", "/..;/a"])
    func `a path without a safe form is refused`(path: String) async throws {
        let (answer, head) = try await self.application(gets: "GET \(path) HTTP/1.1")
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && head == nil, "\(answer)")
        #expect(answer.contains("x-weft-reason: bad_request\r\n"))
    }

    @Test func `a policy lets escaped slashes pass`() async throws {
        let passed = try await self.application(gets: "GET /a%2fb HTTP/1.1") { $0.keepsEscapedSlashes = true }
        #expect(passed.head?.path == "/a%2Fb")
    }

    @Test func `TRACE and OPTIONS go as many hops as they may`() async throws {
        let trace = try await self.application(gets: "TRACE / HTTP/1.1\r\nMax-Forwards: 0")
        #expect(trace.answer.hasPrefix("HTTP/1.1 405 ") && trace.head == nil, "\(trace.answer)")
        let options = try await self.application(gets: "OPTIONS * HTTP/1.1\r\nMax-Forwards: 0")
        #expect(options.answer.hasPrefix("HTTP/1.1 200 ") && options.head == nil, "\(options.answer)")
        let further = try await self.application(gets: "OPTIONS * HTTP/1.1\r\nMax-Forwards: 2")
        #expect(further.head?.headers[.maxForwards] == "1")
        let other = try await self.application(gets: "GET / HTTP/1.1\r\nMax-Forwards: 0")
        #expect(other.head?.headers[.maxForwards] == "0")
    }
}
