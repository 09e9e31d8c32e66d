internal import Foundation
internal import WeftModel

/// An identity that is refused however valid its certificates are.
struct Revocation: Hashable, Sendable, Codable {
    /// Seconds since 1970.
    var at: Int64
    /// Who did it.
    var by: String
    var reason: String

    /// The longest reason, in bytes.
    static let maxReason = 500

    /// Reads what the table holds. One that cannot be read is an error: passing it over would restore an identity.
    static func read(_ records: [String: String]) throws -> [SPIFFEID: Revocation] {
        var revocations: [SPIFFEID: Revocation] = [:]
        for (name, text) in records {
            guard let id = SPIFFEID(name) else {
                throw ControlPlaneError.store(
                    "the record of a revoked identity is named \(name), which is no SPIFFE ID")
            }
            revocations[id] = try JSONDecoder().decode(Revocation.self, from: Data(text.utf8))
        }
        return revocations
    }
}
