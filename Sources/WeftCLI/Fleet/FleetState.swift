internal import Foundation
package import WeftModel

/// What a running fleet writes down under `.weft/`, for `weft down`, for a second `weft up`, and for its own restart.
package struct FleetState: Hashable, Sendable, Codable {
    package var fleet: String
    /// The fleet file, absolute.
    package var file: String
    /// The `weft up` that looks after it; nil when it has ended.
    package var supervisor: ProcessMark?
    package var phase: Phase
    /// How often the fleet file has been taken up; grows with each `weft up`.
    package var generation = 0
    /// What is going on, or what went wrong, for whoever waits.
    package var message = ""
    package var apiSocket: String
    package var ports: PortBook
    package var processes: [Supervisor.Report] = []
    /// What the last `weft up` applied: what is missing from the next file is deleted.
    package var applied: [ResourceKey] = []

    package enum Phase: String, Hashable, Sendable, Codable {
        case starting
        case ready
        case failed
        case stopping
        case stopped
    }

    package init(fleet: String, file: String, apiSocket: String, ports: PortBook) {
        self.fleet = fleet
        self.file = file
        self.phase = .starting
        self.apiSocket = apiSocket
        self.ports = ports
    }
}

/// The places of a fleet's files.
package struct FleetPaths: Hashable, Sendable {
    /// The fleet file, absolute.
    package let file: String
    /// The directory it is in, absolute.
    package let directory: String
    /// `.weft` beside it, unless named otherwise.
    package let state: String

    package init(file: String, stateName: String = ".weft") {
        let url = URL(fileURLWithPath: file).standardizedFileURL
        self.file = url.path
        self.directory = url.deletingLastPathComponent().path
        self.state = self.directory + "/" + stateName
    }

    package var stateFile: String { "\(self.state)/state.json" }
    package var logs: String { "\(self.state)/logs" }

    /// The control plane's socket: under the state directory, or, where that path is too long for a socket, in /tmp.
    package var apiSocket: String {
        let inside = "\(self.state)/control/run/api.sock"
        if inside.utf8.count < 100 { return inside }
        return "/tmp/weft-\(getuid())-\(String(self.seed, radix: 36))/api.sock"
    }

    /// A number that is this fleet's own and the same every time (FNV-1a of its path).
    package var seed: Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in self.state.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Int(truncatingIfNeeded: hash >> 2)
    }

    /// Makes the directories, closed to other users.
    package func make() throws {
        for path in [self.state, self.logs] {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        // A fleet's state is nobody's source code.
        let ignore = "\(self.state)/.gitignore"
        if !FileManager.default.fileExists(atPath: ignore) {
            try "*\n".write(toFile: ignore, atomically: true, encoding: .utf8)
        }
    }

    /// Nil when there is none; a file that cannot be read is a failure.
    package func load() throws -> FleetState? {
        guard let data = FileManager.default.contents(atPath: self.stateFile) else { return nil }
        do {
            return try JSONDecoder().decode(FleetState.self, from: data)
        } catch let error {
            throw CommandFailure(
                "the state of this fleet cannot be read", at: self.stateFile, because: "\(error)",
                remedy: "Stop what still runs of it, then remove the file.")
        }
    }

    /// Replaces the file whole.
    package func save(_ state: FleetState) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(state).write(to: URL(fileURLWithPath: self.stateFile), options: .atomic)
    }
}

/// The state of the fleet that this process runs, saved at every change.
package final class FleetJournal: Sendable {
    private let paths: FleetPaths
    private let state: Guarded<FleetState>

    package init(_ state: FleetState, paths: FleetPaths) {
        self.state = Guarded(state)
        self.paths = paths
    }

    package var current: FleetState { self.state.with { $0 } }

    /// Changes and saves. A disk that is full must not stop a fleet, so that a failed write is told once, on standard
    /// error, and tried again with the next change.
    package func update(_ change: (inout FleetState) -> Void) {
        self.state.with { state in
            let before = state
            change(&state)
            guard before != state else { return }
            do { try self.paths.save(state) } catch let error {
                FileHandle.standardError.write(Data("warning: \(self.paths.stateFile): \(error)\n".utf8))
            }
        }
    }
}
