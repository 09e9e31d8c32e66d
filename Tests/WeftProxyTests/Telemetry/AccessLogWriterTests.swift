import Foundation
import Testing

@testable import WeftProxy

@Suite struct AccessLogWriterTests {
    private func inDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("weft-log-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(directory)
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    }

    @Test func `lines go on in a new file when the old one was moved away`() async throws {
        try await self.inDirectory { directory in
            let path = "\(directory)/access.log"
            let writer = AccessLogWriter(path: path)
            #expect(writer.problem() == nil)
            Array("one\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written()
            try FileManager.default.moveItem(atPath: path, toPath: "\(path).1")
            Array("two\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written()
            #expect(try self.text("\(path).1") == "one\n")
            #expect(try self.text(path) == "two\n")
            try FileManager.default.removeItem(atPath: path)
            Array("three\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written()
            #expect(try self.text(path) == "three\n")
            #expect(writer.dropped == (0, 0))
        }
    }

    @Test func `a disk that takes nothing loses lines and no more, and they are counted`() async throws {
        // Takes no byte, as a full disk.
        var sink = LogSink(path: "/dev/full")
        #expect(sink.problem() == nil)
        #expect(sink.write(Array("one\ntwo\n".utf8)) == 2)
        sink.close()
        try await self.inDirectory { directory in
            let writer = AccessLogWriter(path: "\(directory)/none/access.log")
            #expect(writer.problem()?.isEmpty == false)
            Array("one\ntwo\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written()
            #expect(writer.dropped == (0, 2))
            // It tries again with the next line.
            try FileManager.default.createDirectory(atPath: "\(directory)/none", withIntermediateDirectories: true)
            Array("three\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written()
            #expect(try self.text("\(directory)/none/access.log") == "three\n")
        }
    }

    @Test func `nobody waits for a reader that does not read`() async throws {
        try await self.inDirectory { directory in
            // A pipe without a reader: opening it for writing waits, as would a disk that hangs.
            let path = "\(directory)/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let writer = AccessLogWriter(path: path)
            let line = Array((String(repeating: "x", count: 1023) + "\n").utf8)
            for _ in 0..<3000 { line.withUnsafeBytes { writer.append($0) } }
            #expect(writer.dropped.full > 0)
            // Lets the thread go that waits in it.
            let reader = open(path, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            let drained = Task {
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while !Task.isCancelled {
                    _ = buffer.withUnsafeMutableBytes { read(reader, $0.baseAddress, $0.count) }
                    await Task.yield()
                }
            }
            await writer.written()
            drained.cancel()
            await drained.value
        }
    }

    @Test func `a sidecar that stops does not wait for a reader that does not read`() async throws {
        try await self.inDirectory { directory in
            let path = "\(directory)/pipe"
            try #require(mkfifo(path, 0o600) == 0)
            let writer = AccessLogWriter(path: path)
            Array("one\ntwo\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written(within: .milliseconds(20))
            #expect(writer.stopped == 2)
            Array("three\n".utf8).withUnsafeBytes { writer.append($0) }
            #expect(writer.stopped == 3)
            #expect(writer.dropped == (0, 0))
            // Lets the thread go that waits in it.
            let reader = open(path, O_RDONLY | O_NONBLOCK)
            await writer.written()
            close(reader)
            #expect(writer.stopped == 3)
        }
    }

    @Test func `lines that are taken in time are no loss when the sidecar stops`() async throws {
        try await self.inDirectory { directory in
            let path = "\(directory)/access.log"
            let writer = AccessLogWriter(path: path)
            Array("one\n".utf8).withUnsafeBytes { writer.append($0) }
            await writer.written(within: .seconds(600))
            let text = try self.text(path)
            #expect(text == "one\n")
            #expect(writer.stopped == 0)
        }
    }
}
