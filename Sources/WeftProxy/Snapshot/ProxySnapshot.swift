package import WeftModel

/// What a sidecar knows at one moment: the listeners it asked for and what hangs on them. Immutable, swapped whole; a
/// request keeps the one it began with.
package final class ProxySnapshot: Sendable {
    /// The newest revision that any part of it came from.
    package let revision: Revision
    /// Outbound listeners by canonical service port (`billing.default:80`), the workload's inbound ones by their names.
    package let listeners: [String: Listener]
    package let routes: [String: RouteConfiguration]
    package let clusters: [String: Cluster]
    package let endpoints: [String: ClusterEndpoints]
    /// Names that were asked for and that the mesh does not have.
    package let absent: Set<String>

    /// Makes a snapshot; what equals a part of `previous` is taken from there, so that what was compiled stays.
    package init(
        revision: Revision = .zero, listeners: [String: Listener] = [:], routes: [String: RouteConfiguration] = [:],
        clusters: [String: Cluster] = [:], endpoints: [String: ClusterEndpoints] = [:], absent: Set<String> = [],
        previous: ProxySnapshot? = nil
    ) {
        self.revision = revision
        self.listeners = listeners
        self.routes = routes
        self.clusters = clusters
        self.endpoints = endpoints
        self.absent = absent
    }

    /// Knows nothing.
    package static let empty = ProxySnapshot()

    /// The inbound listeners, by name.
    package var inboundListeners: [InboundListener] {
        self.listeners.values.compactMap { if case .inbound(let listener) = $0 { listener } else { nil } }
            .sorted { $0.name < $1.name }
    }
}
