#if canImport(Glibc)
    import Foundation
    import Glibc
    import Testing

    @testable import WeftCLI

    @Suite struct DetachmentTests {
        @Test func `what is started in the background holds nothing that the caller has open`() throws {
            let log = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID()).log").path
            defer { try? FileManager.default.removeItem(atPath: log) }
            // Inherited by whoever is started, but for a close on the way.
            let inherited = open("/dev/null", O_RDONLY)
            defer { close(inherited) }
            let pid = try Detachment.start(
                ["/bin/sh", "-c", "ls /proc/$$/fd; exit 0"], environment: ["PATH": "/bin:/usr/bin"], log: log)
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid)
            let found = Set(try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n"))
            #expect(found.isSuperset(of: ["0", "1", "2"]))
            #expect(inherited > 2 && !found.contains("\(inherited)"))
        }
    }
#endif
