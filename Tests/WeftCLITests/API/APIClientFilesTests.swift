import Foundation
import Testing

@testable import WeftCLI

@Suite struct APIClientFilesTests {
    private func failure(_ authority: String?, _ certificate: String?) async -> CommandFailure? {
        await #expect(throws: CommandFailure.self) {
            try await APIClient.with(
                .url("https://127.0.0.1:1"), certificateAuthority: authority, certificate: certificate
            ) { _ in }
        }
    }

    @Test func `files of certificates that cannot be used are told why`() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "weft-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        func file(_ name: String, _ text: String) throws -> String {
            let path = directory.appending(path: name)
            try Data(text.utf8).write(to: path)
            return path.path
        }
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for (path, cause) in [
            (directory.appending(path: "none.pem").path, "there is no such file"),
            (directory.path, "it is a directory"),
            (try file("text.pem", "hello"), "it holds no certificate in PEM"),
            (try file("damaged.pem", damaged), "a certificate in it is damaged"),
        ] {
            #expect(await self.failure(path, nil)?.cause == cause)
            #expect(await self.failure(nil, path)?.cause == cause)
        }
    }
}
