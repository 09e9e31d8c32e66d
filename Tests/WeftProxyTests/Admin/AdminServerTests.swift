import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import WeftIdentity
import WeftMessage
import WeftModel
import WeftTelemetry

@testable import WeftProxy

@Suite struct AdminServerTests {
    final class Source: AdminSource {
        let level = Mutex(AccessLogMode.errors)
        var accessLog: AccessLogMode { self.level.withLock { $0 } }
        func setAccessLog(_ mode: AccessLogMode) { self.level.withLock { $0 = mode } }
        let readiness: AdminReadiness
        let snapshot: ProxySnapshot
        var identity: WorkloadIdentity? { nil }

        init(readiness: AdminReadiness = .ready, snapshot: ProxySnapshot = .empty) {
            self.readiness = readiness
            self.snapshot = snapshot
        }

        func metrics(on eventLoop: any EventLoop) -> EventLoopFuture<MetricSnapshot> {
            var snapshot = MetricSnapshot()
            snapshot.add(.gauge(1), to: MetricNames.controlPlaneConnected)
            return eventLoop.makeSucceededFuture(snapshot)
        }
    }

    /// What the server sends for the bytes of a request.
    func exchange(_ request: String, _ source: Source = Source()) throws -> String {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            AdminServer.makeConnection(source, on: channel.embeddedEventLoop))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(string: request))
        channel.embeddedEventLoop.run()
        var answer = ""
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) {
            answer += bytes.readString(length: bytes.readableBytes) ?? ""
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
        return answer
    }

    func get(_ path: String, host: String = "localhost:15000", _ source: Source = Source()) throws -> String {
        try self.exchange("GET \(path) HTTP/1.1\r\nhost: \(host)\r\n\r\n", source)
    }

    @Test func `metrics are in the format that the scraper asks for`() throws {
        let plain = try self.get("/metrics")
        #expect(plain.hasPrefix("HTTP/1.1 200"))
        #expect(plain.contains("content-type: text/plain; version=0.0.4"))
        #expect(plain.contains("\nweft_control_plane_connected 1\n"))
        let open = try self.exchange(
            "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/openmetrics-text\r\n\r\n")
        #expect(open.hasSuffix("# EOF\n"))
    }

    @Test func `the access log's level is shown and changed, but not by a web page`() throws {
        let source = Source()
        #expect(try self.get("/access-log", source).hasSuffix("\r\n\r\nerrors\n"))
        func put(_ path: String, host: String = "localhost", _ more: String = "") throws -> String {
            try self.exchange("PUT \(path) HTTP/1.1\r\nhost: \(host)\r\n\(more)content-length: 0\r\n\r\n", source)
        }
        #expect(try put("/access-log/all").hasPrefix("HTTP/1.1 200"))
        #expect(source.accessLog == .all)
        #expect(try put("/access-log/sometimes").hasPrefix("HTTP/1.1 400"))
        #expect(try put("/access-log/off", "origin: http://evil.example\r\n").hasPrefix("HTTP/1.1 403"))
        #expect(try put("/access-log/off", host: "evil.example").hasPrefix("HTTP/1.1 405"))
        #expect(try put("/config").hasPrefix("HTTP/1.1 405"))
        #expect(source.accessLog == .all)
    }

    @Test func `readiness is the status, and its cause the body`() throws {
        #expect(try self.get("/ready").hasPrefix("HTTP/1.1 200"))
        let not = try self.get("/ready", Source(readiness: .notReady("no identity yet")))
        #expect(not.hasPrefix("HTTP/1.1 503"))
        #expect(not.contains("no identity yet"))
        #expect(try self.get("/healthz").hasPrefix("HTTP/1.1 200"))
    }

    @Test func `the dump shows what is known, without what is secret`() throws {
        var route = Route(name: "default/r", action: .forward([WeightedCluster(cluster: "billing.default:80")]))
        route.requestHeaders = HeaderModifier(set: [
            .init(name: "authorization", value: "Bearer hunter2"), .init(name: "x-team", value: "pay\"ments"),
        ])
        let snapshot = ProxySnapshot(
            revision: Revision(7),
            listeners: ["billing.default:80": .outbound(name: "billing.default:80", routeConfiguration: "r")],
            routes: [
                "r": RouteConfiguration(
                    name: "r", virtualHosts: [VirtualHost(name: "h", domains: ["*"], routes: [route])])
            ])
        let dump = try self.get("/config", Source(snapshot: snapshot))
        #expect(dump.contains("application/json"))
        #expect(dump.contains("\"revision\": 7"))
        #expect(dump.contains("billing.default:80"))
        #expect(dump.contains("pay\\\"ments"))
        #expect(!dump.contains("hunter2"))
        for part in ["listeners", "routes", "clusters", "endpoints"] {
            #expect(try self.get("/config/\(part)", Source(snapshot: snapshot)).hasPrefix("HTTP/1.1 200"))
        }
        #expect(try self.get("/config/identity").hasPrefix("HTTP/1.1 404"))
    }

    @Test func `nothing can be changed here, and unknown pages list the known`() throws {
        let post = try self.exchange("POST /config HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nhi")
        #expect(post.hasPrefix("HTTP/1.1 405"))
        #expect(post.contains("allow: GET, HEAD"))
        let unknown = try self.get("/nothing")
        #expect(unknown.hasPrefix("HTTP/1.1 404"))
        #expect(unknown.contains("/metrics"))
    }

    @Test func `HEAD has the head only`() throws {
        let answer = try self.exchange("HEAD /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        #expect(answer.contains("content-length: 3"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [
        ("localhost", true), ("localhost:15000", true), ("127.0.0.1:1", true), ("[::1]:1", true), ("10.1.2.3", true),
        ("evil.example", false), ("localhost.evil.example:80", false),
    ])
    func `names other than localhost are not answered`(authority: String, answered: Bool) throws {
        #expect(try self.get("/config", host: authority).hasPrefix("HTTP/1.1 200") == answered)
    }
}
