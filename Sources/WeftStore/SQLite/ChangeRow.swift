internal import FoundationEssentials
internal import GRDB
internal import WeftModel

/// Rows of `changes` and `resources`, as the values they stand for.
enum ChangeRow {
    /// Change sets after a revision, oldest first. Throws `StoreError.compacted` when not all are there.
    static func sets(after revision: Revision, limit: Int, in database: Database) throws -> [ChangeSet] {
        let compacted = try SQLiteStore.compactedRevision(database)
        guard revision >= compacted else { throw StoreError.compacted(revision, through: compacted) }
        let numbers = try Int64.fetchAll(
            database, sql: "SELECT number FROM revisions WHERE number > ? ORDER BY number LIMIT ?",
            arguments: [revision.number, limit])
        return try numbers.compactMap { try Self.set(Revision($0), key: nil, in: database) }
    }

    /// Past change sets, newest first; with a key, those that changed it, reduced to it.
    static func history(of key: ResourceKey?, limit: Int, in database: Database) throws -> [ChangeSet] {
        let numbers: [Int64]
        if let key {
            numbers = try Int64.fetchAll(
                database,
                sql: """
                    SELECT revision FROM changes WHERE kind = ? AND namespace = ? AND name = ?
                    ORDER BY revision DESC LIMIT ?
                    """, arguments: [key.kind.rawValue, key.namespace, key.name, limit])
        } else {
            numbers = try Int64.fetchAll(
                database, sql: "SELECT number FROM revisions WHERE number > ? ORDER BY number DESC LIMIT ?",
                arguments: [try SQLiteStore.compactedRevision(database).number, limit])
        }
        return try numbers.compactMap { try Self.set(Revision($0), key: key, in: database) }
    }

    /// What a row of `resources` or a change that left a document says; nil for a deletion.
    static func resource(_ row: Row) throws -> StoredResource? {
        guard let document: Data = row["document"] else { return nil }
        return StoredResource(
            key: try Self.key(row), revision: Revision(row["revision"]), createdAt: row["created_at"] ?? 0,
            document: String(decoding: document, as: UTF8.self), file: row["file"], line: row["line"],
            lines: Self.lines(row["lines"]))
    }

    /// Lines are told to people and decide nothing: what cannot be read is none.
    private static func lines(_ text: String?) -> [String: Int] {
        guard let text else { return [:] }
        return (try? JSONDecoder().decode([String: Int].self, from: Data(text.utf8))) ?? [:]
    }

    /// As `lines` reads it; nil for none.
    static func text(_ lines: [String: Int]) throws -> String? {
        if lines.isEmpty { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(lines), as: UTF8.self)
    }

    private static func set(_ revision: Revision, key: ResourceKey?, in database: Database) throws -> ChangeSet? {
        guard
            let head = try Row.fetchOne(
                database, sql: "SELECT author, at FROM revisions WHERE number = ?", arguments: [revision.number])
        else { return nil }
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM changes WHERE revision = ? ORDER BY ordinal", arguments: [revision.number])
        let changes = try rows.map { row in
            guard let action = Change.Action(rawValue: row["action"]) else { throw Self.unknown(row["action"]) }
            return Change(key: try Self.key(row), action: action, resource: try Self.resource(row))
        }
        return ChangeSet(
            revision: revision, author: head["author"], at: head["at"],
            changes: key.map { key in changes.filter { $0.key == key } } ?? changes)
    }

    private static func key(_ row: Row) throws -> ResourceKey {
        guard let kind = ResourceKind(rawValue: row["kind"]) else { throw Self.unknown(row["kind"]) }
        return ResourceKey(kind: kind, namespace: row["namespace"], name: row["name"])
    }

    private static func unknown(_ word: String) -> StoreError {
        .newerFormat(path: "the store", cause: "it holds \"\(word)\", which this version does not know")
    }
}
