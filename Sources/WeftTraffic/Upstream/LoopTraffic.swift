package import WeftModel

/// What one event loop knows about every cluster it sends to, and its random source. Used on that loop only.
package final class LoopTraffic {
    /// How many loops share the proxy's limits and budgets.
    package let loops: Int
    package var random: TrafficRandom
    /// What the wall clock showed when the monotonic one was at zero, in nanoseconds since 1970.
    private var epoch: Int64 = 0
    /// When `epoch` was read.
    private var epochRead = MonotonicInstant(nanoseconds: .min)
    package private(set) var clusters: [String: ClusterTraffic] = [:]
    /// Where the workload runs: what endpoints are near or far of.
    package var home = Locality() {
        didSet { for cluster in self.clusters.values { cluster.balancer.home = self.home } }
    }

    package init(loops: Int = 1, seed: UInt64) {
        self.loops = max(1, loops)
        self.random = TrafficRandom(seed: seed)
    }

    /// Whether the wall clock should be read again: it may have been set.
    package func wantsClock(now: MonotonicInstant) -> Bool {
        now.nanoseconds >= self.epochRead.advanced(byNanoseconds: 1_000_000_000).nanoseconds
    }

    /// What the wall clock shows now, in nanoseconds since 1970.
    package func setClock(unixNanoseconds: Int64, now: MonotonicInstant) {
        self.epoch = unixNanoseconds - now.nanoseconds
        self.epochRead = now
    }

    /// The wall clock, as far as it was told, in seconds since 1970.
    func unixSeconds(at now: MonotonicInstant) -> Int64 { (self.epoch + now.nanoseconds) / 1_000_000_000 }

    package func cluster(_ name: String) -> ClusterTraffic? { self.clusters[name] }

    /// Adds a cluster, or gives a known one new settings; its endpoints and what was learned stay.
    @discardableResult
    package func install(_ cluster: Cluster) -> ClusterTraffic {
        if let known = self.clusters[cluster.name] {
            known.update(cluster, loops: self.loops)
            return known
        }
        let added = ClusterTraffic(cluster, loops: self.loops)
        added.balancer.home = self.home
        self.clusters[cluster.name] = added
        return added
    }

    /// Gives a cluster its endpoints; ignored for an unknown cluster. Returns those that left, so that their
    /// connections can be drained.
    ///
    /// - Parameter table: where hashes lead among them, shared by all loops; nil where the loop makes it when needed.
    @discardableResult
    package func install(_ endpoints: ClusterEndpoints, table: HashTable? = nil) -> [UpstreamEndpoint] {
        self.clusters[endpoints.cluster]?.balancer.update(endpoints, table: table) ?? []
    }

    /// Forgets a cluster; requests in flight go on. Returns its endpoints.
    @discardableResult
    package func remove(cluster name: String) -> [UpstreamEndpoint] {
        self.clusters.removeValue(forKey: name)?.balancer.endpoints ?? []
    }
}
