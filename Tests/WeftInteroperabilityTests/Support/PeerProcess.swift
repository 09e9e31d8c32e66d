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
    ///
    /// Waits without holding a thread: there are few, and other tests need them.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in directory: String? = nil,
        within limit: Duration = .seconds(300)
    ) async throws -> Outcome {
        let running = try Running(arguments, environment: environment, in: directory)
        defer { running.removeScratch() }
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        try running.start { ended.finish() }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in ends {}
                return true
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            // Out of time, or cancelled: then it is made to end.
            if await group.next() == false {
                running.terminate()
                _ = await group.next()
            }
            group.cancelAll()
        }
        return try running.outcome()
    }

    /// The same for what is asked before any test runs, and cannot wait otherwise.
    static func runBlocking(_ arguments: [String]) throws -> Outcome {
        let running = try Running(arguments, environment: [:], in: nil)
        defer { running.removeScratch() }
        let ended = DispatchSemaphore(value: 0)
        try running.start { ended.signal() }
        if ended.wait(timeout: .now() + 60) == .timedOut {
            running.terminate()
            ended.wait()
        }
        return try running.outcome()
    }

    /// A program on its way to its end, with what it says in files.
    private final class Running: Sendable {
        private let scratch: URL
        private let places: [URL]
        private let process: Mutex<Process>

        init(_ arguments: [String], environment: [String: String], in directory: String?) throws {
            let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("weft-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
            let process = try PeerProcess.prepare(
                arguments, environment: environment, in: directory ?? scratch.path)
            self.scratch = scratch
            self.places = ["out", "err"].map { scratch.appendingPathComponent($0) }
            for place in self.places { _ = FileManager.default.createFile(atPath: place.path, contents: nil) }
            process.standardOutput = try FileHandle(forWritingTo: self.places[0])
            process.standardError = try FileHandle(forWritingTo: self.places[1])
            self.process = Mutex(process)
        }

        func start(ended: @escaping @Sendable () -> Void) throws {
            try self.process.withLock { process in
                process.terminationHandler = { _ in ended() }
                try process.run()
            }
        }

        func terminate() { self.process.withLock { if $0.isRunning { $0.terminate() } } }

        func outcome() throws -> Outcome {
            let code = self.process.withLock {
                $0.terminationReason == .exit ? $0.terminationStatus : 128 + $0.terminationStatus
            }
            let texts = try self.places.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
            return Outcome(code: code, output: texts[0], errors: texts[1])
        }

        func removeScratch() { try? FileManager.default.removeItem(at: self.scratch) }
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
    _ what: String, within limit: Duration = .seconds(300), _ ask: () async throws -> Result?
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
