import Foundation
import SwiftProtobuf
import Testing
import WeftModel
import WeftProtos

@testable import WeftControlPlane

@Suite struct RecordDeskTests {
    @Test func `an attempt that another made good is no failed request`() {
        var attempt = HopRecord()
        attempt.direction = .inbound
        attempt.sourceIdentity = "spiffe://mesh.local/ns/default/sa/web"
        // Its caller's proxy would have told of the call, had that failed too.
        #expect(!APIService.hasFailed([attempt]))
        var call = HopRecord()
        call.direction = .outbound
        #expect(APIService.hasFailed([attempt, call]))
        // A caller without a sidecar has nobody else to tell.
        attempt.sourceIdentity = nil
        #expect(APIService.hasFailed([attempt]))
    }

    /// A proxy's stream: what the desk sends to it.
    private struct Proxy: Sendable {
        let connection: Registry.ConnectionID
        let workload: String
        let messages: AsyncStream<Weft_V1_ControlMessage>
        private let sender: AsyncStream<Weft_V1_ControlMessage>.Continuation

        init(_ connection: Registry.ConnectionID, _ workload: String) {
            self.connection = connection
            self.workload = workload
            (self.messages, self.sender) = AsyncStream.makeStream()
        }

        func join(_ desk: RecordDesk) async {
            let sender = self.sender
            await desk.joined(self.connection, workload: self.workload) { sender.yield($0) }
        }

        /// The next question.
        func question() async throws -> Weft_V1_RecordQuery {
            for await message in self.messages { if case .records(let query)? = message.message { return query } }
            throw Silence()
        }

        /// The next word about a tap.
        func tap() async throws -> Weft_V1_TapRequest {
            for await message in self.messages { if case .tap(let request)? = message.message { return request } }
            throw Silence()
        }
    }

    private struct Silence: Error {}

    private static func record(_ id: String, detail: String = "") throws -> Data {
        var record = HopRecord()
        record.requestID = id
        record.proxy = "default/liar"
        record.detail = detail
        return try JSONEncoder().encode(record)
    }

    /// Long enough that no test is about it.
    private static func desk(_ change: (inout RecordDesk.Limits) -> Void = { _ in }) -> RecordDesk {
        var limits = RecordDesk.Limits()
        limits.wait = .seconds(600)
        change(&limits)
        return RecordDesk(limits: limits)
    }

    private static func answer(_ id: UInt64, _ records: [Data], truncated: Bool = false) -> Weft_V1_RecordAnswer {
        .with {
            $0.id = id
            $0.records = records
            $0.truncated = truncated
        }
    }

    @Test func `a question goes to every proxy, and all they say comes together under the names they registered by`()
        async throws
    {
        let desk = Self.desk()
        let (one, two) = (Proxy(1, "default/a"), Proxy(2, "default/b"))
        await one.join(desk)
        await two.join(desk)
        async let asked = desk.find("r")
        let query = try await one.question()
        #expect(query.requestID == "r")
        #expect(try await two.question().id == query.id)
        await desk.answered(Self.answer(query.id, [try Self.record("r")]), from: 1)
        // A second answer of the same proxy is none, nor is one by nobody or to nothing.
        await desk.answered(Self.answer(query.id, [try Self.record("again")]), from: 1)
        await desk.answered(Self.answer(query.id, [try Self.record("stranger")]), from: 9)
        await desk.answered(Self.answer(77, [try Self.record("other")]), from: 2)
        await desk.answered(Self.answer(query.id, [try Self.record("r")], truncated: true), from: 2)
        let gathered = try await asked
        #expect(gathered.records.map(\.requestID) == ["r", "r"])
        #expect(Set(gathered.records.map(\.proxy)) == ["default/a", "default/b"])
        #expect(gathered.silent.isEmpty && gathered.truncated)
    }

    @Test func `filters and the limit reach the proxies`() async throws {
        let desk = Self.desk()
        let proxy = Proxy(1, "default/a")
        await proxy.join(desk)
        var filter = RecordFilter()
        filter.service = "billing"
        filter.failed = true
        filter.reason = .denied
        filter.pathPrefix = "/pay"
        let wanted = filter
        async let asked = desk.newest(wanted, limit: 7)
        let query = try await proxy.question()
        #expect(query.limit == 7 && query.requestID.isEmpty)
        #expect(query.filter == Weft_V1_RecordFilter(filter))
        #expect(query.filter.reason == "denied" && query.filter.pathPrefix == "/pay" && query.filter.failed)
        await desk.answered(Self.answer(query.id, []), from: 1)
        #expect(try await asked.records.isEmpty)
    }

