import Foundation
import Testing

/// Traces and logs in a collector that is made with OpenTelemetry's own messages.
@Suite(
    .enabled(if: Peers.withoutOpenTelemetry == nil, Comment(rawValue: Peers.withoutOpenTelemetry ?? "")), .serialized,
    .timeLimit(.minutes(10)))
struct TracingTests {
    struct Span: Decodable {
        var way: String
        var resource: [String: String]
        var scope: String
        var trace: String
        var span: String
        var parent: String
        var state: String
        var name: String
        var kind: String
        var start: UInt64
        var end: UInt64
        var flags: Int
        var status: String
        var attributes: [String: String]

        var service: String { self.resource["service.name"] ?? "" }
    }

    struct Line: Decodable {
        var resource: [String: String]
        var body: String
        var severity: String
        var trace: String
    }

    private struct Collector {
        let process: PeerProcess
        let port: Int

        func spans() async throws -> [Span] {
            try JSONDecoder().decode([Span].self, from: Data(try await Web.get(port: self.port, "/spans").body.utf8))
        }

        func spans(of trace: String, count: Int) async throws -> [Span] {
            try await eventually("\(count) spans of \(trace)", within: .seconds(60)) {
                let found = try await self.spans().filter { $0.trace == trace }
                return found.count >= count ? found : nil
            }
        }

        func lines() async throws -> [Line] {
            try JSONDecoder().decode([Line].self, from: Data(try await Web.get(port: self.port, "/logs").body.utf8))
        }
    }

