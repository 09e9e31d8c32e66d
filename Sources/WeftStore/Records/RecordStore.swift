/// Small documents beside the resources: join tokens and the like. Not versioned and not watched.
package protocol RecordStore: Sendable {
    /// The document, or nil when there is none of that id.
    func record(_ id: String, in table: String) async throws(StoreError) -> String?

    /// All of a table, sorted by id.
    func records(in table: String) async throws(StoreError) -> [Record]

    /// Reads, decides and writes in one step: nobody else changes the record in between, and it is durable on return.
    ///
    /// `change` gets the document (nil when there is none) and leaves what is to be stored (nil removes it). What it
    /// throws is passed on and nothing is stored. It may be called more than once and must have no other effect.
    func updateRecord<Outcome: Sendable>(
        _ id: String, in table: String, _ change: @Sendable (inout String?) throws -> Outcome
    ) async throws -> Outcome
}

/// One record with its id.
package struct Record: Hashable, Sendable {
    package var id: String
    package var document: String

    package init(id: String, document: String) {
        self.id = id
        self.document = document
    }
}
