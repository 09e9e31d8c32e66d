import Foundation
import Synchronization

/// A process that a test started; its output goes to a file, so that nothing of it is lost when a test fails.
final class PeerProcess: Sendable {
    let name: String
    let log: String
    private let process: Mutex<Process>

    /// - Parameter environment: besides that of the tests.
    init(_ name: String, _ arguments: [String], environment: [String: String] = [:], in directory: String) throws {
        self.name = name
        self.log = "\(directory)/\(name).log"
        let process = try Self.prepare(arguments, environment: environment, in: directory)
        _ = FileManager.default.createFile(atPath: self.log, contents: nil)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: self.log))
        process.standardOutput = file
        process.standardError = file
        try process.run()
        self.process = Mutex(process)
    }

    var isRunning: Bool { self.process.withLock { $0.isRunning } }

    /// SIGTERM, and SIGKILL where that is not obeyed in time.
    func stop() async {
        self.process.withLock { if $0.isRunning { $0.terminate() } }
        do {
            try await eventually("\(self.name) to end", within: .seconds(15)) { self.isRunning ? nil : () }
        } catch {
            self.process.withLock { process in _ = kill(process.processIdentifier, SIGKILL) }
        }
    }

    struct Outcome: Sendable {
        var code: Int32
        var output: String
        var errors: String
    }

    /// Runs a program to its end; ends it after `limit`, which has code 128 + 15.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in directory: String? = nil,
        within limit: Duration = .seconds(60)
    ) throws -> Outcome {
        let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("weft-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = try Self.prepare(arguments, environment: environment, in: directory ?? scratch.path)
        let places = ["out", "err"].map { scratch.appendingPathComponent($0) }
        for place in places { _ = FileManager.default.createFile(atPath: place.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: places[0])
        process.standardError = try FileHandle(forWritingTo: places[1])
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        if ended.wait(timeout: .now() + Double(limit.components.seconds)) == .timedOut {
            process.terminate()
            ended.wait()
        }
        let code = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        let texts = try places.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        return Outcome(code: code, output: texts[0], errors: texts[1])
    }

    private static func prepare(
        _ arguments: [String], environment: [String: String], in directory: String
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: arguments[0])
        process.arguments = Array(arguments.dropFirst())
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        var variables = ProcessInfo.processInfo.environment
        // What the tests are started with is not what they are about.
        for name in variables.keys where name.hasPrefix("WEFT_") || name.lowercased().hasSuffix("_proxy") {
            variables[name] = nil
        }
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        return process
    }
}

/// What did not come about.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Asks again and again until there is an answer. The limit only ends what would never end: no rule is about time.
@discardableResult
func eventually<Result>(
    _ what: String, within limit: Duration = .seconds(60), _ ask: () async throws -> Result?
) async throws -> Result {
    let clock = ContinuousClock()
    let end = clock.now + limit
    var cause = "it was not so"
    while clock.now < end {
        do {
            if let result = try await ask() { return result }
            cause = "it was not so"
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            cause = "\(error)"
        }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw NeverHappened(description: "waited \(limit) for \(what): \(cause)")
}
