internal import Foundation
internal import WeftIdentity

/// The directory that a control plane keeps everything in, held by one process at a time.
///
/// The hold ends with the process, however that ends.
final class DataDirectory: Sendable {
    let path: String
    private let lock: DirectoryLock

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
        do {
            self.lock = try DirectoryLock(PrivateDirectory(path: path))
        } catch DirectoryLock.Failure.held(let process) {
            throw .dataDirectoryInUse(path: path, by: process)
        } catch DirectoryLock.Failure.unusable(let error) {
            throw .dataDirectoryUnusable(path: error.path, cause: error.cause, remedy: error.remedy)
        } catch {
            throw .dataDirectoryUnusable(path: path, cause: "\(error)", remedy: "check the path and the disk")
        }
    }

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
