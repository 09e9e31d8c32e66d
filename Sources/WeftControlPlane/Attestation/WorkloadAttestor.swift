internal import Foundation
internal import WeftModel

/// Finds out whether one who asks for an identity is the workload that it says it is.
///
/// An attestor decides and changes nothing: what is used up by joining is taken when the identity is given.
protocol WorkloadAttestor: Sendable {
    /// As the audit log names it.
    var name: String { get }

    /// Throws `AttestationRefusal`.
    func attest(_ evidence: JoinEvidence) async throws -> AttestedWorkload
}

/// What somebody who asks for an identity shows.
struct JoinEvidence: Sendable, CustomStringConvertible {
    enum Proof: Sendable {
        case joinToken(String)
        /// A service-account token (a JWT) of Kubernetes.
        case kubernetesToken(String)
    }

    /// A secret.
    var proof: Proof
    /// The service that it says it belongs to; empty: it says nothing.
    var service: String
    var namespace: String
    var source: SourceAddress
    var now: Date

    /// Without the secret.
    var description: String { "evidence for \(self.service).\(self.namespace) from \(self.source)" }
}

/// One who proved to be a workload.
struct AttestedWorkload: Sendable, CustomStringConvertible {
    enum Proof: Sendable {
        /// The token's text: a use of it is taken when the identity is given.
        case joinToken(String)
        case other
    }

    var identity: SPIFFEID
    /// The service that it may register for.
    var service: String
    var proof: Proof
    /// For the audit log; no secrets.
    var details: [String: String] = [:]

    /// Without the proof.
    var description: String { "\(self.identity) for \(self.service)" }
}

/// Why somebody was not believed.
struct AttestationRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        case refused
        /// Whoever must be asked does not answer: trying again may help.
        case unavailable
    }

    var kind = Kind.refused
    /// For whoever tried: nothing that helps guessing.
    var shown: String
    /// Exactly why, for the log and the audit. No secrets.
    var cause: String

    var description: String { self.shown }
}
