import Foundation
import GRDB
import Testing
import WeftModel
import WeftStore

@Suite struct SQLiteStoreTests {
    /// A directory that goes away with the test.
    final class Directory: Sendable {
        let path: String
        var file: String { self.path + "/weft.db" }

        init() throws {
            self.path = NSTemporaryDirectory() + "weft-store-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }
    }

    func put(_ name: String, _ document: String) -> Mutation { StoreConformance.put(name, document) }

    @Test(arguments: StoreConformance.all)
    func `SQLite conforms`(conformance: StoreConformance) async throws {
        let directory = try Directory()
        // A directory that nothing refers to any more would go away in the middle.
        defer { withExtendedLifetime(directory) {} }
        let store = try SQLiteStore(path: directory.file)
        try await conformance.check(store)
        try store.close()
    }

    @Test func `what was acknowledged is there after a restart`() async throws {
        let directory = try Directory()
        let first = try SQLiteStore(path: directory.file)
        _ = try await first.apply([self.put("a", "1")], author: "ada", now: 1)
        try await first.updateRecord("t", in: "tokens") { $0 = "x" }
        try first.close()
        let second = try Self.reopen(directory.file)
        #expect(try await second.get(StoreConformance.key("a"))?.document == "1")
        #expect(try await second.record("t", in: "tokens") == "x")
        #expect(try await second.revision() == Revision(1))
    }

    /// Opens the file again once the first store's lock has gone with it.
    static func reopen(_ path: String) throws -> SQLiteStore {
        let copy = path + ".again"
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
        }
        return try SQLiteStore(path: copy)
    }

    @Test func `a crash after an acknowledgement loses nothing, and a torn log only what was not acknowledged`()
        async throws
    {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file)
        let manager = FileManager.default
        for number in 1...12 {
            let wal = directory.file + "-wal"
            let before = try Data(contentsOf: URL(fileURLWithPath: wal)).count
            _ = try await store.apply([self.put("a", "\(number)")], author: "ada", now: 1)
            // What a machine that stops now would find on its disk.
            let crashed = directory.path + "/crash-\(number).db"
            try manager.copyItem(atPath: directory.file, toPath: crashed)
            try manager.copyItem(atPath: wal, toPath: crashed + "-wal")
            let found = try SQLiteStore(path: crashed)
            #expect(try await found.revision() == Revision(Int64(number)))
            #expect(try await found.get(StoreConformance.key("a"))?.document == "\(number)")
            // The same, stopped in the middle of writing the log.
            let torn = directory.path + "/torn-\(number).db"
            try manager.copyItem(atPath: directory.file, toPath: torn)
            let log = try Data(contentsOf: URL(fileURLWithPath: wal))
            let cut = before + (log.count - before) * number / 13
            try log.prefix(cut).write(to: URL(fileURLWithPath: torn + "-wal"))
            let tornStore = try SQLiteStore(path: torn)
            let revision = try await tornStore.revision()
            #expect(revision == Revision(Int64(number) - 1) || revision == Revision(Int64(number)))
            let document = try await tornStore.get(StoreConformance.key("a"))?.document
            #expect(document == (revision == .zero ? nil : "\(revision)"))
        }
    }

    @Test func `commits are brought to disk, and only the owner may read the files`() async throws {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file)
        _ = try await store.apply([self.put("a", "1")], author: "ada", now: 1)
        #expect(try await store.pragma("synchronous") == "2")
        #expect(try await store.pragma("journal_mode") == "wal")
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }

    @Test func `two control planes cannot have the same database`() throws {
        let directory = try Directory()
        let first = try SQLiteStore(path: directory.file)
        #expect(throws: StoreError.inUse(path: directory.file)) { try SQLiteStore(path: directory.file) }
        try first.close()
    }

    @Test func `a full disk refuses the change, keeps what was there, and goes on when there is room`() async throws {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file, maxBytes: 256 * 1024)
        _ = try await store.apply([self.put("a", "1")], author: "ada", now: 1)
        let large = String(repeating: "x", count: 1024 * 1024)
        let error = await #expect(throws: StoreError.self) {
            try await store.apply([self.put("b", large), self.put("c", "1")], author: "ada", now: 2)
        }
        #expect(error == .diskFull(path: directory.file))
        #expect(try await store.revision() == Revision(1))
        #expect(try await store.get(StoreConformance.key("c")) == nil)
        _ = try await store.apply([self.put("c", "1")], author: "ada", now: 3)
        #expect(try await store.revision() == Revision(2))
    }

    @Test func `a database that another program has locked says so`() async throws {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file, busyTimeout: .milliseconds(1))
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: directory.file, configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
        await #expect(throws: StoreError.locked(path: directory.file)) {
            try await store.apply([self.put("a", "1")], author: "ada", now: 1)
        }
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        _ = try await store.apply([self.put("a", "1")], author: "ada", now: 1)
        #expect(try await store.revision() == Revision(1))
    }

    @Test func `a damaged file is named, with what to do`() async throws {
        let directory = try Directory()
        try Data("this is no database, whatever its name says".utf8).write(to: URL(fileURLWithPath: directory.file))
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: directory.file) }
        #expect("\(try #require(error))".contains("restore the file from a backup"))
    }

    @Test func `pages that were overwritten are noticed at the start`() async throws {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file)
        for number in 0..<40 {
            _ = try await store.apply(
                [self.put("n\(number)", String(repeating: "y", count: 3000))], author: "ada", now: 1)
        }
        try store.close()
        // The pages must be in the file itself, not in its log.
        try await DatabaseQueue(path: directory.file).writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        let damaged = directory.path + "/damaged.db"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: directory.file))
        for index in (bytes.count / 4)..<(bytes.count / 2) { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try bytes.write(to: URL(fileURLWithPath: damaged))
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: damaged) }
        guard case .corrupt? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a file in a directory that does not exist cannot be opened`() {
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: "/nonexistent/weft.db") }
        guard case .cannotOpen? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a database of a newer version is left alone`() throws {
        let directory = try Directory()
        try SQLiteStore(path: directory.file).close()
        let other = try DatabaseQueue(path: directory.file)
        try other.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9 something new')") }
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: directory.file) }
        guard case .newerFormat? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a closed store says so and ends its watches`() async throws {
        let directory = try Directory()
        let store = try SQLiteStore(path: directory.file)
        var iterator = store.watch(from: .zero).makeAsyncIterator()
        try store.close()
        #expect(try await iterator.next() == nil)
        await #expect(throws: StoreError.closed) { try await store.revision() }
    }
}
