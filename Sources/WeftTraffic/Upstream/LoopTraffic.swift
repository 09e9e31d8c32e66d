package import WeftModel

/// What one event loop knows about every cluster it sends to, and its random source. Used on that loop only.
package final class LoopTraffic {
    /// How many loops share the proxy's limits and budgets.
    package let loops: Int
    package var random: TrafficRandom
    package private(set) var clusters: [String: ClusterTraffic] = [:]

    package init(loops: Int = 1, seed: UInt64) {
        self.loops = max(1, loops)
        self.random = TrafficRandom(seed: seed)
    }

    package func cluster(_ name: String) -> ClusterTraffic? { self.clusters[name] }

    /// Adds a cluster, or gives a known one new settings; its endpoints and what was learned stay.
    @discardableResult
    package func install(_ cluster: Cluster) -> ClusterTraffic {
        if let known = self.clusters[cluster.name] {
            known.update(cluster, loops: self.loops)
            return known
        }
        let added = ClusterTraffic(cluster, loops: self.loops)
        self.clusters[cluster.name] = added
        return added
    }

    /// Gives a cluster its endpoints; ignored for an unknown cluster. Returns those that left, so that their
    /// connections can be drained.
    @discardableResult
    package func install(_ endpoints: ClusterEndpoints) -> [UpstreamEndpoint] {
        self.clusters[endpoints.cluster]?.balancer.update(endpoints) ?? []
    }

    /// Forgets a cluster; requests in flight go on. Returns its endpoints.
    @discardableResult
    package func remove(cluster name: String) -> [UpstreamEndpoint] {
        self.clusters.removeValue(forKey: name)?.balancer.endpoints ?? []
    }
}
