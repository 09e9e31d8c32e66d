import Foundation
import Logging
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct FileAuditLogTests {
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func event(_ number: Int, kind: AuditEvent.Kind = .change) -> AuditEvent {
        AuditEvent(at: Int64(number), kind: kind, actor: "local", subject: "Service/default/s\(number)")
    }

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = "/tmp/weft-audit-\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test func `what was recorded is read newest first, by kind, time and number, over restarts`() async throws {
        try await self.withDirectory { directory in
            var log = try FileAuditLog(directory: directory, logger: self.quiet)
            for number in 1...5 { await log.record(self.event(number)) }
            log = try FileAuditLog(directory: directory, logger: self.quiet)
            await log.record(self.event(6, kind: .login))
            #expect(await log.read(AuditQuery()).map(\.at) == [6, 5, 4, 3, 2, 1])
            #expect(await log.read(AuditQuery(kind: .change, since: 4)).map(\.at) == [5, 4])
            #expect(await log.read(AuditQuery(limit: 2)).map(\.at) == [6, 5])
            let mode = try FileManager.default.attributesOfItem(atPath: log.path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
        }
    }

    @Test func `files turn over by size, and only so many are kept`() async throws {
        try await self.withDirectory { directory in
            var settings = FileAuditLog.Settings()
            settings.maxBytes = 300
            settings.oldFiles = 2
            let log = try FileAuditLog(directory: directory, settings: settings, logger: self.quiet)
            for number in 1...40 { await log.record(self.event(number)) }
            let files = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            #expect(files == ["audit.log", "audit.log.1", "audit.log.2"])
            let read = await log.read(AuditQuery()).map(\.at)
            #expect(read == Array((1...40).reversed().prefix(read.count)).map(Int64.init))
            #expect(read.count > 3)
        }
    }

    @Test func `a line that a killed process cut off spoils no other`() async throws {
        try await self.withDirectory { directory in
            try Data(#"{"at":1,"kind":"cha"#.utf8).write(to: URL(fileURLWithPath: "\(directory)/audit.log"))
            let log = try FileAuditLog(directory: directory, logger: self.quiet)
            await log.record(self.event(2))
            #expect(await log.read(AuditQuery()).map(\.at) == [2])
        }
    }

    @Test func `a disk that takes nothing stops nobody, is counted, and told when it works again`() async throws {
        try await self.withDirectory { directory in
            // A directory where the file should be: nothing can be appended to it, whoever tries.
            try FileManager.default.createDirectory(
                atPath: "\(directory)/audit.log", withIntermediateDirectories: false)
            let log = try FileAuditLog(directory: directory, logger: self.quiet)
            await log.record(self.event(1))
            await log.record(self.event(2))
            #expect(log.lost == 2)
            #expect(await log.refusal() == nil)
            try FileManager.default.removeItem(atPath: "\(directory)/audit.log")
            await log.record(self.event(3))
            let read = await log.read(AuditQuery())
            #expect(read.map(\.subject) == ["Service/default/s3", "audit log"])
            #expect(read.last?.details["lost"] == "2")
        }
    }

    @Test func `a required log refuses to start without its file, and says so while it cannot write`() async throws {
        try await self.withDirectory { directory in
            var settings = FileAuditLog.Settings()
            settings.isRequired = true
            settings.maxBytes = 1
            settings.oldFiles = 1
            let log = try FileAuditLog(directory: directory, settings: settings, logger: self.quiet)
            await log.record(self.event(1))
            #expect(await log.refusal() == nil)
            // Turning over fails, because a directory that is not empty stands in the way.
            try FileManager.default.createDirectory(
                atPath: "\(directory)/audit.log.1/x", withIntermediateDirectories: true)
            await log.record(self.event(2))
            #expect(await log.refusal() != nil)
            try FileManager.default.removeItem(atPath: "\(directory)/audit.log.1")
            #expect(await log.refusal() == nil)
            try FileManager.default.removeItem(atPath: "\(directory)/audit.log")
            try FileManager.default.createDirectory(
                atPath: "\(directory)/audit.log", withIntermediateDirectories: false)
            #expect(throws: ControlPlaneError.self) {
                try FileAuditLog(directory: directory, settings: settings, logger: self.quiet)
            }
        }
    }
}
