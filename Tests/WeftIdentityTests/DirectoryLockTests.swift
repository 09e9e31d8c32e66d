import Foundation
import Testing
import WeftIdentity

@Suite struct DirectoryLockTests {
    @Test func `a directory is held once, and again when it was let go`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "weft-lock-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let directory = try PrivateDirectory(path: path)
        var lock: DirectoryLock? = try DirectoryLock(directory)
        var holder: Int32?
        do throws(DirectoryLock.Failure) {
            _ = try DirectoryLock(directory)
            Issue.record("held twice")
        } catch .held(let process) {
            holder = process
        } catch {
            Issue.record("\(error)")
        }
        #expect(holder == ProcessInfo.processInfo.processIdentifier)
        withExtendedLifetime(lock) {}
        lock = nil
        _ = try DirectoryLock(directory)
    }
}
