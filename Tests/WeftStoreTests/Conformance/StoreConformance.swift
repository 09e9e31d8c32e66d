import Testing
import WeftModel
import WeftStore

/// What every store must do. Run each rule against a fresh, empty store.
struct StoreConformance: Sendable, CustomTestStringConvertible {
    typealias Store = any ResourceStore & RecordStore

    let rule: String
    let check: @Sendable (Store) async throws -> Void

    var testDescription: String { self.rule }

    static let all = resources + watches + compaction + records

    static func key(_ name: String, _ kind: ResourceKind = .service) -> ResourceKey {
        ResourceKey(kind: kind, namespace: "default", name: name)
    }

    static func put(_ name: String, _ document: String) -> Mutation { .put(key(name), document: document) }

    static let resources: [StoreConformance] = [
        .init(rule: "an empty store is at revision zero and holds nothing") { (store) async throws in
            #expect(try await store.revision() == .zero)
            #expect(try await store.list() == ResourceListing(revision: .zero, resources: []))
            #expect(try await store.get(key("a")) == nil)
            #expect(try await store.history(of: nil, limit: 10).isEmpty)
        },
        .init(rule: "one transaction makes one revision, however many resources it changes") { (store) async throws in
            let set = try await store.apply([put("a", "1"), put("b", "2")], author: "ada", now: 100)
            #expect(set.revision == Revision(1))
            #expect(set.changes.map(\.action) == [.created, .created])
            #expect(try await store.revision() == Revision(1))
            let stored = try await store.get(key("a"))
            #expect(stored == StoredResource(key: key("a"), revision: Revision(1), createdAt: 100, document: "1"))
        },
        .init(rule: "a document that is stored already changes nothing") { (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 100)
            let again = try await store.apply([put("a", "1")], author: "bob", now: 200)
            #expect(again.changes.isEmpty)
            #expect(again.revision == Revision(1))
            let mixed = try await store.apply([put("a", "1"), put("b", "2")], author: "bob", now: 300)
            #expect(mixed.changes.map(\.key) == [key("b")])
            #expect(try await store.get(key("a"))?.revision == Revision(1))
        },
        .init(rule: "an update keeps the time of creation and takes the new revision, file and line") {
            (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 100)
            let set = try await store.apply(
                [.put(key("a"), document: "2", file: "a.yaml", line: 7)], author: "bob", now: 200)
            #expect(set.changes.map(\.action) == [.updated])
            let stored = try #require(try await store.get(key("a")))
            #expect(stored.createdAt == 100)
            #expect(stored.revision == Revision(2))
            #expect(stored.provenance.description == "Service/default/a@2 (a.yaml:7)")
        },
        .init(rule: "a deletion removes, and of nothing changes nothing") { (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 100)
            let set = try await store.apply([.delete(key("a")), .delete(key("b"))], author: "ada", now: 200)
            #expect(set.changes == [Change(key: key("a"), action: .deleted, resource: nil)])
            #expect(try await store.get(key("a")) == nil)
            #expect(try await store.list().resources.isEmpty)
        },
        .init(rule: "a key may be named once in a transaction") { (store) async throws in
            await #expect(throws: StoreError.duplicateKey(key("a"))) {
                try await store.apply([put("a", "1"), .delete(key("a"))], author: "ada", now: 1)
            }
            #expect(try await store.revision() == .zero)
        },
        .init(rule: "a transaction based on an older revision is refused and changes nothing") { (store) async throws in
            _ = try await store.apply([put("a", "1")], author: "ada", now: 1)
            await #expect(throws: StoreError.conflict(expected: .zero, actual: Revision(1))) {
                try await store.apply([put("a", "2"), put("b", "2")], expecting: .zero, author: "bob", now: 2)
            }
            #expect(try await store.get(key("a"))?.document == "1")
            #expect(try await store.get(key("b")) == nil)
            let set = try await store.apply([put("a", "2")], expecting: Revision(1), author: "bob", now: 3)
            #expect(set.revision == Revision(2))
        },
        .init(rule: "of transactions based on the same revision exactly one lands") { (store) async throws in
            let landed = await withTaskGroup(of: Bool.self) { group in
                for writer in 0..<16 {
                    group.addTask {
                        do {
                            _ = try await store.apply(
                                [put("a", "\(writer)")], expecting: .zero, author: "w", now: 1)
                            return true
                        } catch { return false }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(landed == 1)
            #expect(try await store.revision() == Revision(1))
        },
        .init(rule: "a listing is sorted by key, of one revision, and can be narrowed") { (store) async throws in
            _ = try await store.apply(
                [put("b", "1"), put("a", "1"), .put(key("r", .httpRoute), document: "x")], author: "ada", now: 1)
            let all = try await store.list()
            #expect(all.revision == Revision(1))
            #expect(all.resources.map(\.key) == [key("r", .httpRoute), key("a"), key("b")])
            #expect(try await store.list(kind: .service).resources.map(\.key) == [key("a"), key("b")])
            #expect(try await store.list(kind: nil, namespace: "other").resources.isEmpty)
        },
        .init(rule: "the history keeps every revision with author and time") { (store) async throws in
            _ = try await store.apply([put("a", "1"), put("b", "1")], author: "ada", now: 100)
            _ = try await store.apply([put("b", "2")], author: "bob", now: 200)
            _ = try await store.apply([.delete(key("a"))], author: "eve", now: 300)
            let all = try await store.history(of: nil, limit: 10)
            #expect(all.map(\.author) == ["eve", "bob", "ada"])
            #expect(all.map(\.at) == [300, 200, 100])
            #expect(try await store.history(of: nil, limit: 2).map(\.revision) == [Revision(3), Revision(2)])
            let one = try await store.history(of: key("a"), limit: 10)
            #expect(one.map(\.revision) == [Revision(3), Revision(1)])
            #expect(one.map { $0.changes.map(\.action) } == [[.deleted], [.created]])
            #expect(one.last?.changes.first?.resource?.document == "1")
        },
        .init(rule: "documents of any text and size come back as they were") { (store) async throws in
            let documents = ["", "\u{0}", "ä 🧵 \r\n", String(repeating: "x", count: 1_000_000), "'; DROP TABLE x; --"]
            for (index, document) in documents.enumerated() {
                _ = try await store.apply([put("d\(index)", document)], author: "ada", now: 1)
                #expect(try await store.get(key("d\(index)"))?.document == document)
            }
        },
    ]
}
