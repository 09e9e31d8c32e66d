import ArgumentParser
import Foundation
import Testing
import WeftModel

@testable import WeftCLI

@Suite struct RotateOptionsTests {
    private func newRoot(_ arguments: String...) throws -> RotationRequest.NewRoot? {
        let command = try IdentityCommand.Rotate.parse(arguments)
        return try command.newRoot(command.root ? .root : .abort)
    }

    @Test func `a new root is read from files, and goes without a key where that waits in the data directory`() throws {
        let path = NSTemporaryDirectory() + "weft-rotate-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for name in ["root", "below", "key", "cross"] {
            try Data(name.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        #expect(try self.newRoot("--root") == nil)
        let without = try self.newRoot("--root", "--root-cert", "\(path)/root", "--intermediate-cert", "\(path)/below")
        #expect(without == .init(rootCertificate: "root", intermediateCertificate: "below", intermediateKey: nil))
        let whole = try self.newRoot(
            "--root", "--root-cert", "\(path)/root", "--intermediate-cert", "\(path)/below", "--intermediate-key",
            "\(path)/key", "--cross-cert", "\(path)/cross")
        #expect(whole?.intermediateKey == "key" && whole?.crossCertificate == "cross")
        let absent = #expect(throws: CommandFailure.self) {
            try self.newRoot("--root", "--root-cert", "\(path)/none", "--intermediate-cert", "\(path)/below")
        }
        #expect(absent?.location == "\(path)/none" && absent?.exit == .usage)
    }

    @Test(arguments: [
        (["--abort", "--root-cert", "a", "--intermediate-cert", "b"], "--root-cert is for --root"),
        (["--root", "--root-cert", "a"], "a new root needs its certificate and that of an intermediate it signed"),
        (
            ["--root", "--intermediate-key", "a"],
            "a new root needs its certificate and that of an intermediate it signed"
        ),
        (["--abort", "--cross-cert", "a"], "--cross-cert is for --root"),
    ])
    func `what belongs together is asked for together`(arguments: [String], message: String) throws {
        let command = try IdentityCommand.Rotate.parse(arguments)
        let failure = #expect(throws: CommandFailure.self) { try command.newRoot(command.root ? .root : .abort) }
        #expect(failure?.message == message && failure?.exit == .usage)
    }
}
