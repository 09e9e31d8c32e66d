/// What the mesh trusts at one moment: whose certificates are believed, and which identities no longer are.
///
/// Made by the control plane, and carried to every proxy; each replaces the whole of the one before.
package struct TrustState: Hashable, Sendable {
    /// The mesh's own trust domain.
    package var trustDomain: TrustDomain
    /// DER of its roots, all to be trusted, in order; never empty where it is in force.
    package var roots: [[UInt8]]
    /// DER of the roots of other trust domains, each believed for its own domain only.
    package var federated: [TrustDomain: [[UInt8]]]
    /// Identities that are refused however valid their certificates are; at most `maxRevoked`.
    package var revoked: Set<SPIFFEID>
    /// Seconds since 1970: a leaf that was issued before must be renewed now. Nil asks for nothing.
    package var renewBefore: Int64?
    /// Grows with every change, over restarts of the control plane too; an older state never replaces a newer one.
    package var version: UInt64

    /// The most identities that can be revoked at once.
    package static let maxRevoked = 10_000
    /// The most roots of one trust domain.
    package static let maxRoots = 16
    /// The most trust domains beside the mesh's own.
    package static let maxFederated = 256

    package init(
        trustDomain: TrustDomain, roots: [[UInt8]], federated: [TrustDomain: [[UInt8]]] = [:],
        revoked: Set<SPIFFEID> = [], renewBefore: Int64? = nil, version: UInt64 = 0
    ) {
        self.trustDomain = trustDomain
        self.roots = roots
        self.federated = federated
        self.revoked = revoked
        self.renewBefore = renewBefore
        self.version = version
    }
}
