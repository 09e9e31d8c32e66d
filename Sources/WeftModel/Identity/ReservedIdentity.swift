/// The identities of the mesh's own account names, which not everybody may get who may otherwise join.
package enum ReservedIdentity: Hashable, Sendable {
    /// `ns/weft/sa/control`: whoever has it is the control plane to every proxy. The authority gives it to itself alone.
    case controlPlane
    /// `ns/weft/sa/admin`: whoever has it may do everything at the control plane's API.
    case admin

    /// The namespace of both.
    package static let namespace = "weft"
    package static let controlPlaneAccount = "control"
    package static let adminAccount = "admin"

    /// Nil for every other identity.
    package init?(namespace: String, account: String) {
        switch (namespace, account) {
        case (Self.namespace, Self.controlPlaneAccount): self = .controlPlane
        case (Self.namespace, Self.adminAccount): self = .admin
        default: return nil
        }
    }

    /// Nil for every other identity.
    package init?(_ identity: SPIFFEID) {
        guard let (namespace, account) = identity.workload else { return nil }
        self.init(namespace: namespace, account: account)
    }

    /// Why no token, entry, attestor or signing request gets it; nil where those who prove it may have it.
    package var refusal: String? {
        switch self {
        case .controlPlane: "the identity of the account control in the namespace weft is the control plane's own"
        case .admin: nil
        }
    }
}
