import Foundation
import WeftCLI
import WeftModel

/// A mesh of `weft up`, for one test and gone afterwards.
struct TestFleet: Sendable {
    let directory: String
    let guests = Guests()

    private var file: String { "\(self.directory)/fleet.yaml" }
    var apiSocket: String { self.paths.apiSocket }
    private var paths: FleetPaths { FleetPaths(file: self.file) }

    /// Runs `body` with the fleet that `text` describes.
    static func with(_ text: String, _ body: (TestFleet) async throws -> Void) async throws {
        let fleet = TestFleet(directory: "/tmp/weft-f\(UInt32.random(in: .min ... .max))")
        try FileManager.default.createDirectory(atPath: fleet.directory, withIntermediateDirectories: true)
        try text.write(toFile: fleet.file, atomically: true, encoding: .utf8)
        var failure: (any Error)?
        do {
            try await fleet.weft("up", fleet.file, "--detach")
            try await body(fleet)
        } catch {
            failure = error
        }
        await fleet.guests.stopAll()
        _ = try? await PeerProcess.run(
            [Peers.weft, "down", fleet.file], environment: ["HOME": fleet.directory], in: fleet.directory)
        if failure != nil { TestMesh.printLogs(of: fleet.directory) }
        try? FileManager.default.removeItem(atPath: fleet.directory)
        if let failure { throw failure }
    }

    /// Runs `weft` on this fleet; fails unless it succeeds.
    @discardableResult
    func weft(_ arguments: String...) async throws -> String {
        let outcome = try await PeerProcess.run(
            [Peers.weft] + arguments, environment: ["HOME": self.directory, "WEFT_API": self.paths.apiSocket],
            in: self.directory, within: .seconds(180))
        guard outcome.code == 0 else {
            throw NeverHappened(
                description: "weft \(arguments.joined(separator: " ")) ended with \(outcome.code): \(outcome.errors)")
        }
        return outcome.output
    }

    func identity() async throws -> IdentityReport {
        try JSONDecoder().decode(
            IdentityReport.self, from: Data(try await self.weft("identity", "status", "-o", "json").utf8))
    }

    /// What a port of the fleet's is, `front/application`.
    func port(_ owner: String) throws -> Int {
        guard let port = try self.paths.load()?.ports.ports[owner] else {
            throw NeverHappened(description: "\(owner) has no port")
        }
        return port
    }
}
