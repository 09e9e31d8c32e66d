import Testing
import WeftModel
import WeftStore

extension StoreConformance {
    /// Ten revisions, a day apart: `old` is written in the first, `a` in all others.
    private static func fill(_ store: Store) async throws {
        _ = try await store.apply([put("old", "1")], author: "ada", now: 0)
        for number in 2...10 {
            _ = try await store.apply([put("a", "\(number)")], author: "bob", now: Int64(number - 1) * 86_400)
        }
    }

    private static func keeping(sets: Int = .max, days: Int64 = 100_000, atLeast: Int = 1) -> HistoryRetention {
        var retention = HistoryRetention()
        retention.sets = sets
        retention.age = .seconds(days * 86_400)
        retention.atLeast = atLeast
        return retention
    }

    /// When the tenth was written.
    private static let now: Int64 = 9 * 86_400

    static let compaction: [StoreConformance] = [
        .init(rule: "compaction keeps the newest change sets, and every resource as it is") { (store) async throws in
            try await fill(store)
            let before = try await store.list()
            #expect(try await store.compact(keeping(sets: 3), now: now) == Revision(7))
            #expect(try await store.history(of: nil, limit: 100).map(\.revision.number) == [10, 9, 8])
            #expect(try await store.history(of: key("old"), limit: 100).isEmpty)
            #expect(try await store.list() == before)
            #expect(try await store.get(key("old"))?.revision == Revision(1))
            #expect(try await store.revision() == Revision(10))
            let next = try await store.apply([.delete(key("old"))], expecting: Revision(10), author: "eve", now: now)
            #expect(next.revision == Revision(11))
        },
        .init(rule: "change sets grow too old, but the newest stay whatever their age") { (store) async throws in
            try await fill(store)
            #expect(try await store.compact(keeping(days: 4), now: now) == Revision(5))
            #expect(try await store.compact(keeping(days: 4, atLeast: 3), now: now + 1_000_000_000) == Revision(7))
            #expect(try await store.compact(keeping(days: 4, atLeast: 1), now: now + 1_000_000_000) == Revision(9))
            #expect(try await store.history(of: nil, limit: 100).map(\.revision) == [Revision(10)])
        },
        .init(rule: "nothing to compact is no mistake, and what is gone stays gone") { (store) async throws in
            #expect(try await store.compact(keeping(sets: 1), now: now) == .zero)
            try await fill(store)
            #expect(try await store.compact(keeping(sets: 10), now: now) == .zero)
            #expect(try await store.compact(keeping(sets: 4), now: now) == Revision(6))
            #expect(try await store.compact(keeping(sets: 8), now: now) == Revision(6))
        },
        .init(rule: "a watch that begins before what was compacted is told to list anew") { (store) async throws in
            try await fill(store)
            _ = try await store.compact(keeping(sets: 3), now: now)
            var early = store.watch(from: Revision(6)).makeAsyncIterator()
            await #expect(throws: StoreError.compacted(Revision(6), through: Revision(7))) { try await early.next() }
            var exact = store.watch(from: Revision(7)).makeAsyncIterator()
            #expect(try await exact.next()?.revision == Revision(8))
            var anew = store.watch(from: try await store.list().revision).makeAsyncIterator()
            _ = try await store.apply([put("a", "11")], author: "bob", now: now)
            #expect(try await anew.next()?.revision == Revision(11))
        },
        .init(rule: "a watch that was overtaken by compaction is told too") { (store) async throws in
            _ = try await store.apply([put("old", "1")], author: "ada", now: 0)
            var watch = store.watch(from: .zero).makeAsyncIterator()
            #expect(try await watch.next()?.revision == Revision(1))
            for number in 2...10 { _ = try await store.apply([put("a", "\(number)")], author: "bob", now: now) }
            _ = try await store.compact(keeping(sets: 1), now: now)
            await #expect(throws: StoreError.compacted(Revision(1), through: Revision(9))) { try await watch.next() }
        },
    ]
}
