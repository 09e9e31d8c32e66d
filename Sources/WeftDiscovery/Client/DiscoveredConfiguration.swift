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
    /// The clusters that its routes name, those of mirrors included.
    var clusterNames: Set<String> {
        var names: Set<String> = []
        for host in self.virtualHosts {
            for route in host.routes {
                names.formUnion(route.mirrors.map(\.cluster))
                guard case .forward(let clusters) = route.action else { continue }
                for cluster in clusters {
                    names.insert(cluster.cluster)
                    names.formUnion(cluster.mirrors.map(\.cluster))
                }
            }
        }
        return names
    }
}
