internal import Foundation
internal import Synchronization

/// `scripts/bad-peer`, which speaks TLS badly in one way at a time, with what `scripts/make-bad-certificates` made.
package final class BadPeer: Sendable {
    /// Where the certificates are; gone with this value.
    package let directory: String
    private let process: Process
    private let commands: FileHandle
    private let answers: FileHandle
    /// One question at a time; blocking, so off the threads that tests run on.
    private let queue = DispatchQueue(label: "bad-peer")

    /// Whether there is a Python that can.
    package static let isAvailable = BadPeer.python != nil

    private static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// A Python with `cryptography`; nil where there is none.
    private static let python: String? = {
        let peers = ProcessInfo.processInfo.environment["WEFT_TEST_PEERS"] ?? "\(repository)/.build-peers"
        return ["\(peers)/bin/python", "/usr/bin/python3", "/usr/local/bin/python3"].first { path in
            (try? run(path, ["-c", "import cryptography"])) == 0
        }
    }()

    /// Makes the certificates and starts the program.
    package init() throws {
        guard let python = Self.python else { throw Unavailable() }
        self.directory = NSTemporaryDirectory() + "weft-bad-\(UUID().uuidString)"
        let made = try Self.run(python, ["\(Self.repository)/scripts/make-bad-certificates", self.directory])
        guard made == 0 else { throw Unavailable() }
        let (input, output) = (Pipe(), Pipe())
        self.process = Process()
        self.process.executableURL = URL(fileURLWithPath: python)
        self.process.arguments = ["\(Self.repository)/scripts/bad-peer", self.directory]
        self.process.standardInput = input
        self.process.standardOutput = output
        try self.process.run()
        self.commands = input.fileHandleForWriting
        self.answers = output.fileHandleForReading
    }

    deinit {
        try? self.commands.close()
        self.process.terminate()
        try? FileManager.default.removeItem(atPath: self.directory)
    }

    package struct Unavailable: Error {}

    /// Calls a server with a certificate or in a way of misbehaving; what came of it.
    package func call(_ port: Int, _ way: String) async throws -> String { try await self.ask("call \(port) \(way)") }

    /// Listens with a certificate or in a way of misbehaving; the port.
    package func serve(_ way: String) async throws -> Int {
        let answer = try await self.ask("serve \(way)")
        guard let port = answer.split(separator: " ").last.flatMap({ Int($0) }) else { throw Unavailable() }
        return port
    }

    /// A certificate's chain, PEM; the key of `name.key` likewise.
    package func text(_ file: String) throws -> String {
        try String(contentsOfFile: "\(self.directory)/\(file)", encoding: .utf8)
    }

    private func ask(_ command: String) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            self.queue.async {
                continuation.resume(
                    with: Result {
                        try self.commands.write(contentsOf: Data("\(command)\n".utf8))
                        var line = Data()
                        while let byte = try self.answers.read(upToCount: 1), byte.first != 10 { line += byte }
                        return String(decoding: line, as: UTF8.self)
                    })
            }
        }
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