    /// Runs `body` with caller → front → billing → ledger, and a collector. `telemetry` may name `GRPC` and `HTTP`, its ports.
    private func withMesh(
        telemetry: String, propagating: Bool = true, _ body: (TestFleet, Collector) async throws -> Void
    ) async throws {
        let ports = (web: try Ports.free(), grpc: try Ports.free())
        let settings = telemetry.replacing("GRPC", with: "\(ports.grpc)").replacing("HTTP", with: "\(ports.web)")
        func service(_ name: String, _ rest: String = "") -> String {
            """
              \(name):
                command: weft service --name \(name) --listen 127.0.0.1:${PORT} \(rest)
                health: /healthz
                version: v1
                upstreams: [front]
            """
        }
        let fleet = """
            fleet: tracing
            telemetry: {\(settings)}
            services:
            \(service("caller"))
            \(service("front", "--call billing=/charge"))
            \(service("billing", "--call ledger=/entry"))
            \(service("ledger"))
            """
        try await TestFleet.with(fleet) { fleet in
            let process = try PeerProcess(
                "collector", [Peers.python, Peers.program("collector.py")],
                environment: ["PORT": "\(ports.web)", "GRPC_PORT": "\(ports.grpc)"], in: fleet.directory)
            await fleet.guests.add(process)
            let collector = Collector(process: process, port: ports.web)
            try await eventually("the collector") {
                try await Web.get(port: ports.web, "/healthz").status == 200 ? () : nil
            }
            try await eventually("a first call") {
                try await Web.get(port: try fleet.port("caller/upstream/front"), "/").status == 200 ? () : nil
            }
            try await body(fleet, collector)
        }
    }

    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    @Test(arguments: ["grpc", "http"])
    func `a call through three services is one tree, with the attributes of the conventions`(way: String) async throws {
        let port = way == "grpc" ? "GRPC" : "HTTP"
        try await self.withMesh(
            telemetry: "otlp-endpoint: 'http://127.0.0.1:\(port)', otlp-protocol: \(way), trace-sampling: 0"
        ) { fleet, collector in
            let answer = try await Web.get(
                port: try fleet.port("caller/upstream/front"), "/order?item=7&token=hunter2",
                headers: [
                    "traceparent": "00-\(Self.trace)-\(Self.parent)-01", "tracestate": "vendor=a1",
                    "x-request-id": "request-1",
                ])
            #expect(answer.status == 200)
            let spans = try await collector.spans(of: Self.trace, count: 6)
            #expect(spans.count == 6)
            #expect(Set(spans.map(\.span)).count == 6)
            // From the caller's span down, each is the child of the one before.
            var parent = Self.parent
            for (service, kind) in [
                ("caller", "CLIENT"), ("front", "SERVER"), ("front", "CLIENT"), ("billing", "SERVER"),
                ("billing", "CLIENT"), ("ledger", "SERVER"),
            ] {
                let span = try #require(
                    spans.first { $0.service == service && $0.kind == "SPAN_KIND_\(kind)" }, "\(service) \(kind)")
                #expect(span.parent == parent, "\(service) \(kind)")
                parent = span.span
                #expect(span.way == way && span.scope == "weft")
                #expect(span.name == "GET")
                #expect(span.state == "vendor=a1")
                #expect(span.status == "STATUS_CODE_UNSET")
                #expect(span.end >= span.start && span.start > 1_700_000_000_000_000_000)
                // Sampled, and the parent is known to be elsewhere.
                #expect(span.flags & 0x301 == 0x301)
                #expect(span.resource["service.namespace"] == "default")
                #expect(span.resource["service.version"] == "v1")
                #expect(span.resource["service.instance.id"] == service)
                #expect(span.attributes["http.request.method"] == "GET")
                #expect(span.attributes["http.response.status_code"] == "200")
                #expect(span.attributes["server.address"]?.isEmpty == false)
                #expect(span.attributes["server.port"] != nil)
                #expect(["1.1", "2"].contains(span.attributes["network.protocol.version"]))
                #expect(span.attributes["weft.request_id"] == "request-1")
                #expect(span.attributes["error.type"] == nil)
                if kind == "CLIENT" {
                    #expect(span.attributes["network.peer.address"] == "127.0.0.1")
                    #expect(span.attributes["url.full"]?.hasPrefix("http://") == true)
                } else {
                    #expect(span.attributes["url.scheme"] == "http")
                    #expect(span.attributes["url.path"]?.hasPrefix("/") == true)
                }
            }
            let first = try #require(spans.first { $0.service == "front" && $0.kind == "SPAN_KIND_SERVER" })
            #expect(first.attributes["url.path"] == "/order")
            #expect(first.attributes["url.query"] == "item=7&token=[redacted]")
            #expect(!spans.contains { $0.attributes.values.contains { $0.contains("hunter2") } })
        }
    }

    @Test func `of calls that nobody samples the failures are kept, and B3 goes on to whoever speaks it`() async throws
    {
        try await self.withMesh(
            telemetry: "otlp-endpoint: 'http://127.0.0.1:GRPC', trace-sampling: 0, trace-slowest: 0"
        ) { fleet, collector in
            let front = try fleet.port("caller/upstream/front")
            #expect(
                try await Web.get(
                    port: front, "/", headers: ["traceparent": "00-\(Self.trace)-\(Self.parent)-00"]
                ).status == 200)
            _ = try await Web.get(port: try fleet.port("ledger/application"), "/_behave?errors=1&status=500")
            let failed = "11112222333344445555666677778888"
            _ = try await Web.get(
                port: front, "/", headers: ["traceparent": "00-\(failed)-\(Self.parent)-00"])
            // Attempts that are repeated have spans of their own, which may come first.
            let ledger = try await eventually("the ledger's span") {
                try await collector.spans().first { $0.trace == failed && $0.service == "ledger" }
            }
            #expect(ledger.status == "STATUS_CODE_ERROR")
            #expect(ledger.attributes["error.type"] == "500")
            #expect(ledger.attributes["weft.kept_for"] == "error")
            // What comes later has not overtaken what would have come before.
            #expect(try await collector.spans().filter { $0.trace == Self.trace }.isEmpty)

            _ = try await Web.get(port: try fleet.port("ledger/application"), "/_behave?errors=0")
            let b3 = "80f198ee56343ba864fe8b2a57d3eff7"
            _ = try await Web.get(port: front, "/", headers: ["b3": "\(b3)-e457b5a2e4d86bd1-1"])
            let traced = try await eventually("the caller's span") {
                try await collector.spans().first { $0.trace == b3 && $0.service == "caller" }
            }
            #expect(traced.parent == "e457b5a2e4d86bd1")
        }
    }

    @Test func `the access log goes to the collector, with the trace it belongs to`() async throws {
        try await self.withMesh(
            telemetry: "otlp-endpoint: 'http://127.0.0.1:GRPC', access-log: errors, access-log-output: otlp"
        ) { fleet, collector in
            let admin = "127.0.0.1:\(try fleet.port("caller/admin"))"
            #expect(try await fleet.weft("proxy", "access-log", "--admin", admin) == "errors\n")
            #expect(try await fleet.weft("proxy", "access-log", "all", "--admin", admin) == "all\n")
            _ = try await Web.get(
                port: try fleet.port("caller/upstream/front"), "/x?password=hunter2",
                headers: ["traceparent": "00-\(Self.trace)-\(Self.parent)-01"])
            let line = try await eventually("the line", within: .seconds(60)) {
                try await collector.lines().first { $0.trace == Self.trace }
            }
            #expect(line.resource["service.name"] == "caller")
            #expect(line.severity == "INFO")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.body.utf8)) as? [String: Any])
            #expect(object["path"] as? String == "/x?password=[redacted]")
            #expect(object["status"] as? Int == 200)
        }
    }
}
