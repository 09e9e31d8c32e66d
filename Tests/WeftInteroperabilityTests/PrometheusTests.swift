import Foundation
import Testing

/// A real Prometheus that scrapes a running mesh, and its tool that judges what it is given.
@Suite(
    .enabled(if: Peers.withoutPrometheus == nil, Comment(rawValue: Peers.withoutPrometheus ?? "")), .serialized,
    .timeLimit(.minutes(10)))
struct PrometheusTests {
    private static let observability = "\(Peers.root)/deploy/observability"

    private static func fleet(api: Int) -> String {
        """
        fleet: metrics
        control:
          arguments: [--api-listen, "127.0.0.1:\(api)"]
        services:
          front:
            command: weft service --name front --listen 127.0.0.1:${PORT} --call billing=/charge
            health: /healthz
          billing-v1:
            service: billing
            version: v1
            command: weft service --name billing --version v1 --listen 127.0.0.1:${PORT}
            health: /healthz
        """
    }

    @Test func `rules and configuration pass promtool`() async throws {
        let rules = try FileManager.default.contentsOfDirectory(atPath: "\(Self.observability)/rules")
        for file in rules {
            let outcome = try await Self.promtool(["check", "rules", "\(Self.observability)/rules/\(file)"])
            #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
        }
        // The files that the example wants beside it are the operator's.
        let directory = "/tmp/weft-p\(UInt32.random(in: .min ... .max))"
        try FileManager.default.copyItem(atPath: Self.observability, toPath: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for name in ["api-token", "mesh.pem"] {
            try "".write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        let outcome = try await Self.promtool(["check", "config", "\(directory)/prometheus.yml"])
        #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test func `a Prometheus finds the fleet, scrapes it, and answers the documented queries`() async throws {
        let api = try Ports.free()
        try await TestFleet.with(Self.fleet(api: api)) { fleet in
            let prometheus = try await RunningPrometheus.start(in: fleet, api: api)
            let application = try fleet.port("front/application")
            // Until there are rates: each query is about the last minute.
            let queries = try Self.documentedQueries()
            #expect(queries.count >= 9)
            for query in queries {
                let found = try await eventually("an answer to \(query)") {
                    // The demo service calls through the proxy of front.
                    _ = try await Web.get(
                        port: application, "/",
                        headers: ["traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
                    let results = try await prometheus.query(query)
                    return results.contains { !$0.isNaN } ? results : nil
                }
                #expect(!found.isEmpty, "\(query)")
            }
            let success = try await prometheus.query(try #require(queries.first { $0.hasPrefix("1 - ") }))
            #expect(success == [1], "nothing failed on the only edge")
            // Every target is up: two proxies and the control plane.
            try await eventually("three targets") { try await prometheus.query("sum(up)") == [3] ? () : nil }
            let exemplars = try await eventually("an exemplar") {
                let found = try await prometheus.exemplars("weft_request_duration_seconds_bucket")
                return found.isEmpty ? nil : found
            }
            #expect(Set(exemplars) == ["0af7651916cd43dd8448eb211c80319c"])
            try await Self.checkExpositions(fleet, api: api)
            // The recording rules have been evaluated, and no alert of the mesh is about to fire.
            try await eventually("recorded rates") {
                try await prometheus.query("weft:edge_requests:rate1m").isEmpty ? nil : ()
            }
            #expect(try await prometheus.query("ALERTS{alertstate=\"firing\"}").isEmpty)
        }
    }

    /// What `promtool check metrics` says of both programs' text, and whether they speak OpenMetrics.
    private static func checkExpositions(_ fleet: TestFleet, api: Int) async throws {
        let proxy = try await Web.get(port: try fleet.port("front/admin"), "/metrics")
        let file = "\(fleet.directory)/metrics.txt"
        let control = try await PeerProcess.run(
            ["/usr/bin/env", "curl", "-sS", "--fail", "--unix-socket", fleet.apiSocket, "http://weft/metrics"])
        #expect(control.code == 0, "\(control.errors)")
        for (name, text) in [("proxy", proxy.body), ("control plane", control.output)] {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let outcome = try await PeerProcess.run(
                ["/bin/sh", "-c", "\(Peers.promtool) check metrics < \"$1\"", "sh", file])
            #expect(outcome.code == 0, "\(name): \(outcome.output)\(outcome.errors)")
        }
        let open = try await Web.get(
            port: try fleet.port("front/admin"), "/metrics",
            headers: ["accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"])
        #expect(open.body.hasSuffix("\n# EOF\n"))
        #expect(open.body.contains(#"# {trace_id="0af7651916cd43dd8448eb211c80319c"}"#))
    }

    /// The blocks of `docs/observability.md` that are marked as queries.
    private static func documentedQueries() throws -> [String] {
        let text = try String(contentsOfFile: "\(Peers.root)/docs/observability.md", encoding: .utf8)
        return text.components(separatedBy: "```promql\n").dropFirst().map { block in
            block.prefix(upTo: block.range(of: "\n```")?.lowerBound ?? block.endIndex).trimmingCharacters(
                in: .whitespacesAndNewlines)
        }
    }

    private static func promtool(_ arguments: [String]) async throws -> PeerProcess.Outcome {
        try await PeerProcess.run([Peers.promtool] + arguments)
    }
}

/// A Prometheus started with the example configuration, fitted to a fleet.
private struct RunningPrometheus: Sendable {
    let port: Int

    static func start(in fleet: TestFleet, api: Int) async throws -> RunningPrometheus {
        let directory = "\(fleet.directory)/prometheus"
        try FileManager.default.copyItem(atPath: "\(Peers.root)/deploy/observability", toPath: directory)
        let token = try await fleet.weft("token", "create", "--api-access", "--role", "viewer")
        try token.trimmingCharacters(in: .whitespacesAndNewlines).write(
            toFile: "\(directory)/api-token", atomically: true, encoding: .utf8)
        try await fleet.weft("get", "trust-bundle").write(
            toFile: "\(directory)/mesh.pem", atomically: true, encoding: .utf8)
        let file = "\(directory)/prometheus.yml"
        let text = try String(contentsOfFile: file, encoding: .utf8)
            .replacing("127.0.0.1:15010", with: "127.0.0.1:\(api)")
            .replacing("scrape_interval: 5s", with: "scrape_interval: 1s")
            .replacing("refresh_interval: 10s", with: "refresh_interval: 1s")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let port = try Ports.free()
        let process = try PeerProcess(
            "prometheus",
            [
                Peers.prometheus, "--config.file=\(file)", "--storage.tsdb.path=\(directory)/data",
                "--web.listen-address=127.0.0.1:\(port)", "--enable-feature=exemplar-storage",
            ], in: fleet.directory)
        await fleet.guests.add(process)
        try await eventually("Prometheus to be ready") {
            guard process.isRunning else { throw NeverHappened(description: "Prometheus ended") }
            return try await Web.get(port: port, "/-/ready").status == 200 ? () : nil
        }
        return RunningPrometheus(port: port)
    }

    /// The values that a query has now.
    func query(_ text: String) async throws -> [Double] {
        struct Answer: Decodable {
            struct Content: Decodable { var result: [Series] }
            struct Series: Decodable { var value: Sample }
            struct Sample: Decodable {
                var value: Double
                init(from decoder: any Decoder) throws {
                    var list = try decoder.unkeyedContainer()
                    _ = try list.decode(Double.self)
                    self.value = Double(try list.decode(String.self)) ?? .nan
                }
            }
            var data: Content
        }
        return try await self.get(Answer.self, "/api/v1/query", ["query": text]).data.result.map(\.value.value)
    }

    /// The traces of a histogram's exemplars.
    func exemplars(_ name: String) async throws -> [String] {
        struct Answer: Decodable {
            struct Series: Decodable { var exemplars: [Exemplar] }
            struct Exemplar: Decodable { var labels: [String: String] }
            var data: [Series]
        }
        let now = Date().timeIntervalSince1970
        let answer = try await self.get(
            Answer.self, "/api/v1/query_exemplars",
            ["query": name, "start": "\(now - 600)", "end": "\(now + 60)"])
        return answer.data.flatMap(\.exemplars).compactMap { $0.labels["trace_id"] }
    }

    private func get<Value: Decodable>(
        _ type: Value.Type, _ path: String, _ query: [String: String]
    ) async throws -> Value {
        var components = URLComponents()
        components.path = path
        components.queryItems = query.map { URLQueryItem(name: $0.key, value: $0.value) }
        // A plus would be read as a blank.
        let text = (components.string ?? path).replacing("+", with: "%2B")
        let answer = try await Web.get(port: self.port, text)
        guard answer.status == 200 else { throw NeverHappened(description: "\(query): \(answer.body)") }
        return try JSONDecoder().decode(type, from: Data(answer.body.utf8))
    }
}
