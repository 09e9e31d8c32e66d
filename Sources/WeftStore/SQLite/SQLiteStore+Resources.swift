internal import FoundationEssentials
internal import GRDB
package import WeftModel

extension SQLiteStore {
    package func apply(
        _ mutations: [Mutation], expecting: Revision?, author: String, now: Int64
    ) async throws(StoreError) -> ChangeSet {
        var keys: Set<ResourceKey> = []
        for mutation in mutations {
            guard keys.insert(mutation.key).inserted else { throw .duplicateKey(mutation.key) }
        }
        do {
            return try await self.write { database in
                let current = try Self.newestRevision(database)
                if let expecting, expecting != current {
                    throw StoreError.conflict(expected: expecting, actual: current)
                }
                let changes = try mutations.compactMap { mutation in
                    try Self.change(mutation, revision: current.next, now: now, in: database)
                }
                guard !changes.isEmpty else {
                    return ChangeSet(revision: current, author: author, at: now, changes: [])
                }
                let set = ChangeSet(revision: current.next, author: author, at: now, changes: changes)
                try Self.record(set, in: database)
                return set
            }
        } catch {
            throw StoreError(error, path: self.path)
        }
    }

    package func get(_ key: ResourceKey) async throws(StoreError) -> StoredResource? {
        try await self.read { try Self.find(key, in: $0) }
    }

    package func list(kind: ResourceKind?, namespace: String?) async throws(StoreError) -> ResourceListing {
        try await self.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM resources
                    WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR namespace = ?2)
                    """, arguments: [kind?.rawValue, namespace])
            return ResourceListing(
                revision: try Self.newestRevision(database),
                resources: try rows.compactMap(ChangeRow.resource).sorted { $0.key < $1.key })
        }
    }

    package func history(of key: ResourceKey?, limit: Int) async throws(StoreError) -> [ChangeSet] {
        try await self.read { try ChangeRow.history(of: key, limit: limit, in: $0) }
    }

    private static func find(_ key: ResourceKey, in database: Database) throws -> StoredResource? {
        try Row.fetchOne(
            database, sql: "SELECT * FROM resources WHERE kind = ? AND namespace = ? AND name = ?",
            arguments: [key.kind.rawValue, key.namespace, key.name]
        ).flatMap(ChangeRow.resource)
    }

    /// What a mutation changes; nil when it changes nothing.
    private static func change(
        _ mutation: Mutation, revision: Revision, now: Int64, in database: Database
    ) throws -> Change? {
        let before = try Self.find(mutation.key, in: database)
        switch mutation {
        case .delete(let key):
            return before.map { _ in Change(key: key, action: .deleted, resource: nil) }
        case .put(let key, let document, let file, let line, let lines):
            guard before?.document != document else { return nil }
            let resource = StoredResource(
                key: key, revision: revision, createdAt: before?.createdAt ?? now, document: document, file: file,
                line: line, lines: lines)
            return Change(key: key, action: before == nil ? .created : .updated, resource: resource)
        }
    }

    /// Writes a change set: the history first, then what it adds up to.
    private static func record(_ set: ChangeSet, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO revisions (number, author, at) VALUES (?, ?, ?)",
            arguments: [set.revision.number, set.author, set.at])
        for (ordinal, change) in set.changes.enumerated() {
            let (key, resource) = (change.key, change.resource)
            let lines = try resource.flatMap { try ChangeRow.text($0.lines) }
            try database.execute(
                sql: """
                    INSERT INTO changes
                        (revision, ordinal, kind, namespace, name, action, created_at, document, file, line, lines)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    set.revision.number, ordinal, key.kind.rawValue, key.namespace, key.name, change.action.rawValue,
                    resource?.createdAt, resource.map { Data($0.document.utf8) }, resource?.file, resource?.line, lines,
                ])
            if let resource {
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO resources
                            (kind, namespace, name, revision, created_at, document, file, line, lines)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        key.kind.rawValue, key.namespace, key.name, resource.revision.number, resource.createdAt,
                        Data(resource.document.utf8), resource.file, resource.line, lines,
                    ])
            } else {
                try database.execute(
                    sql: "DELETE FROM resources WHERE kind = ? AND namespace = ? AND name = ?",
                    arguments: [key.kind.rawValue, key.namespace, key.name])
            }
        }
    }
}
