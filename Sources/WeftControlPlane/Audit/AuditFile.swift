internal import Foundation
internal import WeftModel

/// The audit log's files: appended to, brought to disk, and turned over when full.
struct AuditFile: ~Copyable {
    struct Failure: Error, Hashable, Sendable {
        let cause: String
    }

    private let path: String
    private let maxBytes: Int
    private let oldFiles: Int
    private var descriptor: Int32 = -1
    private var size = 0

    init(path: String, settings: FileAuditLog.Settings) {
        self.path = path
        self.maxBytes = settings.maxBytes
        self.oldFiles = settings.oldFiles
    }

    deinit { if self.descriptor >= 0 { _ = close(self.descriptor) } }

    /// Opens the newest file, or makes it, mode 0600. A last line that was cut off is ended, so that the next begins
    /// anew.
    mutating func ready() throws(Failure) {
        guard self.descriptor < 0 else { return }
        let descriptor = open(
            self.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw Self.failure("it cannot be opened") }
        // Pipes and the like have no end to go to.
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0, fchmod(descriptor, 0o600) == 0 else {
            _ = close(descriptor)
            throw Failure(cause: "it is no plain file of the user that runs weft")
        }
        self.descriptor = descriptor
        self.size = Int(size)
        var last: UInt8 = 0
        if self.size > 0, pread(descriptor, &last, 1, off_t(self.size - 1)) == 1, last != UInt8(ascii: "\n") {
            try self.put([UInt8(ascii: "\n")])
        }
    }

    /// Appends whole lines and brings them to disk.
    mutating func append(_ bytes: [UInt8]) throws(Failure) {
        try self.ready()
        if self.size > 0, self.size + bytes.count > self.maxBytes { try self.turnOver() }
        try self.put(bytes)
        guard fsync(self.descriptor) == 0 else { throw Self.failure("it cannot be brought to disk") }
    }

    private mutating func put(_ bytes: [UInt8]) throws(Failure) {
        let before = self.size
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(self.descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = Self.failure("it cannot be written")
                // Half a line would spoil the next one.
                if ftruncate(self.descriptor, off_t(before)) == 0 { self.size = before }
                throw failure
            }
            self.size += count
            rest = rest.dropFirst(count)
        }
    }

    private mutating func turnOver() throws(Failure) {
        _ = close(self.descriptor)
        self.descriptor = -1
        if self.oldFiles == 0 {
            _ = unlink(self.path)
        } else {
            for number in stride(from: self.oldFiles - 1, through: 1, by: -1) {
                _ = rename("\(self.path).\(number)", "\(self.path).\(number + 1)")
            }
            guard rename(self.path, "\(self.path).1") == 0 else { throw Self.failure("it cannot be set aside") }
        }
        try self.ready()
    }

    /// The newest events first. Reads one file at a time, at most all that are kept.
    static func read(path: String, old: Int, _ query: AuditQuery) -> [AuditEvent] {
        // Opened together, so that a turn-over meanwhile shows nothing twice.
        let handles = ([path] + (1...max(1, old)).map { "\(path).\($0)" }).compactMap {
            FileHandle(forReadingAtPath: $0)
        }
        let decoder = JSONDecoder()
        var events: [AuditEvent] = []
        for handle in handles {
            guard let data = try? handle.readToEnd() else { continue }
            for line in data.split(separator: UInt8(ascii: "\n")).reversed() {
                guard let event = try? decoder.decode(AuditEvent.self, from: line), query.matches(event) else {
                    continue
                }
                events.append(event)
                if events.count >= query.limit { return events }
            }
        }
        return events
    }

    private static func failure(_ what: String) -> Failure {
        Failure(cause: "\(what): \(String(cString: strerror(errno)))")
    }
}
