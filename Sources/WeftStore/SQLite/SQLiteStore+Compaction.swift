internal import GRDB
package import WeftModel

extension SQLiteStore {
    package func compact(_ retention: HistoryRetention, now: Int64) async throws(StoreError) -> Revision {
        do {
            return try await self.write { database in
                let before = try Self.compactedRevision(database)
                let through = max(before, try Self.last(outside: retention, now: now, in: database))
                guard through > before else { return before }
                try database.execute(sql: "DELETE FROM changes WHERE revision <= ?", arguments: [through.number])
                // What resources refer to stays: who wrote them, and when.
                try database.execute(
                    sql: """
                        DELETE FROM revisions WHERE number <= ?
                        AND NOT EXISTS (SELECT 1 FROM resources WHERE resources.revision = revisions.number)
                        """, arguments: [through.number])
                try database.execute(sql: "UPDATE compaction SET through = ?", arguments: [through.number])
                return through
            }
        } catch {
            throw StoreError(error, path: self.path)
        }
    }

    /// The newest revision whose change set was forgotten; zero while all are there.
    static func compactedRevision(_ database: Database) throws -> Revision {
        Revision(try Int64.fetchOne(database, sql: "SELECT through FROM compaction") ?? 0)
    }

    /// The newest revision that is not kept; zero where all are.
    private static func last(
        outside retention: HistoryRetention, now: Int64, in database: Database
    ) throws -> Revision {
        // Change sets are numbered without gaps, so that counting is subtracting.
        let newest = try Self.newestRevision(database).number
        let beyondCount = newest - Int64(max(1, retention.sets))
        let tooOld =
            try Int64.fetchOne(
                database, sql: "SELECT max(number) FROM revisions WHERE at < ?",
                arguments: [now - retention.age.components.seconds]) ?? 0
        return Revision(max(0, beyondCount, min(tooOld, newest - Int64(max(1, retention.atLeast)))))
    }
}
