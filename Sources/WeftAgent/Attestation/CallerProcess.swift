#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
internal import Foundation
internal import NIOCore
internal import NIOPosix

/// The process that opened one connection, held on to so that its number cannot come to mean another process.
///
/// The kernel says who connected. Everything else is read from `/proc` when a call comes, and believed only if the same
/// process is there before and after the reading.
final class CallerProcess: Sendable {
    let pid: Int32
    let uid: UInt32
    let gid: UInt32
    /// A descriptor of the process itself (Linux 6.5 and newer); nil where the kernel gives none.
    private let descriptor: Int32?
    /// When it started, as it was when it connected.
    private let startTime: UInt64

    /// Asks the kernel who is at the other end of a connection to a Unix socket.
    init(_ channel: any Channel) throws {
        #if os(Linux)
            let found = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self
            ) { socket -> (Credentials, Int32?) in
                guard let credentials = Self.option(socket, SO_PEERCRED, Credentials()) else {
                    throw AttestationError("the kernel does not say who is calling")
                }
                return (credentials, Self.option(socket, Self.peerProcess, Int32(-1)).flatMap { $0 < 0 ? nil : $0 })
            }
            guard let (credentials, descriptor) = found else {
                throw AttestationError("the connection is no socket's")
            }
            guard credentials.pid > 0 else {
                if let descriptor { _ = close(descriptor) }
                throw AttestationError("the caller is in a process namespace that is not visible from here")
            }
            guard let startTime = Self.startTime(of: credentials.pid) else {
                if let descriptor { _ = close(descriptor) }
                throw AttestationError("the caller has ended")
            }
            (self.pid, self.uid, self.gid) = (credentials.pid, credentials.uid, credentials.gid)
            self.descriptor = descriptor
            self.startTime = startTime
        #else
            throw AttestationError("callers are known by Linux's ways only")
        #endif
    }

    deinit {
        if let descriptor = self.descriptor { _ = close(descriptor) }
    }

    /// What is so of it now; throws when it has ended.
    ///
    /// - Parameter wantsUser: whether its user's name is looked up, which may ask other hosts.
    func facts(wantsUser: Bool) throws(AttestationError) -> ProcessFacts {
        guard self.isThere else { throw AttestationError("the caller has ended") }
        let path = Self.program(of: self.pid)
        let unit = Self.text("/proc/\(self.pid)/cgroup").flatMap(ProcessText.unit(ofControlGroups:))
        let facts = ProcessFacts(
            pid: self.pid, uid: self.uid, gid: self.gid, path: path, unit: unit,
            user: wantsUser ? Self.userName(self.uid) : nil)
        guard self.isThere else { throw AttestationError("the caller has ended") }
        return facts
    }

    /// Whether the process that connected is still the one that its number means.
    private var isThere: Bool {
        if let descriptor = self.descriptor {
            // A descriptor of a process can be read from once that has ended.
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard hasNothing(&state),
                Self.text("/proc/self/fdinfo/\(descriptor)").flatMap(ProcessText.process(ofDescriptorInfo:)) == self.pid
            else { return false }
        }
        return Self.startTime(of: self.pid) == self.startTime
    }

    /// The path of a process's executable, provided that the file at that path here is that executable. A process may
    /// have a file system tree of its own, in which anything may lie at any path.
    private static func program(of pid: Int32) -> String? {
        let executable = "/proc/\(pid)/exe"
        guard let path = self.link(executable) else { return nil }
        var (running, found) = (stat(), stat())
        guard stat(executable, &running) == 0, stat(path, &found) == 0, running.st_dev == found.st_dev,
            running.st_ino == found.st_ino
        else { return nil }
        return path
    }

    private static func startTime(of pid: Int32) -> UInt64? {
        self.text("/proc/\(pid)/stat").flatMap(ProcessText.startTime(ofStat:))
    }

    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        // Files of /proc are small; what is not is cut, and then not understood.
        while bytes.count < 64 * 1024 {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func link(_ path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4097)
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
            }
        }
        guard count > 0, count < bytes.count else { return nil }
        return String(validating: bytes[..<count], as: UTF8.self)
    }

    private static func userName(_ uid: UInt32) -> String? {
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16 * 1024)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &result) == 0, let found = result else { return nil }
        return found.pointee.pw_name.flatMap { String(validatingCString: $0) }
    }

    /// Linux's `struct ucred`.
    private struct Credentials {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
    }

    /// Linux's `SO_PEERPIDFD`, which C libraries do not name yet.
    private static let peerProcess: Int32 = 77

    private static func option<Value>(_ socket: Int32, _ name: Int32, _ initial: Value) -> Value? {
        var value = initial
        var size = socklen_t(MemoryLayout<Value>.size)
        let result = withUnsafeMutableBytes(of: &value) { buffer in
            getsockopt(socket, SOL_SOCKET, name, buffer.baseAddress, &size)
        }
        return result == 0 && Int(size) == MemoryLayout<Value>.size ? value : nil
    }
}

/// Whether nothing can be read from a descriptor now.
private func hasNothing(_ descriptor: inout pollfd) -> Bool { poll(&descriptor, 1, 0) == 0 }

/// Why it could not be said who calls.
struct AttestationError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
