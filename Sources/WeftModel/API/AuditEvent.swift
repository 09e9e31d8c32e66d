/// One line of the control plane's audit log: who did, or tried to do, what to whom.
///
/// Holds no secret: no token, key, passphrase or document.
package struct AuditEvent: Hashable, Sendable, Codable {
    /// Milliseconds since 1970.
    package var at: Int64
    package var kind: Kind
    /// Who acted, as the control plane knows them: `local`, `token ID`, a SPIFFE ID, an address for those who proved
    /// nothing.
    package var actor: String
    /// What it was done to: an identity, a resource, a token's ID.
    package var subject: String
    package var outcome: Outcome
    /// More, by name: `serial`, `attestation`, `cause`, `revision`.
    package var details: [String: String]

    package init(
        at: Int64, kind: Kind, actor: String, subject: String, outcome: Outcome = .done,
        details: [String: String] = [:]
    ) {
        self.at = at
        self.kind = kind
        self.actor = actor
        self.subject = subject
        self.outcome = outcome
        self.details = details
    }

    package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// A certificate was signed, or refused.
        case certificate
        /// A JWT-SVID was signed.
        case token
        /// A join or API token was made or withdrawn.
        case credential
        /// A workload or agent tried to prove itself.
        case attestation
        /// Configuration was applied or deleted.
        case change
        /// Somebody without, or with wrong or too weak, credentials.
        case login
        /// The authority's root or intermediate was rotated or imported, an identity revoked or restored.
        case authority
    }

    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        case done
        case refused
    }
}
