import Foundation
import Testing
import WeftModel

/// What becomes of traffic while identities change: the root, and whether somebody is believed at all.
@Suite(
    .enabled(if: Peers.missing == nil, Comment(rawValue: Peers.missing ?? "")), .timeLimit(.minutes(15)))
struct IdentityLifeTests {
    private static let fleet = """
        fleet: identities
        control:
          arguments: [--leaf-lifetime, 2m]
        services:
          caller:
            command: weft service --name caller --listen 127.0.0.1:${PORT}
            health: /healthz
            upstreams: [front]
          front:
            command: weft service --name front --listen 127.0.0.1:${PORT} --call billing=/charge
            health: /healthz
          billing:
            command: weft service --name billing --listen 127.0.0.1:${PORT}
            health: /healthz
          echo:
            command: ["\(Peers.python)", "\(Peers.program("speaker.py"))", echo]
            protocol: tcp
        """

    @Test(.enabled(if: Peers.nghttp, "there is no h2load: run `scripts/setup test`"))
    func `a root is rotated under load through two services, and no request fails`() async throws {
        try await TestFleet.with(Self.fleet) { fleet in
            let target = "http://127.0.0.1:\(try fleet.port("caller/upstream/front"))/"
            let before = try #require(try await fleet.identity().roots.first).fingerprint
            try await fleet.weft("identity", "rotate", "--root")
            var phases: [String] = []
            var answered = 0
            while phases.last != "finished" {
                let load = try await PeerProcess.run(
                    ["/usr/bin/env", "h2load", "--h1", "-n", "600", "-c", "4", target], within: .seconds(120))
                try #require(load.output.contains("600 done, 600 succeeded, 0 failed, 0 errored"), "\(load.output)")
                answered += 600
                let report = try await fleet.identity()
                let phase = try #require(report.rotation?.phase)
                if phases.last != phase { phases.append(phase) }
                // Until it is over, both roots are trusted, and who follows is told of each.
                if phase != "finished" { #expect(report.roots.count == 2 && report.proxies == 4) }
            }
            let after = try await fleet.identity()
            #expect(after.roots.count == 1)
            #expect(after.roots.first?.fingerprint != before)
            #expect(after.roots.first?.leaves == 4, "every certificate is the new root's")
            #expect(phases.contains("settling") && answered > 600, "\(phases)")
        }
    }

    @Test func `revoking an identity ends its requests and tunnels, and lets no new ones in`() async throws {
        try await TestFleet.with(Self.fleet) { fleet in
            _ = try await Web.get(port: try fleet.port("front/application"), "/_behave?latency=60s")
            let holder = try PeerProcess(
                "holder",
                [
                    Peers.python, Peers.program("holder.py"), "\(try fleet.port("caller/upstream/front"))",
                    "\(try fleet.port("caller/outbound"))",
                ], in: fleet.directory)
            await fleet.guests.add(holder)
            func said() -> [Substring] {
                String(decoding: FileManager.default.contents(atPath: holder.log) ?? Data(), as: UTF8.self)
                    .split(separator: "\n")
            }
            try await eventually("both to be open") { said().contains("open") ? () : nil }
            try await fleet.weft("identity", "revoke", "spiffe://mesh.local/ns/default/sa/caller", "--reason", "test")
            _ = try await Web.get(port: try fleet.port("front/application"), "/_behave?latency=1ms")
            try await eventually("both to end and a new request to be refused") {
                said().contains { $0.hasPrefix("again") } ? () : nil
            }
            #expect(said().contains("tunnel ended"))
            #expect(said().contains("request 502") || said().contains("request 503"), "\(said())")
            #expect(said().contains("again 502") || said().contains("again 503"), "\(said())")
            let report = try await fleet.identity()
            #expect(report.revoked.map(\.identity) == ["spiffe://mesh.local/ns/default/sa/caller"])
            try await fleet.weft("identity", "restore", "spiffe://mesh.local/ns/default/sa/caller")
            try await eventually("calls to go on") {
                try await Web.get(port: try fleet.port("caller/upstream/front"), "/").status == 200 ? () : nil
            }
        }
    }
}
