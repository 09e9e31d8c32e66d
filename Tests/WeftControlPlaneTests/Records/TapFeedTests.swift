import Foundation
import Synchronization
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct TapFeedTests {
    private struct Gone: Error {}

    private static func line(_ id: String) -> TapLine {
        var record = HopRecord()
        record.requestID = id
        record.path = "/a\n{\u{9B}"
        return TapLine(request: record)
    }

    /// No test is about how often a quiet tap shows that it is there.
    private static func feed(_ pulse: Duration = .seconds(600)) -> (TapFeed, AsyncStream<TapLine>.Continuation) {
        let (lines, sender) = AsyncStream.makeStream(of: TapLine.self)
        return (TapFeed(lines: lines, pulse: pulse), sender)
    }

    @Test func `each record is one line of JSON, after a first that says that the tap is open`() async throws {
        let (feed, sender) = Self.feed()
        for id in ["one", "two"] { sender.yield(Self.line(id)) }
        sender.finish()
        var written: [UInt8] = []
        try await feed.run { written += $0 }
        let lines = String(decoding: written, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first == "{}" && lines.last == "" && lines.count == 4)
        let read = try lines.dropFirst().dropLast().map { try JSONDecoder().decode(TapLine.self, from: Data($0.utf8)) }
        #expect(read == ["one", "two"].map(Self.line))
    }

    @Test func `a quiet tap writes all the same, so that a reader who has gone is noticed`() async throws {
        let (feed, sender) = Self.feed(.milliseconds(1))
        var count = 0
        await #expect(throws: Gone.self) {
            try await feed.run { bytes in
                #expect(bytes == Array("{}\n".utf8))
                count += 1
                if count == 4 { throw Gone() }
            }
        }
        #expect(count == 4)
        // Nobody reads the tap any more.
        while case .enqueued = sender.yield(Self.line("late")) { await Task.yield() }
    }

    @Test func `a reader who goes at once ends it at once`() async throws {
        let (feed, sender) = Self.feed()
        sender.yield(Self.line("one"))
        await #expect(throws: Gone.self) { try await feed.run { _ in throw Gone() } }
        while case .enqueued = sender.yield(Self.line("late")) { await Task.yield() }
    }
}
