package import WeftModel

/// Whom the workloads of a host may believe: their own trust domain and those it is federated with, each
/// for its own identities only.
package struct WorkloadTrust: Hashable, Sendable {
    package var own: TrustedDomain
    package var federated: [TrustedDomain]
    /// A demand of the control plane: each new value asks that every certificate be made anew at once. Nil asks for nothing.
    package var renewBefore: Int64?

    package init(own: TrustedDomain, federated: [TrustedDomain] = [], renewBefore: Int64? = nil) {
        self.own = own
        self.federated = federated
        self.renewBefore = renewBefore
    }

    /// The own one first.
    package var all: [TrustedDomain] { [self.own] + self.federated }
}

/// What proves the identities of one trust domain.
package struct TrustedDomain: Hashable, Sendable {
    package var trustDomain: TrustDomain
    /// DER of the roots of its X.509-SVIDs.
    package var roots: [[UInt8]]
    /// Keys of its JWT-SVIDs: a JSON Web Key Set.
    package var keySet: String

    package init(trustDomain: TrustDomain, roots: [[UInt8]], keySet: String) {
        self.trustDomain = trustDomain
        self.roots = roots
        self.keySet = keySet
    }
}
