/// Everything the compiler derives for the mesh at one moment; immutable, swapped whole.
package struct MeshSnapshot: Hashable, Sendable {
    /// The store's revision this was compiled from.
    package var revision: Revision
    /// Outbound listeners by canonical service port (`billing.default:80`), inbound ones by `InboundListener.name`.
    package var listeners: [String: Listener]
    package var routes: [String: RouteConfiguration]
    package var clusters: [String: Cluster]
    package var endpoints: [String: ClusterEndpoints]
    /// What calls to unknown destinations become; nil refuses them.
    package var openEgress: OpenEgress?

    package init(
        revision: Revision = .zero, listeners: [String: Listener] = [:], routes: [String: RouteConfiguration] = [:],
        clusters: [String: Cluster] = [:], endpoints: [String: ClusterEndpoints] = [:]
    ) {
        self.revision = revision
        self.listeners = listeners
        self.routes = routes
        self.clusters = clusters
        self.endpoints = endpoints
    }
}
