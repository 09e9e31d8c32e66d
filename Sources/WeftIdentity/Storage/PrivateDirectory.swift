#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A directory that only its owner can enter (0700), with files only its owner can read (0600).
///
/// A file whose permissions let others in is refused rather than repaired: its key may be known already.
package struct PrivateDirectory: CredentialStorage {
    package let path: String

    /// Makes the directory, and those above it, when it is missing.
    package init(path: String) throws(CredentialStorageError) {
        self.path = path
        try Self.make(path)
    }

    package func read(_ name: String) throws(CredentialStorageError) -> [UInt8]? {
        let file = self.path(of: name)
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Self.failure(file, "cannot be opened")
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Self.failure(file, "cannot be examined") }
        guard status.st_mode & 0o077 == 0 else {
            throw CredentialStorageError(
                path: file, cause: "others may read it (mode \(String(status.st_mode & 0o777, radix: 8)))",
                remedy: "make a new one if it may have leaked, else chmod 600 it")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = Self.retrying { Self.get(descriptor, &chunk) }
            guard count >= 0 else { throw Self.failure(file, "cannot be read") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    package func write(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) {
        let file = self.path(of: name)
        let temporary = try self.writeTemporary(for: name, bytes)
        guard rename(temporary, file) == 0 else {
            let error = Self.failure(file, "cannot be replaced")
            _ = unlink(temporary)
            throw error
        }
        try self.syncDirectory()
    }

    package func create(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) -> Bool {
        let file = self.path(of: name)
        let temporary = try self.writeTemporary(for: name, bytes)
        // A link fails when the name is taken, which a rename would not.
        let made = link(temporary, file) == 0
        let failure = made || errno == EEXIST ? nil : Self.failure(file, "cannot be made")
        _ = unlink(temporary)
        if let failure { throw failure }
        try self.syncDirectory()
        return made
    }

    package func remove(_ name: String) throws(CredentialStorageError) {
        let file = self.path(of: name)
        guard unlink(file) == 0 || errno == ENOENT else { throw Self.failure(file, "cannot be removed") }
        try self.syncDirectory()
    }

    /// The full path of a file in this directory, for programs that read it themselves.
    package func path(of name: String) -> String { "\(self.path)/\(name)" }

    private func writeTemporary(for name: String, _ bytes: [UInt8]) throws(CredentialStorageError) -> String {
        let temporary = self.path(of: ".\(name).\(getpid()).\(UInt32.random(in: .min ... .max))")
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(temporary, "cannot be made") }
        defer { _ = close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Self.retrying { rest.withUnsafeBytes { Self.put(descriptor, $0) } }
            guard count > 0 else {
                let error = Self.failure(temporary, "cannot be written")
                _ = unlink(temporary)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else {
            let error = Self.failure(temporary, "cannot be brought to disk")
            _ = unlink(temporary)
            throw error
        }
        return temporary
    }

    /// Brings a rename or link to disk.
    private func syncDirectory() throws(CredentialStorageError) {
        let descriptor = open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(self.path, "cannot be opened") }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Self.failure(self.path, "cannot be brought to disk") }
    }

    private static func make(_ path: String) throws(CredentialStorageError) {
        if mkdir(path, 0o700) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw CredentialStorageError(
                    path: path, cause: "it is not a directory", remedy: "remove it or choose another directory")
            }
        case ENOENT:
            guard let slash = path.dropFirst().lastIndex(of: "/") else { throw Self.failure(path, "cannot be made") }
            try Self.make(String(path[..<slash]))
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure(path, "cannot be made") }
        default:
            throw Self.failure(path, "cannot be made")
        }
    }

    private static func get(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, &bytes, bytes.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, &bytes, bytes.count)
        #else
            Darwin.read(descriptor, &bytes, bytes.count)
        #endif
    }

    private static func put(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result < 0, errno == EINTR { continue }
            return result
        }
    }

    static func failure(_ path: String, _ what: String) -> CredentialStorageError {
        let code = errno
        let remedy =
            switch code {
            case EACCES, EPERM: "give the user that runs weft the right to it"
            case ENOSPC, EDQUOT: "make room on the disk"
            case EROFS: "choose a data directory on a disk that can be written"
            case ELOOP: "it must be a plain file, not a symbolic link"
            case ENOTDIR: "something above it is a file; choose another directory"
            default: "check the path and the disk"
            }
        return CredentialStorageError(path: path, cause: "\(what): \(String(cString: strerror(code)))", remedy: remedy)
    }
}
