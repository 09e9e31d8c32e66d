import Testing
import WeftModel
import WeftStore

extension StoreConformance {
    static let watches: [StoreConformance] = [
        .init(rule: "a watch tells the past first, then what comes") { (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 1)
            _ = try await store.apply([put("a", "2")], author: "ada", now: 2)
            var iterator = store.watch(from: .zero).makeAsyncIterator()
            #expect(try await iterator.next()?.revision == Revision(1))
            #expect(try await iterator.next()?.changes.first?.resource?.document == "2")
            async let next = store.apply([put("b", "1")], author: "bob", now: 3)
            let told = try await iterator.next()
            let applied = try await next
            #expect(told == applied)
        },
        .init(rule: "a watch from a listing tells only what the listing lacks") { (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 1)
            let listing = try await store.list()
            _ = try await store.apply([put("b", "1")], author: "ada", now: 2)
            var iterator = store.watch(from: listing.revision).makeAsyncIterator()
            #expect(try await iterator.next()?.changes.map(\.key) == [key("b")])
        },
        .init(rule: "watchers never miss or repeat a revision, whatever is written meanwhile") { (store) async throws in
            let total = 120
            try await withThrowingTaskGroup(of: [Int64].self) { group in
                for start in [0, 0, 0] as [Int64] {
                    group.addTask {
                        var seen: [Int64] = []
                        for try await set in store.watch(from: Revision(start)) {
                            seen.append(set.revision.number)
                            if seen.count == total { break }
                        }
                        return seen
                    }
                }
                for writer in 0..<4 {
                    group.addTask {
                        for count in 0..<(total / 4) {
                            _ = try await store.apply([put("w\(writer)", "\(count)")], author: "w", now: 1)
                        }
                        return []
                    }
                }
                for try await seen in group where !seen.isEmpty {
                    #expect(seen == Array(1...Int64(total)))
                }
            }
        },
        .init(rule: "a cancelled watch ends") { (store) async throws in
            let watching = Task { () -> Int in
                var count = 0
                for try await _ in store.watch(from: .zero) { count += 1 }
                return count
            }
            watching.cancel()
            #expect(try await watching.value == 0)
        },
        .init(rule: "a watch cannot begin in the future") { (store) async throws in
            var iterator = store.watch(from: Revision(5)).makeAsyncIterator()
            await #expect(throws: StoreError.unknownRevision(Revision(5), newest: .zero)) {
                try await iterator.next()
            }
        },
    ]

    static let records: [StoreConformance] = [
        .init(rule: "a record is made, read, changed and removed, each in its table") { (store) async throws in
            #expect(try await store.record("t1", in: "tokens") == nil)
            try await store.updateRecord("t1", in: "tokens") { $0 = "one" }
            try await store.updateRecord("t0", in: "tokens") { $0 = "zero" }
            try await store.updateRecord("t1", in: "other") { $0 = "else" }
            #expect(try await store.record("t1", in: "tokens") == "one")
            let before = try await store.updateRecord("t1", in: "tokens") { document in
                let before = document
                document = "two"
                return before
            }
            #expect(before == "one")
            let all = try await store.records(in: "tokens")
            #expect(all == [Record(id: "t0", document: "zero"), Record(id: "t1", document: "two")])
            try await store.updateRecord("t1", in: "tokens") { $0 = nil }
            #expect(try await store.record("t1", in: "tokens") == nil)
            #expect(try await store.record("t1", in: "other") == "else")
        },
        .init(rule: "records do not move the revision") { (store) async throws in
            try await store.updateRecord("t", in: "tokens") { $0 = "x" }
            #expect(try await store.revision() == .zero)
        },
        .init(rule: "what the caller throws is passed on and nothing is stored") { (store) async throws in
            struct Refused: Error {}
            await #expect(throws: Refused.self) {
                try await store.updateRecord("t", in: "tokens") { document in
                    document = "x"
                    throw Refused()
                }
            }
            #expect(try await store.record("t", in: "tokens") == nil)
        },
        .init(rule: "a use is taken once, however many ask at once") { (store) async throws in
            struct UsedUp: Error {}
            try await store.updateRecord("t", in: "tokens") { $0 = "3" }
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        do {
                            try await store.updateRecord("t", in: "tokens") { document in
                                guard let left = document.flatMap(Int.init), left > 0 else { throw UsedUp() }
                                document = "\(left - 1)"
                            }
                            return true
                        } catch { return false }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 3)
            #expect(try await store.record("t", in: "tokens") == "0")
        },
    ]
}
