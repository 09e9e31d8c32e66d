internal import GRDB
package import WeftModel

/// The embedded store: one SQLite file with a write-ahead log, brought to disk on every commit.
package final class SQLiteStore: ResourceStore, RecordStore {
    package let path: String
    let database: DatabasePool
    private let observe: Observer
    private let signal: RevisionSignal
    private let lock: ProcessLock

    package enum Operation: String, Hashable, Sendable { case read, write }
    /// Is told how long each operation took, waiting included, and whether the database failed it.
    package typealias Observer = @Sendable (Operation, Duration, _ hasFailed: Bool) -> Void

    /// Opens the database, or makes it. Its directory must exist.
    ///
    /// - Parameters:
    ///   - path: the file; `-wal`, `-shm` and `.lock` lie beside it.
    ///   - busyTimeout: how long to wait for another program that has the file locked. Default 5 s.
    ///   - maxBytes: the size beyond which writes answer `StoreError.diskFull`; nil is unlimited.
    ///   - observe: called from any thread.
    package init(
        path: String, busyTimeout: Duration = .seconds(5), maxBytes: Int? = nil,
        observe: @escaping Observer = { _, _, _ in }
    ) throws(StoreError) {
        self.path = path
        self.observe = observe
        self.lock = try ProcessLock(besides: path)
        try ProcessLock.makePrivateFile(path)
        do {
            self.database = try Self.open(path, busyTimeout: busyTimeout, maxBytes: maxBytes)
            let newest = try self.database.read { try Self.newestRevision($0) }
            self.signal = RevisionSignal(newest: newest)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    deinit { self.signal.close() }

    /// Ends all watches and closes the file. What is asked afterwards fails with `StoreError.closed`.
    package func close() throws(StoreError) {
        self.signal.close()
        do { try self.database.close() } catch { throw StoreError(error, path: self.path) }
    }

    package func revision() async throws(StoreError) -> Revision {
        try await self.read { try Self.newestRevision($0) }
    }

    /// A setting of the connection that writes, as SQLite states it.
    package func pragma(_ name: String) async throws(StoreError) -> String {
        do {
            return try await self.database.writeWithoutTransaction { database in
                try String.fetchOne(database, sql: "PRAGMA \(name)") ?? ""
            }
        } catch {
            throw StoreError(error, path: self.path)
        }
    }

    package func watch(from revision: Revision) -> ChangeWatch {
        ChangeWatch(from: revision) { [self] position async throws(StoreError) -> [ChangeSet] in
            // A commit can be read a moment before it is announced, so only the database knows the newest for certain.
            if position > self.signal.newest {
                let newest = try await self.revision()
                guard position <= newest else { throw .unknownRevision(position, newest: newest) }
            }
            // Only its end, or that of its task, ends a watch: whatever else leaves a read without an answer is asked again.
            while true {
                await self.signal.wait(beyond: position)
                guard !self.signal.isClosed, !Task.isCancelled else { return [] }
                do throws(StoreError) {
                    let sets = try await self.read { try ChangeRow.sets(after: position, limit: 64, in: $0) }
                    if !sets.isEmpty { return sets }
                } catch {
                    guard error == .interrupted || error == .closed else { throw error }
                }
            }
        }
    }

    // MARK: Access

    func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws(StoreError) -> Value {
        guard !self.signal.isClosed else { throw .closed }
        let began = ContinuousClock.now
        do {
            let value = try await self.database.read(body)
            self.observe(.read, .now - began, false)
            return value
        } catch {
            self.observe(.read, .now - began, true)
            throw StoreError(error, path: self.path)
        }
    }

    /// One transaction. Watchers are woken as it commits, whatever becomes of the task that asked.
    func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        guard !self.signal.isClosed else { throw StoreError.closed }
        let signal = self.signal
        let began = ContinuousClock.now
        do {
            let value = try await self.database.write { database in
                let before = try Self.newestRevision(database)
                let value = try body(database)
                let after = try Self.newestRevision(database)
                if after > before { database.afterNextTransaction { _ in signal.publish(after) } }
                return value
            }
            self.observe(.write, .now - began, false)
            return value
        } catch {
            // What a body refuses is an answer too.
            self.observe(.write, .now - began, error is DatabaseError)
            throw error
        }
    }

    static func newestRevision(_ database: Database) throws -> Revision {
        Revision(try Int64.fetchOne(database, sql: "SELECT max(number) FROM revisions") ?? 0)
    }

    private static func open(_ path: String, busyTimeout: Duration, maxBytes: Int?) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(
            Double(busyTimeout.components.seconds) + Double(busyTimeout.components.attoseconds) * 1e-18)
        configuration.maximumReaderCount = 4
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            // GRDB opens with NORMAL, which may lose the newest commits in a power cut.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            let health = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? "ok"
            guard health == "ok" else { throw StoreError.corrupt(path: path, cause: health) }
            if let maxBytes {
                let pageSize = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4096
                try database.execute(sql: "PRAGMA max_page_count = \(max(1, maxBytes / pageSize))")
            }
        }
        let migrator = SQLiteSchema.migrator
        if try pool.read(migrator.hasBeenSuperseded) {
            throw StoreError.newerFormat(path: path, cause: "it has tables that this version does not know")
        }
        try migrator.migrate(pool)
        return pool
    }
}
