import Testing
import WeftModel

@testable import WeftTelemetry

@Suite struct RecordRingTests {
    private func write(
        _ ring: RecordRing, id: String, path: String = "/", reason: Reason = .ok, context: RecordRing.Held? = nil,
        padding: Int = 0, policy: Provenance? = nil, attempts: [Reason] = []
    ) {
        self.write(ring, id: Array(id.utf8), path: path, reason, context, padding, policy, attempts)
    }

    private func write(
        _ ring: RecordRing, id: [UInt8], path: String = "/", _ reason: Reason = .ok,
        _ context: RecordRing.Held? = nil, _ padding: Int = 0, _ policy: Provenance? = nil, _ attempts: [Reason] = []
    ) {
        let flags: RecordHead.Flags = reason == .ok ? [] : .failed
        ring.write(context) { writer in
            var path = path
            id.withUnsafeBytes { RecordCoding.begin(&writer, flags, reason, id: $0, RecordCoding.Figures()) }
            writer.put("GET")
            writer.put("billing")
            path.withUTF8 { writer.put(path: UnsafeRawBufferPointer($0), max: 512) }
            RecordCoding.endList(&writer)
            writer.put("shop.default")
            for _ in 0..<4 { writer.put("") }
            writer.put(String(repeating: "x", count: padding), max: 16_000)
            RecordCoding.provenance(&writer, policy)
            writer.put("")
            var known: UInt8 = 0
            for (index, reason) in attempts.enumerated() {
                RecordCoding.noteAttempt(&writer, reason, known: &known)
                RecordCoding.attemptAtApplication(&writer, port: 1)
                var outcome = RecordCoding.Outcome()
                outcome.startedAfter = Int64(attempts.count - index) * 1_000_000
                outcome.reason = reason
                RecordCoding.outcome(&writer, outcome, detail: "")
            }
            RecordCoding.endList(&writer)
        }
    }

    private func ids(_ batch: RecordBatch) -> [String] { batch.spans.map { batch.record($0).requestID } }

    @Test func `the newest stay, and the oldest give way by number`() {
        let ring = RecordRing(records: 3, bytes: 1 << 20)
        for number in 0..<10 { self.write(ring, id: "r\(number)") }
        #expect(ring.count == 3)
        #expect(self.ids(ring.newest(RecordHead.Filter(), limit: 10)) == ["r9", "r8", "r7"])
        #expect(ring.find("r1", limit: 5).spans.isEmpty)
        #expect(self.ids(ring.find("r8", limit: 5)) == ["r8"])
    }

    @Test func `the resource responsible is told with its rule`() {
        let ring = RecordRing(records: 3, bytes: 1 << 20)
        let policy = Provenance(
            resource: ResourceKey(kind: .authorizationPolicy, namespace: "default", name: "no-admin"),
            revision: Revision(7), file: "a.yaml", line: 3)
        self.write(ring, id: "whole", reason: .denied, policy: policy)
        self.write(ring, id: "rule", reason: .denied, policy: policy.ofRule(2))
        let batch = ring.newest(RecordHead.Filter(), limit: 2)
        #expect(batch.spans.map { batch.record($0).policy } == [policy.ofRule(2), policy])
        #expect("\(policy.ofRule(2))" == "AuthorizationPolicy/default/no-admin@7 rule 2 (a.yaml:3)")
    }

    @Test(arguments: [10, 900, 9_000, 15_000])
    func `they give way by bytes too, and what is left can be read, however often the arena is gone round`(size: Int) {
        let ring = RecordRing(records: 10_000, bytes: 128 << 10)
        for number in 0..<5_000 { self.write(ring, id: "r\(number)", padding: size) }
        #expect(ring.count >= 3 && ring.count * (size + 20) <= 128 << 10)
        let all = ring.newest(RecordHead.Filter(), limit: 100_000)
        for (offset, span) in all.spans.enumerated() {
            let record = all.record(span)
            #expect(record.requestID == "r\(4_999 - offset)" && record.detail.utf8.count == size)
        }
    }

    @Test func `what records share counts against the room, and goes with the last of them`() {
        let ring = RecordRing(records: 10_000, bytes: 64 << 10)
        for number in 0..<2_000 {
            let context = RecordRing.Held(
                RecordContext(destination: "d\(number)", route: String(repeating: "r", count: 100)))
            self.write(ring, id: "r\(number)", context: context)
        }
        #expect(ring.count < 100)
        let newest = ring.newest(RecordHead.Filter(), limit: 1)
        #expect(newest.spans.first.map { newest.record($0).destination } == "d1999")
    }

    @Test func `a search by reason decodes nothing else, and goes on where it stopped`() {
        let ring = RecordRing(records: 100, bytes: 1 << 20)
        for number in 0..<20 { self.write(ring, id: "r\(number)", reason: number % 5 == 0 ? .denied : .ok) }
        let filter = RecordHead.Filter(failed: true, reason: .denied)
        let first = ring.newest(filter, limit: 2)
        #expect(self.ids(first) == ["r15", "r10"] && first.next > 0)
        let second = ring.newest(before: first.next, filter, limit: 9)
        #expect(self.ids(second) == ["r5", "r0"] && second.next == 0)
        #expect(ring.newest(RecordHead.Filter(reason: .overflow), limit: 9).spans.isEmpty)
    }

