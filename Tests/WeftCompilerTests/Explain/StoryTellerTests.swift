import Foundation
import Testing
import WeftCompiler
import WeftModel

/// Stories of records that no test with sidecars makes: clocks that differ, records that are missing, hostile values.
@Suite struct StoryTellerTests {
    private static func story(_ records: [HopRecord], silent: [String] = []) throws -> RequestStory {
        try #require(StoryTeller.story(id: "r", records: records, snapshot: MeshSnapshot(), silent: silent))
    }

    @Test func `nobody remembers it: there is no story`() {
        #expect(StoryTeller.story(id: "r", records: [], snapshot: MeshSnapshot()) == nil)
    }

    @Test func `an application's failure is the cause where it happened, hops away from who noticed`() throws {
        let story = try Self.story([
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 30, status: 502),
            StoryRecords.inbound("shop", "billing", at: 1, lasting: 28, status: 502),
            StoryRecords.outbound("billing", "ledger", at: 5, lasting: 20, status: 500),
            StoryRecords.inbound("billing", "ledger", at: 6, lasting: 18, status: 500),
        ])
        #expect(story.cause.hop == 2 && story.cause.place == "ledger")
        #expect(story.cause.text == "ledger's application (default/ledger-1) answered 500")
        #expect(story.hops.map(\.parent) == [nil, 1])
    }

    @Test func `a clock that goes wrong puts nothing before what caused it`() throws {
        for skew in [-900.0, 900] {
            let story = try Self.story([
                StoryRecords.outbound("shop", "billing", at: 0, lasting: 30),
                StoryRecords.inbound("shop", "billing", at: 1 + skew, lasting: 28),
            ])
            #expect(story.hops.count == 1 && story.gaps.isEmpty)
            let arrival = try #require(story.events.first { $0.kind == .arrival })
            #expect(arrival.atMs >= 0.5 && arrival.atMs <= 30)
        }
    }

    @Test func `what is missing is said`() throws {
        let story = try Self.story(
            [
                StoryRecords.outbound("shop", "billing", at: 0, lasting: 30),
                StoryRecords.inbound("billing", "ledger", at: 10, lasting: 5),
            ], silent: ["default/billing-2"])
        #expect(story.gaps.count == 3)
        #expect(story.gaps[0].contains("destination's proxy (billing)"))
        #expect(story.gaps[1].contains("caller's proxy (billing)"))
        #expect(story.gaps[2].contains("default/billing-2"))
    }

    @Test func `a caller that set a deadline which ran out is named with it`() throws {
        let story = try Self.story([
            StoryRecords.outbound("shop", "billing", at: 0, lasting: 100, status: 504, reason: .deadlineExceeded) {
                $0.deadlineMs = 100
                $0.deadlineIsCallers = true
                $0.attempts[0].status = nil
                $0.attempts[0].after = .timeUsedUp
            }
        ])
        #expect(story.cause.reason == .deadlineExceeded)
        #expect(story.cause.text.contains("the caller, shop, gave it 100 ms"))
    }

    @Test func `many records of one id end, and so do circles of calls`() throws {
        var records: [HopRecord] = []
        for number in 0..<1_000 {
            records.append(
                StoryRecords.outbound(
                    "a", "a", at: Double(number), lasting: 2_000, status: 504, reason: .requestTimeout))
            records.append(
                StoryRecords.inbound(
                    "a", "a", at: Double(number), lasting: 2_000, status: 504, reason: .deadlineExceeded))
        }
        let story = try Self.story(records)
        #expect(story.hops.count <= StoryTeller.maxRecords)
    }

    @Test func `events are told with the names that the API promises`() throws {
        let story = try Self.story([StoryRecords.outbound("shop", "billing", at: 0, lasting: 30)])
        let encoded = try JSONEncoder().encode(story.events.first)
        let object = try #require(try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
        #expect(Set(object.keys) == ["atMs", "hop", "actor", "text", "kind"])
        #expect(try JSONDecoder().decode(RequestStory.self, from: JSONEncoder().encode(story)) == story)
    }
}
