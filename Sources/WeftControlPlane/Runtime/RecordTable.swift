/// A durable table of small texts by name: tokens, admissions, the last registry.
protocol RecordTable: Sendable {
    func all() async throws -> [String: String]
    /// Lasts once it returns.
    func put(_ name: String, _ text: String) async throws
    func remove(_ name: String) async throws
}
