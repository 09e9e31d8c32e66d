import Foundation
import NIOCore
import NIOPosix
import SwiftProtobuf
import Synchronization
import Testing
import WeftMessage
import WeftModel
import WeftProtos

@testable import WeftProxy

/// What a sidecar answers when it is asked about requests.
@Suite struct RecordResponderTests {
    private struct Scene {
        let sidecar: TestSidecar
        let responder: RecordResponder
        let client: TestClient

        func get(_ path: String, id: String) async throws {
            _ = try await self.client.get(path, headers: ["x-request-id": id])
        }

        /// Records come after their answers.
        func answer(
            atLeast count: Int, _ change: (inout Weft_V1_RecordQuery) -> Void
        ) async throws -> (records: [HopRecord], truncated: Bool) {
            while true {
                let answer = await self.responder.answer(
                    .with {
                        $0.id = 5
                        $0.limit = 100
                        change(&$0)
                    })
                #expect(answer.id == 5)
                guard answer.records.count >= count else {
                    await Task.yield()
                    continue
                }
                let records = try answer.records.map { try JSONDecoder().decode(HopRecord.self, from: $0) }
                return (records, answer.truncated)
            }
        }
    }

    /// What a tap sent, and whether it goes on.
    private final class Watch: Sendable {
        private let sent = Mutex<[Weft_V1_TapEvents]>([])
        private let ended = Mutex(false)

        var events: [Weft_V1_TapEvents] { self.sent.withLock { $0 } }
        var isWanted: Bool { self.ended.withLock { !$0 } }

        func send(_ events: Weft_V1_TapEvents) -> Bool {
            self.sent.withLock { $0.append(events) }
            return true
        }

        func end() { self.ended.withLock { $0 = true } }

        func told() throws -> (ids: [String], dropped: UInt64) {
            let events = self.events
            let records = try events.flatMap(\.records).map { try JSONDecoder().decode(HopRecord.self, from: $0) }
            return (records.map(\.requestID), events.reduce(0) { $0 + $1.dropped })
        }
    }

    private func withScene(_ body: (Scene) async throws -> Void) async throws {
        try await withLoops { group in
            let app = try await TestApplication.start(on: group)
            let sidecar = try await TestSidecar.start("shop", on: group)
            sidecar.server.install(
                snapshot(endpoints: [endpoint("billing-1", port: app.port)], route: { $0.retry.attempts = 0 }))
            let scene = Scene(
                sidecar: sidecar, responder: RecordResponder(sidecar.server),
                client: TestClient(group: group, port: sidecar.outboundPort))
            try await body(scene)
            await sidecar.stop()
            await app.stop()
        }
    }

    @Test func `by id or by filter, and no more than was asked for`() async throws {
        try await self.withScene { scene in
            for (path, id) in [("/a", "one"), ("/status/500", "two"), ("/b", "three")] {
                try await scene.get(path, id: id)
            }
            let found = try await scene.answer(atLeast: 1) { $0.requestID = "two" }
            #expect(found.records.map(\.requestID) == ["two"] && found.records.map(\.status) == [500])
            #expect(found.records.map(\.proxy) == ["default/shop-1"] && !found.truncated)
            let all = try await scene.answer(atLeast: 3) { _ in }
            #expect(all.records.map(\.requestID) == ["three", "two", "one"] && !all.truncated)
            let failed = try await scene.answer(atLeast: 1) { $0.filter.failed = true }
            #expect(failed.records.map(\.requestID) == ["two"])
            let least = try await scene.answer(atLeast: 1) { $0.limit = 1 }
            #expect(least.records.map(\.requestID) == ["three"] && least.truncated)
            let none = await scene.responder.answer(.with { $0.requestID = "nobody" })
            #expect(none.records.isEmpty && !none.truncated)
        }
    }

    @Test func `an answer is cut by bytes, and by the records of one id, and says so`() async throws {
        try await self.withScene { scene in
            for _ in 0..<70 { try await scene.get("/", id: "same") }
            _ = try await scene.answer(atLeast: 70) { _ in }
            let same = try await scene.answer(atLeast: 1) { $0.requestID = "same" }
            #expect(same.records.count == 64 && same.truncated)
            let few = try await scene.answer(atLeast: 1) {
                $0.requestID = "same"
                $0.maxBytes = 5000
            }
            #expect(few.records.count < 64 && few.truncated)
        }
    }

    @Test func `a tap tells of what ends while it is wanted, and of what it left out`() async throws {
        try await self.withScene { scene in
            try await scene.get("/before", id: "before")
            _ = try await scene.answer(atLeast: 1) { _ in }
            let watch = Watch()
            let (begun, signal) = AsyncStream.makeStream(of: Void.self)
            let responder = scene.responder
            async let tap: Void = responder.tap(
                .with {
                    $0.id = 3
                    $0.filter.pathPrefix = "/a"
                    // Two in a quarter of a second.
                    $0.perSecond = 8
                },
                {
                    signal.yield()
                    return watch.isWanted
                },
                { watch.send($0) })
            // From then on it watches.
            for await _ in begun { break }
            for number in 0..<40 { try await scene.get(number.isMultiple(of: 2) ? "/a" : "/b", id: "\(number)") }
            while try watch.told().ids.count + Int(watch.told().dropped) < 20 { await Task.yield() }
            watch.end()
            await tap
            let (ids, dropped) = try watch.told()
            #expect(ids.count + Int(dropped) == 20 && !ids.isEmpty)
            #expect(ids.allSatisfy { Int($0)?.isMultiple(of: 2) == true })
            #expect(watch.events.allSatisfy { $0.id == 3 })
        }
    }

    @Test func `taps and what waits to be sent are bounded`() {
        let book = TapBook()
        for id in 0..<16 { #expect(book.begin(UInt64(id))) }
        #expect(!book.begin(16) && !book.begin(3))
        book.end(3)
        #expect(!book.isWanted(3) && book.isWanted(4) && book.begin(16))
        #expect(book.enqueue(4 << 20) && !book.enqueue(1))
        book.sent(10)
        #expect(book.enqueue(10) && !book.enqueue(1))
        book.endAll()
        #expect(!book.isWanted(16) && book.begin(17))
    }

    @Test func `a filter is read as it was sent, and what is empty or unknown filters nothing`() {
        var wanted = RecordFilter()
        wanted.service = "billing"
        wanted.failed = true
        wanted.reason = .denied
        wanted.identity = "spiffe://mesh.local/ns/default/sa/x"
        let message = Weft_V1_RecordFilter.with {
            $0.service = "billing"
            $0.failed = true
            $0.reason = "denied"
            $0.identity = "spiffe://mesh.local/ns/default/sa/x"
        }
        #expect(RecordFilter(message) == wanted)
        #expect(RecordFilter(Weft_V1_RecordFilter()) == RecordFilter())
        #expect(RecordFilter(.with { $0.reason = "of a newer proxy" }) == RecordFilter())
    }
}
