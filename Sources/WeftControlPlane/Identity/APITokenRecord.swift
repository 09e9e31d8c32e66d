internal import Foundation
internal import WeftIdentity
internal import WeftModel

/// What the control plane remembers of an API token. Never the secret.
struct APITokenRecord: Hashable, Sendable, Codable {
    let id: String
    /// SHA-256 of the secret, hex.
    let secretHash: String
    /// Seconds since 1970, as is the next.
    let createdAt: Int64
    let expiresAt: Int64
    let author: String
    /// Nil in records of the time when there were no roles: those may do everything.
    var role: APIRole?

    /// What it may do.
    var effectiveRole: APIRole { self.role ?? .admin }

    /// Whether `token` is this one and still good. Takes the same time whatever the bytes are.
    func admits(_ token: JoinToken, now: Date) -> Bool {
        let (left, right) = (token.secretHash.utf8, self.secretHash.utf8)
        guard left.count == right.count else { return false }
        let difference = zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 && Int64(now.timeIntervalSince1970) < self.expiresAt
    }

    var summary: TokenSummary {
        TokenSummary(
            id: self.id, purpose: .api, service: nil, namespace: "", createdAt: self.createdAt,
            expiresAt: self.expiresAt, usesLeft: 1, uses: 1,
            role: self.effectiveRole)
    }
}
