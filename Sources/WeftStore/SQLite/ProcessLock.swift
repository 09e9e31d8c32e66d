#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Keeps a second control plane off a data directory. The system lets go of it when the process ends, however it ends.
struct ProcessLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Takes the lock beside the database at `path`.
    init(besides path: String) throws(StoreError) {
        let file = path + ".lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            switch code {
            case EROFS: throw .readOnly(path: file)
            case ENOSPC, EDQUOT: throw .diskFull(path: file)
            default: throw .cannotOpen(path: file, cause: String(cString: strerror(code)))
            }
        }
        guard Self.lock(descriptor) else {
            _ = close(descriptor)
            throw .inUse(path: path)
        }
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

    /// Makes the database's file, for its owner only; SQLite gives its journals the same mode.
    static func makePrivateFile(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            _ = close(descriptor)
            return
        }
        let code = errno
        switch code {
        case EROFS, EACCES, EPERM: throw .readOnly(path: path)
        case ENOSPC, EDQUOT: throw .diskFull(path: path)
        default: throw .cannotOpen(path: path, cause: String(cString: strerror(code)))
        }
    }
}
