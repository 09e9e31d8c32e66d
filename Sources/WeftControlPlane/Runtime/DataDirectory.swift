internal import Foundation
internal import WeftIdentity

/// The directory that a control plane keeps everything in, held by one process at a time.
///
/// The hold is an advisory lock on the file `lock`; it ends with the process, however that ends.
final class DataDirectory: Sendable {
    let path: String
    private let lock: Int32

    /// Makes the directory and its parts where they are missing, mode 0700, and takes hold of it.
    init(_ path: String) throws(ControlPlaneError) {
        self.path = path
        for part in [path, "\(path)/run", "\(path)/authority"] {
            do {
                _ = try PrivateDirectory(path: part)
            } catch {
                throw .dataDirectoryUnusable(path: error.path, cause: error.cause, remedy: error.remedy)
            }
        }
        let file = "\(path)/lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            let remedy =
                switch code {
                case ENOSPC, EDQUOT: "make room on the disk"
                case EROFS: "choose a data directory on a disk that can be written"
                default: "give the user that runs weft the right to it"
                }
            throw .dataDirectoryUnusable(
                path: file, cause: "cannot be opened: \(String(cString: strerror(code)))", remedy: remedy)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = max(0, pread(descriptor, &text, text.count, 0))
            _ = close(descriptor)
            let holder = String(decoding: text.prefix(count), as: UTF8.self)
            throw .dataDirectoryInUse(path: path, by: Int32(holder.prefix { $0.isNumber }))
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.lock = descriptor
    }

    deinit { _ = close(self.lock) }

    var database: String { "\(self.path)/weft.sqlite" }

    /// Where the keys of the authority are.
    var authority: PrivateDirectory {
        get throws(ControlPlaneError) {
            do {
                return try PrivateDirectory(path: "\(self.path)/authority")
            } catch {
                throw .dataDirectoryUnusable(path: error.path, cause: error.cause, remedy: error.remedy)
            }
        }
    }
}
