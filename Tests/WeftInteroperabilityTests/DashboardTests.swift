import Foundation
import Testing

/// The dashboard in a headless Chromium, by the DevTools protocol.
@Suite(
    .serialized, .enabled(if: Peers.withoutBrowser == nil, Comment(rawValue: Peers.withoutBrowser ?? "")),
    .timeLimit(.minutes(10)))
struct DashboardTests {
    private static let fleet = """
        fleet: dashboard
        services:
          gateway:
            command: weft service --name gateway --listen 127.0.0.1:${PORT} --call enrollment=/enroll
            health: /healthz
          enrollment:
            command: weft service --name enrollment --listen 127.0.0.1:${PORT} --call billing=/charge
            health: /healthz
            upstreams: [billing]
          billing:
            command: weft service --name billing --listen 127.0.0.1:${PORT}
            health: /healthz
        ---
        apiVersion: weft.dev/v1
        kind: TrafficPolicy
        metadata: {name: billing}
        spec: {targetRefs: [{group: "", kind: Service, name: billing}], timeouts: {request: 20s}}
        """

    @Test func `pages are fit for everybody, texts stay texts, 500 services can be read, a mesh is seen live`()
        async throws
    {
        try await TestFleet.with(Self.fleet) { fleet in
            let base = try await Self.address(fleet).prefix { $0 != "#" }
            try await self.browse("fixtures", String(base))
            let entry = "http://127.0.0.1:\(try fleet.port("gateway/application"))/"
            try await self.browse("live", try await Self.address(fleet), entry)
        }
    }

    private static func address(_ fleet: TestFleet) async throws -> String {
        struct Address: Decodable { var url: String }
        return try JSONDecoder().decode(
            Address.self, from: Data(try await fleet.weft("dashboard", "-o", "json").utf8)
        ).url
    }

    private func browse(_ arguments: String...) async throws {
        let outcome = try await PeerProcess.run(
            [Peers.python, Peers.program("browser.py")] + arguments, within: .seconds(280))
        let wrong = outcome.output.split(separator: "\n").filter { $0.contains("\"holds\": false") }
        #expect(outcome.code == 0, "\(wrong.joined(separator: "\n")) \(outcome.errors.suffix(600))")
    }
}
