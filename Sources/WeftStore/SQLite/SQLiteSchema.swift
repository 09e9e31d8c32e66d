internal import GRDB

/// The tables, and how they came to be. A migration that has been released never changes.
///
/// Documents are bytes: SQLite's texts end at a NUL.
enum SQLiteSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 resources, history, records") { database in
            try database.execute(
                sql: """
                    CREATE TABLE revisions (
                        number INTEGER PRIMARY KEY,
                        author TEXT NOT NULL,
                        at INTEGER NOT NULL
                    ) STRICT;

                    -- Every change ever made; a deletion has no document.
                    CREATE TABLE changes (
                        revision INTEGER NOT NULL REFERENCES revisions (number),
                        ordinal INTEGER NOT NULL,
                        kind TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        action TEXT NOT NULL,
                        created_at INTEGER,
                        document BLOB,
                        file TEXT,
                        line INTEGER,
                        PRIMARY KEY (revision, ordinal)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX changes_by_key ON changes (kind, namespace, name, revision);

                    -- What the changes add up to.
                    CREATE TABLE resources (
                        kind TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        revision INTEGER NOT NULL REFERENCES revisions (number),
                        created_at INTEGER NOT NULL,
                        document BLOB NOT NULL,
                        file TEXT,
                        line INTEGER,
                        PRIMARY KEY (kind, namespace, name)
                    ) STRICT;

                    CREATE TABLE records (
                        collection TEXT NOT NULL,
                        id TEXT NOT NULL,
                        document BLOB NOT NULL,
                        PRIMARY KEY (collection, id)
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("2 compaction") { database in
            try database.execute(
                sql: """
                    -- One row: the newest revision whose changes were forgotten. Resources may refer to older ones.
                    CREATE TABLE compaction (through INTEGER NOT NULL) STRICT;
                    INSERT INTO compaction VALUES (0);
                    CREATE INDEX resources_by_revision ON resources (revision);
                    """)
        }
        migrator.registerMigration("3 lines of a resource's parts") { database in
            for table in ["changes", "resources"] {
                // A JSON object of numbers; NULL where nobody said.
                try database.execute(sql: "ALTER TABLE \(table) ADD COLUMN lines TEXT")
            }
        }
        return migrator
    }
}
