#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Holds a directory for one process: an advisory lock on its file `lock`, which ends with the process however that ends.
package final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Why a directory could not be held.
    package enum Failure: Error {
        /// Another process holds it; its number where it could be read.
        case held(by: Int32?)
        case unusable(CredentialStorageError)
    }

    /// Takes hold of the directory, and writes this process's number into the lock for whoever comes second.
    package init(_ directory: PrivateDirectory) throws(Failure) {
        let file = directory.path(of: "lock")
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unusable(PrivateDirectory.failure(file, "cannot be opened")) }
        guard Self.lock(descriptor) else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = max(0, pread(descriptor, &text, text.count, 0))
            _ = close(descriptor)
            let holder = String(decoding: text.prefix(count), as: UTF8.self)
            throw .held(by: Int32(holder.prefix { $0.isNumber }))
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = descriptor
    }

    /// Takes the lock within a second. A process that has just been forked holds its parent's files until it becomes
    /// another program, so that a lock which was let go may seem held for a moment.
    private static func lock(_ descriptor: Int32) -> Bool {
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
            _ = usleep(20_000)
        }
        return false
    }

    deinit { _ = close(self.descriptor) }
}
