internal import Foundation
internal import Logging
internal import Synchronization
internal import WeftModel

/// Keeps the audit log as JSON lines in `audit.log` (0600), with older ones beside it: `audit.log.1` is the newest of
/// them.
///
/// Events that come together are brought to disk together. A disk that is full or hangs is logged and counted; who waits
/// goes on after `patience`, and events beyond `maxWaiting` are lost and counted. How many were lost is the first line
/// that fits again.
final class FileAuditLog: AuditLog {
    struct Settings: Hashable, Sendable {
        /// Of one file. Default 16 MiB.
        var maxBytes = 16 << 20
        /// Older files that are kept. Default 8.
        var oldFiles = 8
        /// Events that wait for the disk. Default 4096.
        var maxWaiting = 4096
        /// How long `record` waits for the disk. Default 5 s.
        var patience = Duration.seconds(5)
        /// Whether what is audited must not happen without a record. Default false.
        var isRequired = false
    }

    private struct Waiting {
        var lines: [(line: [UInt8], done: Once)] = []
        var isScheduled = false
        /// Events that no line stands for.
        var lost: Int64 = 0
        var failure: String?
    }

    let path: String
    private let settings: Settings
    private let logger: Logger
    private let waiting = Mutex(Waiting())
    /// Everything that touches the files for writing runs here: a hanging disk holds up no one else's thread.
    private let disk = DispatchQueue(label: "weft.audit")
    private let file: Mutex<AuditFile>

    /// Opens the log in `directory`, or makes it. Throws `ControlPlaneError` where that fails and the log is required.
    init(directory: String, settings: Settings = Settings(), logger: Logger) throws {
        self.path = "\(directory)/audit.log"
        self.settings = settings
        self.logger = logger
        self.file = Mutex(AuditFile(path: "\(directory)/audit.log", settings: settings))
        do throws(AuditFile.Failure) {
            try self.file.withLock { file throws(AuditFile.Failure) in try file.ready() }
        } catch {
            if settings.isRequired {
                throw ControlPlaneError.dataDirectoryUnusable(
                    path: self.path, cause: error.cause, remedy: "mend that, or start without --audit-required")
            }
            self.note(error.cause, lost: 0)
        }
    }

    /// Events that wait for the disk.
    var depth: Int { self.waiting.withLock { $0.lines.count } }

    /// Events lost since the start because the disk did not take them.
    var lost: Int64 { self.waiting.withLock { $0.lost } }

    func record(_ event: AuditEvent) async {
        guard let line = Self.line(event) else { return }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            self.enqueue(line, Once(continuation))
        }
    }

    private func enqueue(_ line: [UInt8], _ done: Once) {
        let limit = self.settings.maxWaiting
        /// Nil: there is no room. True: somebody must see to the queue.
        let schedule: Bool? = self.waiting.withLock { (waiting: inout Waiting) -> Bool? in
            guard waiting.lines.count < limit else {
                waiting.lost += 1
                return nil
            }
            waiting.lines.append((line: line, done: done))
            defer { waiting.isScheduled = true }
            return !waiting.isScheduled
        }
        guard let schedule else { return done.resume() }
        if schedule { self.disk.async { self.drain() } }
        let patience = Int(self.settings.patience / .milliseconds(1))
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(patience)) { done.resume() }
    }

    func refusal() async -> String? {
        guard self.settings.isRequired else { return nil }
        guard self.waiting.withLock({ $0.failure }) != nil else { return nil }
        // It may work again: what was lost is what is written first.
        await self.record(
            AuditEvent(
                at: Int64(Date().timeIntervalSince1970 * 1000), kind: .change, actor: "weft", subject: "audit log",
                details: ["cause": "the log is tried again"]))
        return self.waiting.withLock { $0.failure }
    }

    // MARK: Reading

    /// The newest events that `query` asks for, newest first. Lines that are no events, as a killed process may leave
    /// one, are passed over.
    func read(_ query: AuditQuery) async -> [AuditEvent] {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: AuditFile.read(path: self.path, old: self.settings.oldFiles, query))
            }
        }
    }

    // MARK: Writing

    private func drain() {
        while true {
            let (lines, lost) = self.waiting.withLock { waiting in
                let lines = waiting.lines
                waiting.lines = []
                if lines.isEmpty { waiting.isScheduled = false }
                return (lines, waiting.failure == nil ? 0 : waiting.lost)
            }
            guard !lines.isEmpty else { return }
            self.write(lines.map(\.line), lost: lost)
            for (_, done) in lines { done.resume() }
        }
    }

    private func write(_ lines: [[UInt8]], lost: Int64) {
        var bytes: [UInt8] = []
        if lost > 0 {
            let event = AuditEvent(
                at: Int64(Date().timeIntervalSince1970 * 1000), kind: .change, actor: "weft", subject: "audit log",
                outcome: .refused,
                details: ["cause": "events were lost: the disk did not take them", "lost": "\(lost)"])
            bytes += Self.line(event) ?? []
        }
        for line in lines { bytes += line }
        do throws(AuditFile.Failure) {
            try self.file.withLock { file throws(AuditFile.Failure) in try file.append(bytes) }
            let recovered = self.waiting.withLock { waiting in
                defer {
                    waiting.failure = nil
                    waiting.lost -= lost
                }
                return waiting.failure != nil
            }
            if recovered { self.logger.notice("the audit log is written again", metadata: ["lost": "\(lost)"]) }
        } catch {
            self.note(error.cause, lost: Int64(lines.count))
        }
    }

    private func note(_ cause: String, lost: Int64) {
        let isNew = self.waiting.withLock { waiting in
            waiting.lost += lost
            defer { waiting.failure = cause }
            return waiting.failure != cause
        }
        guard isNew else { return }
        self.logger.error(
            "the audit log cannot be written",
            metadata: ["path": "\(self.path)", "cause": "\(cause)", "required": "\(self.settings.isRequired)"])
    }

    private static func line(_ event: AuditEvent) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A value of texts and numbers always encodes.
        return (try? encoder.encode(event)).map { Array($0) + [UInt8(ascii: "\n")] }
    }

    /// A continuation that several may resume; the first does.
    private final class Once: Sendable {
        private let continuation: Mutex<CheckedContinuation<Void, Never>?>

        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = Mutex(continuation) }

        func resume() {
            self.continuation.withLock { continuation in
                defer { continuation = nil }
                return continuation
            }?.resume()
        }
    }
}
