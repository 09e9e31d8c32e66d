#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What lines are written to: standard output, or a file that others may move away to rotate it. Blocks.
struct LogSink {
    /// Nil is standard output.
    private let path: String?
    private var descriptor: Int32 = -1
    /// A line was cut off: the next must not be joined to it.
    private var endsWithin = false

    init(path: String?) { self.path = path }

    /// Writes whole lines; answers how many of them are lost.
    mutating func write(_ lines: [UInt8]) -> Int {
        guard let descriptor = self.open() else { return lines.count { $0 == UInt8(ascii: "\n") } }
        if self.endsWithin, Self.write([UInt8(ascii: "\n")], to: descriptor) == 1 { self.endsWithin = false }
        let written = Self.write(lines, to: descriptor)
        if written == lines.count { return 0 }
        if written > 0 { self.endsWithin = lines[written - 1] != UInt8(ascii: "\n") }
        return lines[written...].count { $0 == UInt8(ascii: "\n") }
    }

    /// The bytes that were taken.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int {
        bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                #if canImport(Darwin)
                    let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
                #else
                    let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                #endif
                if count < 0, errno == EINTR { continue }
                if count <= 0 { break }
                done += count
            }
            return done
        }
    }

    /// Where to write; a file is opened again when its name has come to mean another, or none.
    private mutating func open() -> Int32? {
        guard let path = self.path else { return 1 }
        if self.descriptor >= 0, !Self.isSame(self.descriptor, path) { self.close() }
        if self.descriptor < 0 {
            self.descriptor = Self.open(path)
            // Whoever had the file before ended its last line or not; only our own are known.
            self.endsWithin = false
        }
        return self.descriptor < 0 ? nil : self.descriptor
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        #else
            Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        #endif
    }

    /// Whether the path still names the open file: the kernel tells under which name that is now, and of one that has none
    /// any more it says so behind the name.
    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        guard let named = realpath(path, nil) else { return false }
        defer { free(named) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { held in
            guard let start = held.baseAddress else { return false }
            let count = readlink("/proc/self/fd/\(descriptor)", start, Int(PATH_MAX))
            return count >= 0 && count == strlen(named) && memcmp(start, named, count) == 0
        }
    }

    mutating func close() {
        guard self.descriptor >= 0 else { return }
        #if canImport(Darwin)
            _ = Darwin.close(self.descriptor)
        #else
            _ = Glibc.close(self.descriptor)
        #endif
        self.descriptor = -1
    }

    /// Opens the file where it is not open; why that did not work.
    mutating func problem() -> String? {
        if self.open() != nil { return nil }
        return String(cString: strerror(errno))
    }
}
