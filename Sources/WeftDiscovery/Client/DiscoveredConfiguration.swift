package import WeftModel

/// What a proxy knows of the mesh: the listeners it asked for and all that they lead to.
package struct DiscoveredConfiguration: Hashable, Sendable {
    package var listeners: [String: Listener] = [:]
    package var routes: [String: RouteConfiguration] = [:]
    package var clusters: [String: Cluster] = [:]
    /// By cluster.
    package var endpoints: [String: ClusterEndpoints] = [:]
    /// Listeners asked for that the mesh does not have.
    package var absent: Set<String> = []

    package init() {}
}

extension RouteConfiguration {
    /// The clusters that its routes name.
    var clusterNames: Set<String> {
        var names: Set<String> = []
        for host in self.virtualHosts {
            for route in host.routes {
                if case .forward(let clusters) = route.action { names.formUnion(clusters.map(\.cluster)) }
            }
        }
        return names
    }
}