    @Test func `a search by reason finds what attempts failed of; they have the numbers they went by`() {
        let ring = RecordRing(records: 100, bytes: 1 << 20)
        self.write(ring, id: "fine", attempts: [.ok])
        self.write(ring, id: "one", reason: .retriesExhausted, attempts: [.connectFailed, .connectFailed])
        self.write(ring, id: "two", reason: .retriesExhausted, attempts: [.connectFailed, .tlsFailed])
        self.write(ring, id: "again", attempts: [.tryTimeout, .ok])
        func found(_ reason: Reason) -> [String] {
            let batch = ring.newest(RecordHead.Filter(reason: reason), limit: 9)
            var filter = RecordFilter()
            filter.reason = reason
            return batch.spans.map { batch.record($0) }.filter(filter.matches).map(\.requestID)
        }
        #expect(found(.connectFailed) == ["two", "one"])
        #expect(found(.tlsFailed) == ["two"])
        #expect(found(.tryTimeout) == ["again"])
        #expect(found(.retriesExhausted) == ["two", "one"])
        #expect(found(.ok) == ["again", "fine"])
        #expect(found(.overflow).isEmpty)
        // The last that is written began first.
        let batch = ring.find("two", limit: 1)
        #expect(batch.spans.map { batch.record($0).attempts.map(\.number) } == [[2, 1]])
    }

    @Test func `more of one id than are asked for are counted`() {
        let ring = RecordRing(records: 100, bytes: 1 << 20)
        for _ in 0..<70 { self.write(ring, id: "a") }
        let batch = ring.find("a", limit: 64)
        #expect(batch.spans.count == 64 && batch.skipped == 6)
        #expect(ring.find("a", limit: 70).skipped == 0)
    }

    @Test func `ids that are no text are found as they are shown, those that are cut by their beginning too`() {
        let ring = RecordRing(records: 9, bytes: 1 << 20)
        let half = Array(String(repeating: "a", count: 127).utf8) + Array("éb".utf8)
        for id in [[0xFF, 0x41], half] { self.write(ring, id: id) }
        for batch in [ring.find("\u{FFFD}A", limit: 9), ring.find(String(decoding: half, as: UTF8.self), limit: 9)] {
            #expect(batch.spans.count == 1)
            for shown in self.ids(batch) { #expect(ring.find(shown, limit: 9).spans.count == 1, "\(shown)") }
        }
        #expect(ring.find("\u{FFFD}B", limit: 9).spans.isEmpty && ring.find("\u{FFFD}", limit: 9).spans.isEmpty)
    }

    @Test func `a tap sees each record once, and counts those it missed`() {
        let ring = RecordRing(records: 4, bytes: 1 << 20)
        self.write(ring, id: "a")
        var batch = ring.since(0, RecordHead.Filter(), limit: 9)
        #expect(self.ids(batch) == ["a"] && batch.skipped == 0)
        for number in 0..<10 { self.write(ring, id: "b\(number)") }
        batch = ring.since(batch.next, RecordHead.Filter(), limit: 3)
        #expect(self.ids(batch) == ["b6", "b7", "b8"] && batch.skipped == 7)
        #expect(ring.since(batch.next, RecordHead.Filter(), limit: 3).spans.isEmpty)
    }

    @Test(arguments: [
        ("/pay", "/pay"), ("/pay?card=4111&to=ada", "/pay?card=*&to=*"), ("/pay?a", "/pay?a"), ("/p?", "/p?"),
        ("/p?a==b=c&&d=1?e=2", "/p?a=*&&d=*"), ("?x=1", "?x=*"),
    ])
    func `of a query only names are kept`(path: String, kept: String) {
        let ring = RecordRing(records: 4, bytes: 1 << 20)
        self.write(ring, id: "a", path: path)
        let batch = ring.find("a", limit: 1)
        #expect(batch.spans.map { batch.record($0).path } == [kept])
    }

    @Test func `ids of any bytes and any length are found, and an empty one finds nothing`() {
        let ring = RecordRing(records: 9, bytes: 1 << 20)
        let long = String(repeating: "é", count: 200)
        for id in ["", "\u{0}\n\"", long] { self.write(ring, id: id) }
        #expect(ring.find("", limit: 9).spans.isEmpty)
        #expect(ring.find("\u{0}\n\"", limit: 9).spans.count == 1)
        #expect(ring.find(long, limit: 9).spans.count == 1)
    }

    @Test func `a record that is larger than all limits is cut, not written past its room`() {
        let ring = RecordRing(records: 9, bytes: 1 << 20)
        ring.write(nil) { writer in
            for _ in 0..<200 { writer.put(String(repeating: "y", count: 250)) }
            #expect(writer.isCut && writer.count <= RecordWriter.maxBytes)
        }
        #expect(ring.count == 1)
        _ = ring.newest(RecordHead.Filter(), limit: 1)
    }

    @Test func `secrets stay secret whoever asks for them`() {
        let selection = RecordSelection(kept: ["Authorization", "x-user", "X-Mine"], secret: ["X-Mine"])
        #expect(selection.kept == ["x-user"])
    }
}
