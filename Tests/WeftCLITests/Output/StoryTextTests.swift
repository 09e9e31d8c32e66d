import Foundation
import Testing
import WeftModel

@testable import WeftCLI

@Suite struct StoryTextTests {
    private let console = Console(isTerminal: true, errorIsTerminal: true, environment: ["NO_COLOR": "1"])

    /// Moves cursors, ends lines, turns the direction of writing; and text that does nothing of it.
    private static let hostile = "\u{9B}31m\u{1B}[2J\u{7}\n\r\u{85}\u{2028}\u{202E}\u{2066}\u{200F}\u{7F}é✓\""

    private static func record() -> HopRecord {
        var record = HopRecord()
        record.requestID = Self.hostile
        record.method = Self.hostile
        record.authority = Self.hostile
        record.path = Self.hostile
        record.source = Self.hostile
        record.destination = Self.hostile
        record.proxy = Self.hostile
        record.headers = [HopRecord.Header(name: Self.hostile, value: Self.hostile)]
        record.detail = Self.hostile
        record.status = 503
        record.reason = .retriesExhausted
        return record
    }

    private static func story() -> RequestStory {
        let policy = Provenance(
            resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "p"), file: Self.hostile, line: 1)
        var cause = RequestStory.Cause(
            reason: .denied, text: Self.hostile, hop: 2, place: Self.hostile, policy: policy)
        cause.consequences = [.init(reason: .retriesExhausted, hop: 1, text: Self.hostile, policy: policy)]
        let hop = RequestStory.Hop(
            number: 1, parent: nil, source: Self.hostile, destination: Self.hostile, atMs: 0, durationMs: 5,
            outbound: Self.record(), inbound: [Self.record()])
        let event = RequestStory.Event(atMs: 1, hop: 1, actor: Self.hostile, text: Self.hostile, kind: .failure)
        return RequestStory(
            id: Self.hostile, summary: RequestSummary(Self.record()), cause: cause, hops: [hop], events: [event],
            advice: [Self.hostile], silent: [Self.hostile], gaps: [Self.hostile])
    }

    private func isHarmless(_ text: String) -> Bool { !text.unicodeScalars.contains(where: Table.isHidden) }

    @Test func `nothing that a peer sent moves the cursor, makes a line or turns the writing round`() {
        let lines = StoryText.lines(Self.story(), console: self.console)
        #expect(lines.allSatisfy(self.isHarmless))
        #expect(lines.count == 17, "\(lines.joined(separator: "\n"))")
        #expect(StoryTree.lines(Self.story(), console: self.console).allSatisfy(self.isHarmless))
        #expect(self.isHarmless(StoryText.line(Self.record(), console: self.console)))
        #expect(lines.first?.hasPrefix(#"\u{9B}31m\u{1B}[2J\u{7}\u{A}"#) == true)
    }

    @Test(arguments: [OutputFormat.json, .yaml])
    func `nor does what programs read, which says the same`(format: OutputFormat) throws {
        let text = try format.render(Self.story()) { "" }
        #expect(text.split(separator: "\n").allSatisfy { self.isHarmless(String($0)) })
        guard format == .json else { return }
        #expect(try JSONDecoder().decode(RequestStory.self, from: Data(text.utf8)) == Self.story())
        #expect(text.contains(#"\u009b31m"#) && text.contains(#"\u202e\u2066"#))
        let line = try OutputFormat.jsonLine(Self.record())
        #expect(self.isHarmless(line))
        #expect(try JSONDecoder().decode(HopRecord.self, from: Data(line.utf8)) == Self.record())
    }

    @Test func `what lies beyond sixteen bits is written in two halves`() {
        #expect(OutputFormat.harmless(json: "\"\u{E0001}x\"") == #""\udb40\udc01x""#)
        #expect(OutputFormat.harmless(json: "{\n  \"a\": \"é\"\n}") == "{\n  \"a\": \"é\"\n}")
    }

    @Test func `errors name what others wrote without obeying it`() {
        let failure = CommandFailure("no \u{9B}1m", because: "\u{202E}x", remedy: "a remedy")
        #expect(failure.shown == "error: no \\u{9B}1m: \\u{202E}x\n  a remedy")
    }

    @Test func `the cause comes first, then what followed from it`() {
        var story = Self.story()
        story.cause = RequestStory.Cause(reason: .ok, text: "ledger answered 503", hop: 2, place: "ledger")
        story.cause.consequences = [
            .init(reason: .retriesExhausted, hop: 1, text: "attempt 2 to default/billing-1 was not retried")
        ]
        let lines = StoryText.lines(story, console: self.console)
        #expect(
            lines[3...5] == [
                "Why  ledger answered 503", "     at hop 2, ledger",
                "then retries_exhausted  at hop 1: attempt 2 to default/billing-1 was not retried",
            ])
        story.cause.hop = 0
        story.cause.consequences = []
        #expect(StoryText.lines(story, console: self.console)[4] == "")
    }

    @Test(arguments: [("", false), ("", true), ("id", true)])
    func `an empty id is none, and an id is not the last`(id: String, last: Bool) {
        #expect { try RequestChoice.check(id, last) } throws: { ($0 as? CommandFailure)?.exit == .usage }
    }

    @Test func `one or the other names a request`() throws {
        try RequestChoice.check("id", false)
        try RequestChoice.check(nil, true)
        try RequestChoice.check(nil, false)
    }
}