    @Test func `who leaves or does not answer in time is named, and nobody waits for it`() async throws {
        let desk = Self.desk()
        let (one, two) = (Proxy(1, "default/a"), Proxy(2, "default/b"))
        await one.join(desk)
        await two.join(desk)
        async let asked = desk.find("r")
        let query = try await one.question()
        await desk.answered(Self.answer(query.id, []), from: 1)
        await desk.left(2)
        #expect(try await asked.silent == ["default/b"])
        let hasty = Self.desk { $0.wait = .zero }
        await two.join(hasty)
        await one.join(hasty)
        #expect(try await hasty.find("r").silent == ["default/a", "default/b"])
        let lonely = Self.desk()
        #expect(try await lonely.find("r").silent.isEmpty)
    }

    @Test func `what one question may take is bounded, and what cannot be read is left out`() async throws {
        let desk = Self.desk {
            $0.bytes = 3000
            $0.recordBytes = 1500
        }
        let (one, two) = (Proxy(1, "default/a"), Proxy(2, "default/b"))
        await one.join(desk)
        await two.join(desk)
        async let asked = desk.find("r")
        let query = try await one.question()
        let large = try Self.record("large", detail: String(repeating: "x", count: 2000))
        let fitting = try Self.record("r", detail: String(repeating: "x", count: 600))
        await desk.answered(Self.answer(query.id, [Data("no JSON".utf8), large, fitting]), from: 1)
        await desk.answered(Self.answer(query.id, [fitting, fitting, fitting]), from: 2)
        let gathered = try await asked
        #expect(gathered.records.map(\.requestID) == ["r"] && gathered.truncated)
    }

    @Test func `more questions at once than are allowed are refused, and later ones are not`() async throws {
        let desk = Self.desk { $0.questions = 1 }
        let proxy = Proxy(1, "default/a")
        await proxy.join(desk)
        async let first = desk.find("r")
        let query = try await proxy.question()
        await #expect(throws: APIError.self) { try await desk.find("other") }
        await desk.answered(Self.answer(query.id, []), from: 1)
        _ = try await first
        async let second = desk.find("r")
        await desk.answered(Self.answer(try await proxy.question().id, []), from: 1)
        #expect(try await second.records.isEmpty)
    }

    @Test func `a tap is told to who is there and who comes, and taken back when nobody reads any more`() async throws {
        let desk = Self.desk { $0.taps = 1 }
        let (one, two) = (Proxy(1, "default/a"), Proxy(2, "default/b"))
        await one.join(desk)
        var filter = RecordFilter()
        filter.route = "default/pay"
        let id: UInt64
        do {
            let lines = try await desk.tap(filter, perSecond: 20)
            let request = try await one.tap()
            id = request.id
            #expect(request.perSecond == 20 && request.filter.route == "default/pay" && !request.stop)
            await two.join(desk)
            #expect(try await two.tap().id == id)
            await #expect(throws: APIError.self) { try await desk.tap(RecordFilter(), perSecond: 1) }
            let events = Weft_V1_TapEvents.with {
                $0.id = id
                $0.records = [Data("no JSON".utf8)]
                $0.dropped = 3
            }
            await desk.tapped(events, from: 2)
            let record = try Self.record("r")
            await desk.tapped(
                .with {
                    $0.id = id
                    $0.records = [record, record]
                    $0.dropped = 2
                }, from: 2)
            await desk.tapped(events, from: 9)
            var seen: [TapLine] = []
            for await line in lines {
                seen.append(line)
                if seen.count == 2 { break }
            }
            #expect(seen.map(\.request?.proxy) == ["default/b", "default/b"])
            #expect(seen.map(\.dropped) == [5, nil])
        }
        for proxy in [one, two] {
            let stop = try await proxy.tap()
            #expect(stop.id == id && stop.stop)
        }
    }

    @Test func `what a reader does not take is counted, not kept`() async throws {
        let desk = Self.desk()
        let proxy = Proxy(1, "default/a")
        await proxy.join(desk)
        let lines = try await desk.tap(RecordFilter(), perSecond: 1000)
        let id = try await proxy.tap().id
        let record = try Self.record("r")
        for _ in 0..<2 {
            await desk.tapped(
                .with {
                    $0.id = id
                    $0.records = Array(repeating: record, count: 600)
                }, from: 1)
        }
        var reader = lines.makeAsyncIterator()
        for _ in 0..<1000 { #expect(await reader.next()?.dropped == nil) }
        await desk.tapped(
            .with {
                $0.id = id
                $0.records = [record]
            }, from: 1)
        #expect(await reader.next()?.dropped == 200)
    }
}
