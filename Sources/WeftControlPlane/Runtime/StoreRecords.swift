internal import WeftStore

/// One table of the store's records.
struct StoreRecords: RecordTable {
    let store: any RecordStore
    let table: String

    func all() async throws -> [String: String] {
        let records = try await self.store.records(in: self.table)
        return Dictionary(records.map { ($0.id, $0.document) }, uniquingKeysWith: { _, last in last })
    }

    func put(_ name: String, _ text: String) async throws {
        try await self.store.updateRecord(name, in: self.table) { $0 = text }
    }

    func remove(_ name: String) async throws {
        try await self.store.updateRecord(name, in: self.table) { $0 = nil }
    }
}
