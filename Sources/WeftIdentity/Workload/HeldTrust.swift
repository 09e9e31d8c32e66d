package import FoundationEssentials
package import WeftModel

/// What a workload trusts now, and whether a newer word replaces it. A value without IO.
package struct HeldTrust: Sendable {
    package private(set) var state: TrustState
    package private(set) var verifier: SVIDVerifier

    /// Throws where nothing could be believed by it.
    package init(_ state: TrustState) throws(TrustStateError) {
        self.verifier = try SVIDVerifier(state)
        self.state = state
    }

    /// SHA-256 of each root of the own trust domain, lower-case hex.
    package var rootFingerprints: [String] { self.state.roots.map { certificateFingerprint($0) } }

    /// SHA-256 of the root that an identity's certificate leads to; nil where that is none of those trusted.
    package func rootFingerprint(of identity: WorkloadIdentity, now: Date) -> String? {
        var verifier = self.verifier
        verifier.revoked = []
        return try? verifier.verify(identity.chain, now: now).rootFingerprint
    }

    /// What became of a state that was offered.
    package enum Outcome: Hashable, Sendable {
        /// It is in force: save it, and use it.
        case replaced
        /// It is what is in force.
        case unchanged
        /// It is older than what is in force, which stays.
        case stale(held: UInt64)
    }

    /// Takes a state unless it is older. What throws leaves the one before in force.
    package mutating func take(_ next: TrustState) throws(TrustStateError) -> Outcome {
        guard next.trustDomain == self.state.trustDomain else {
            throw .otherTrustDomain(next.trustDomain, expected: self.state.trustDomain)
        }
        guard next.version >= self.state.version else { return .stale(held: self.state.version) }
        guard next != self.state else { return .unchanged }
        self.verifier = try SVIDVerifier(next)
        self.state = next
        return .replaced
    }
}
