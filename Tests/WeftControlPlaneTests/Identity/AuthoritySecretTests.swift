import Foundation
import Testing

@testable import WeftControlPlane

@Suite struct AuthoritySecretTests {
    private func with(mode: Int, _ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "weft-secret-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(String(repeating: "ab", count: 32).utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        try body(path)
    }

    @Test(arguments: [
        (0o600, false), (0o400, false), (0o644, true), (0o640, true), (0o604, true), (0o666, true), (0o620, true),
    ])
    func `a key's file that others than its owner may read or change is told of`(mode: Int, isOpen: Bool) throws {
        try self.with(mode: mode) { path in
            var configuration = ControlPlaneConfiguration(dataDirectory: "/nowhere")
            configuration.authorityKeyFile = path
            let expected = "\(path) has the mode 0\(String(mode, radix: 8)); its owner alone should read it: chmod 600"
            #expect(AuthoritySecret.openFiles(configuration) == (isOpen ? [expected] : []))
            #expect(OfflineAuthority.remark(onFile: path) == (isOpen ? expected : nil))
            // A secret all the same: it is said, and the control plane starts.
            let secret = try AuthoritySecret.read(configuration)
            #expect(secret != nil)
        }
    }

    @Test func `of a link what it leads to counts, and what is not there says nothing here`() throws {
        try self.with(mode: 0o600) { path in
            let link = path + "-link"
            defer { try? FileManager.default.removeItem(atPath: link) }
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            #expect(OfflineAuthority.remark(onFile: link) == nil)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            #expect(OfflineAuthority.remark(onFile: link)?.hasPrefix("\(link) has the mode 0644") == true)
        }
        #expect(OfflineAuthority.remark(onFile: "/nowhere/at/all") == nil)
    }
}
