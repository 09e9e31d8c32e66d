package import WeftModel

/// Everything one event loop remembers about one cluster; kept through configuration changes.
package final class ClusterTraffic {
    package private(set) var cluster: Cluster
    package var balancer: ClusterBalancer
    package var budget: RetryBudget
    package var load: CircuitLoad
    /// Refuses requests while too many fail; nil where no policy asks for it.
    package internal(set) var admission: AdmissionControl?
    /// What a wait for a connection may take beyond the connect timeout, in nanoseconds: time spent behind others.
    private static let queueLimit: Int64 = 5_000_000_000

    /// In nanoseconds.
    private var connectTimeout: Int64
    /// Why the cluster's name could not be resolved, the last time; nil when it was, or is no name.
    package var resolutionFailure: String?
    /// The driver's own, for example its metric labels.
    package var attachment: AnyObject?

    /// What the balancer's hash is taken of; nil where it takes none.
    private(set) var hashKey: AffinityReader?
    private(set) var sticky: StickyReader?

    private var medians: [String: LatencyMedian] = [:]
    private var faults: [FaultPolicy: FaultRun] = [:]
    private var success: SuccessWindow?

    init(_ cluster: Cluster, loops: Int) {
        self.cluster = cluster
        self.balancer = ClusterBalancer(algorithm: cluster.loadBalancing)
        self.budget = RetryBudget(cluster.retryBudget, loops: loops)
        self.load = CircuitLoad(cluster.limits, loops: loops)
        self.connectTimeout = max(1, cluster.connectTimeout.wholeNanoseconds)
        self.configure(loops: loops)
    }

    func update(_ cluster: Cluster, loops: Int) {
        self.cluster = cluster
        self.configure(loops: loops)
        self.budget.update(cluster.retryBudget, loops: loops)
        self.load.update(cluster.limits, loops: loops)
        self.connectTimeout = max(1, cluster.connectTimeout.wholeNanoseconds)
    }

    private func configure(loops: Int) {
        self.balancer.algorithm = self.cluster.loadBalancing
        self.balancer.options = self.cluster.balancing
        self.balancer.outliers = self.cluster.outliers
        self.hashKey =
            self.cluster.loadBalancing.isHashing ? self.cluster.balancing.hashKey.map(AffinityReader.init) : nil
        self.sticky = self.cluster.balancing.stickyCookie.map { StickyReader($0) }
        if self.cluster.healthCheck == nil {
            for endpoint in self.balancer.endpoints { self.balancer.setHealth(of: endpoint, isHealthy: true) }
        }
        if let policy = self.cluster.admission {
            if self.admission?.policy != policy { self.admission = AdmissionControl(policy, loops: loops) }
        } else {
            self.admission = nil
        }
    }

    /// Until when an attempt that begins now waits for a connection, where no time limit of its own ends it.
    func waitLimit(from now: MonotonicInstant) -> MonotonicInstant {
        now.advanced(byNanoseconds: self.connectTimeout).advanced(byNanoseconds: Self.queueLimit)
    }

    /// Whether the endpoints are proxies of the mesh, which prove who they are.
    package var hasPeers: Bool { self.cluster.isMutual }

    /// The probability with which admission control refuses now; nil without it.
    package func admissionRejection(now: MonotonicInstant) -> Double? { self.admission?.rejection(now: now) }
    /// Whether a fault's guard wants to know how the destination does.
    var watchesSuccess: Bool { self.success != nil }

    func observe(success: Bool, now: MonotonicInstant) { self.success?.record(success: success, now: now) }

    /// What a fault does to a request, and whether its guard has just ended it.
    func decide(
        _ fault: FaultPolicy, unixSeconds: Int64, random: inout TrafficRandom, now: MonotonicInstant
    ) -> (hit: FaultRun.Hit?, hasJustEnded: Bool) {
        if fault.guardrail != nil, self.success == nil { self.success = SuccessWindow() }
        let success = self.success?.percent(now: now) ?? (100, 0)
        if self.faults[fault] == nil, self.faults.count >= 64 {
            // Those of policies that have been replaced; none matters for longer than its own time.
            self.faults = self.faults.filter { $0.key.until > unixSeconds }
            if self.faults.count >= 64 { self.faults.removeAll() }
        }
        var run = self.faults[fault] ?? FaultRun()
        let wasOver = run.hasEnded
        let hit = run.decide(fault, unixSeconds: unixSeconds, success: success, random: &random)
        self.faults[fault] = run
        return (hit, run.hasEnded && !wasOver)
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
