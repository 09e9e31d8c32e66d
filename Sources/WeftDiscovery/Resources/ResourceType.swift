/// The kinds of resources that discovery carries.
///
/// Their order is make-before-break: what is named by others is sent before them.
package enum ResourceType: Int, Hashable, Sendable, CaseIterable, Comparable {
    case cluster
    case endpoints
    case secret
    case listener
    case route

    /// Nil for types that Weft does not serve.
    package init?(typeURL: String) {
        guard let type = Self.allCases.first(where: { $0.typeURL == typeURL }) else { return nil }
        self = type
    }

    /// What names the type on the wire.
    package var typeURL: String {
        switch self {
        case .cluster: "type.googleapis.com/envoy.config.cluster.v3.Cluster"
        case .endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
        case .secret: "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
        case .listener: "type.googleapis.com/envoy.config.listener.v3.Listener"
        case .route: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
        }
    }

    /// Whether naming nothing in a stream's first request of this type asks for everything, and whether a
    /// state-of-the-world response is complete. True of listeners and clusters only.
    package var isWhole: Bool { self == .listener || self == .cluster }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
