internal import FoundationEssentials
internal import GRDB

extension SQLiteStore {
    package func record(_ id: String, in table: String) async throws(StoreError) -> String? {
        try await self.read { try Self.document(id, in: table, of: $0) }
    }

    package func records(in table: String) async throws(StoreError) -> [Record] {
        try await self.read { database in
            try Row.fetchAll(
                database, sql: "SELECT id, document FROM records WHERE collection = ? ORDER BY id", arguments: [table]
            ).map { row in
                let document: Data = row["document"]
                return Record(id: row["id"], document: String(decoding: document, as: UTF8.self))
            }
        }
    }

    package func updateRecord<Outcome: Sendable>(
        _ id: String, in table: String, _ change: @Sendable (inout String?) throws -> Outcome
    ) async throws -> Outcome {
        let path = self.path
        let result: Result<Outcome, any Error> = try await self.storeErrors(path) {
            try await self.write { database in
                let before = try Self.document(id, in: table, of: database)
                var after = before
                // The caller's own error is carried out as a value, so that it is not taken for the database's.
                let outcome: Outcome
                do { outcome = try change(&after) } catch { return .failure(error) }
                if let after, after != before {
                    try database.execute(
                        sql: "INSERT OR REPLACE INTO records (collection, id, document) VALUES (?, ?, ?)",
                        arguments: [table, id, Data(after.utf8)])
                } else if after == nil, before != nil {
                    try database.execute(
                        sql: "DELETE FROM records WHERE collection = ? AND id = ?", arguments: [table, id])
                }
                return .success(outcome)
            }
        }
        return try result.get()
    }

    private func storeErrors<Value>(
        _ path: String, _ body: () async throws -> Value
    ) async throws(StoreError) -> Value {
        do { return try await body() } catch { throw StoreError(error, path: path) }
    }

    private static func document(_ id: String, in table: String, of database: Database) throws -> String? {
        try Data.fetchOne(
            database, sql: "SELECT document FROM records WHERE collection = ? AND id = ?", arguments: [table, id]
        ).map { String(decoding: $0, as: UTF8.self) }
    }
}
