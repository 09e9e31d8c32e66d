internal import Foundation
internal import WeftIdentity
internal import WeftModel

/// The number that tells one state of trust from the next, over restarts: it grows when what is trusted is not what the
/// last number stood for.
struct TrustVersion: Codable {
    var version: UInt64
    /// SHA-256 of what was trusted, hex.
    var digest: String

    static let record = "state"

    /// The state with its number, durably.
    static func next(
        after records: [String: String], in table: any RecordTable, of state: TrustState
    ) async throws -> TrustState {
        let saved = try records[Self.record].map { try JSONDecoder().decode(Self.self, from: Data($0.utf8)) }
        let digest = Self.digest(of: state)
        var state = state
        state.version = saved.map { $0.digest == digest ? $0.version : $0.version + 1 } ?? 1
        if saved?.version != state.version { try await Self(version: state.version, digest: digest).save(in: table) }
        return state
    }

    func save(in table: any RecordTable) async throws { try await table.put(Self.record, try Authority.encode(self)) }

    static func digest(of state: TrustState) -> String {
        var lines = [state.trustDomain.name, state.renewBefore.map { "\($0)" } ?? ""]
        lines += state.roots.map { certificateFingerprint($0) }
        for (domain, roots) in state.federated.sorted(by: { $0.key.name < $1.key.name }) {
            lines.append("\(domain) \(roots.map { certificateFingerprint($0) }.joined(separator: " "))")
        }
        lines += state.revoked.map(\.description).sorted()
        return certificateFingerprint(Array(lines.joined(separator: "\n").utf8))
    }
}
