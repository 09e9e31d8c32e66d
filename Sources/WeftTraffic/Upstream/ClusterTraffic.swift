package import WeftModel

/// Everything one event loop remembers about one cluster; kept through configuration changes.
package final class ClusterTraffic {
    package private(set) var cluster: Cluster
    package var balancer: ClusterBalancer
    package var budget: RetryBudget
    package var load: CircuitLoad
    /// In nanoseconds.
    private(set) var connectTimeout: Int64
    /// The driver's own, for example its metric labels.
    package var attachment: AnyObject?

    private var medians: [String: LatencyMedian] = [:]

    init(_ cluster: Cluster, loops: Int) {
        self.cluster = cluster
        self.balancer = ClusterBalancer(algorithm: cluster.loadBalancing)
        self.budget = RetryBudget(cluster.retryBudget, loops: loops)
        self.load = CircuitLoad(cluster.limits, loops: loops)
        self.connectTimeout = max(1, cluster.connectTimeout.wholeNanoseconds)
    }

    func update(_ cluster: Cluster, loops: Int) {
        self.cluster = cluster
        self.balancer.algorithm = cluster.loadBalancing
        self.budget.update(cluster.retryBudget, loops: loops)
        self.load.update(cluster.limits, loops: loops)
        self.connectTimeout = max(1, cluster.connectTimeout.wholeNanoseconds)
    }

    /// Whether the endpoints are proxies of the mesh, which prove who they are.
    var hasPeers: Bool {
        switch self.cluster.transport {
        case .mutualTLS: true
        case .plaintext: false
        }
    }

    /// What is known about the latency of a route to this cluster. Bounded: routes beyond 1024 start over.
    func median(ofRoute route: String) -> LatencyMedian {
        if let known = self.medians[route] { return known }
        if self.medians.count >= 1024 { self.medians.removeAll() }
        let fresh = LatencyMedian()
        self.medians[route] = fresh
        return fresh
    }
}
