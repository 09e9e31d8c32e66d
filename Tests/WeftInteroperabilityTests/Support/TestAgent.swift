import Foundation
import Testing
import WeftModel

/// A control plane and a host's agent, as processes, and what a process of the host sees of them.
struct TestAgent: Sendable {
    static let host = "test-host"

    let directory: String
    let controlPort: Int
    private let guests: Guests

    var socket: String { "\(self.directory)/agent.sock" }
    private var api: String { "\(self.directory)/api.sock" }
    /// The program that asks for identities, as the kernel names it.
    static let program = URL(fileURLWithPath: Peers.python).resolvingSymlinksInPath().path

    // MARK: Life

    /// Runs `body` with both, and takes everything down afterwards.
    static func with(_ body: (TestAgent) async throws -> Void) async throws {
        let directory = "/tmp/weft-a\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let agent = TestAgent(directory: directory, controlPort: try Ports.free(), guests: Guests())
        var failure: (any Error)?
        do {
            try await agent.startControlPlane()
            let token = try await agent.weft("token", "create", "--agent", "--host", Self.host)
            _ = try await agent.startAgent(token: token.trimmingCharacters(in: .whitespacesAndNewlines))
            try await body(agent)
        } catch {
            failure = error
        }
        await agent.guests.stopAll()
        if failure != nil { TestMesh.printLogs(of: directory) }
        try? FileManager.default.removeItem(atPath: directory)
        if let failure { throw failure }
    }

    @discardableResult
    func startControlPlane(_ name: String = "control") async throws -> PeerProcess {
        let process = try PeerProcess(
            name,
            [
                Peers.weft, "control", "--data-dir", "\(self.directory)/control", "--listen",
                "127.0.0.1:\(self.controlPort)", "--api-socket", self.api,
            ], environment: ["HOME": self.directory], in: self.directory)
        await self.guests.add(process)
        try await eventually("the control plane to answer") {
            guard process.isRunning else { throw NeverHappened(description: "it ended") }
            return try await PeerProcess.run([Peers.weft, "status", "--api", self.api]).code != 1 ? () : nil
        }
        return process
    }

    func startAgent(_ name: String = "agent", token: String? = nil) async throws -> PeerProcess {
        let process = try PeerProcess(
            name,
            [
                Peers.weft, "agent", "--control", "127.0.0.1:\(self.controlPort)", "--socket", self.socket,
                "--data-dir", "\(self.directory)/agent", "--host", Self.host,
            ], environment: (token.map { ["WEFT_TOKEN": $0] } ?? [:]).merging(["HOME": self.directory]) { $1 },
            in: self.directory)
        await self.guests.add(process)
        try await eventually("the agent to answer") {
            guard process.isRunning else { throw NeverHappened(description: "it ended") }
            return FileManager.default.fileExists(atPath: self.socket) ? () : nil
        }
        return process
    }

    /// Ends the process of that name.
    func stop(_ name: String) async { await self.guests.stop(name) }

    func add(_ process: PeerProcess) async { await self.guests.add(process) }

    // MARK: Using it

    @discardableResult
    func weft(_ arguments: String...) async throws -> String {
        let outcome = try await PeerProcess.run(
            [Peers.weft] + arguments, environment: ["HOME": self.directory, "WEFT_API": self.api],
            in: self.directory)
        guard outcome.code == 0 else {
            throw NeverHappened(
                description: "weft \(arguments.joined(separator: " ")) ended with \(outcome.code): \(outcome.errors)")
        }
        return outcome.output
    }

    /// Applies an entry whose spec is `spec`, in YAML's flow form.
    func apply(entry name: String, _ spec: String) async throws {
        let file = "\(self.directory)/entry-\(name).yaml"
        let text =
            "apiVersion: weft.dev/v1\nkind: RegistrationEntry\nmetadata: {name: \(name), namespace: money}\nspec: \(spec)\n"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try await self.weft("apply", "-f", file)
    }

    /// What `workload.py` says, run as a process of its own.
    func workload(_ arguments: String...) async throws -> [String: JSON] {
        let outcome = try await PeerProcess.run(
            [Peers.python, Peers.program("workload.py")] + arguments,
            environment: ["SPIFFE_ENDPOINT_SOCKET": "unix://\(self.socket)"], in: self.directory,
            within: .seconds(150))
        guard outcome.code == 0 else { throw NeverHappened(description: "\(arguments): \(outcome.errors.suffix(800))") }
        return try JSONDecoder().decode([String: JSON].self, from: Data(outcome.output.utf8))
    }

    /// The same, as soon as it can be had: entries reach agents a moment after they are applied.
    func workloadEventually(_ arguments: String...) async throws -> [String: JSON] {
        try await eventually("workload.py \(arguments)") {
            let outcome = try await PeerProcess.run(
                [Peers.python, Peers.program("workload.py")] + arguments,
                environment: ["SPIFFE_ENDPOINT_SOCKET": "unix://\(self.socket)"], in: self.directory)
            guard outcome.code == 0 else { throw NeverHappened(description: "\(outcome.errors.suffix(800))") }
            return try JSONDecoder().decode([String: JSON].self, from: Data(outcome.output.utf8))
        }
    }
}

/// A JSON value, as far as tests look at one.
enum JSON: Decodable, Equatable, Sendable {
    case text(String)
    case number(Double)
    case truth(Bool)
    case list([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .truth(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    var string: String? { if case .text(let text) = self { text } else { nil } }
    var list: [JSON]? { if case .list(let list) = self { list } else { nil } }
    var object: [String: JSON]? { if case .object(let object) = self { object } else { nil } }
}
