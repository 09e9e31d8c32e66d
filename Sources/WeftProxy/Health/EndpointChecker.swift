internal import NIOCore
internal import WeftModel
internal import WeftTraffic

/// Asks the endpoints of clusters that want it about their health, on one of the proxy's loops, and tells all loops.
final class EndpointChecker {
    private unowned let loop: ProxyLoop
    /// Tells every loop, this one included.
    private let report: @Sendable (HealthReport) -> Void
    private var entries: [Key: Entry] = [:]
    private var alarm: Scheduled<Void>?
    private var alarmAt = MonotonicInstant.never

    private struct Key: Hashable {
        let cluster: String
        let workload: String
        let address: String
        let port: Int
    }

    private struct Entry {
        var endpoint: Endpoint
        var schedule: HealthCheckSchedule
        /// Connections of its own: checks neither wait for requests nor take their places.
        var pool: EndpointPool?
        var check: EndpointCheck?
    }

    init(loop: ProxyLoop, report: @escaping @Sendable (HealthReport) -> Void) {
        self.loop = loop
        self.report = report
    }

    /// Follows the snapshot in force.
    func update() {
        var wanted: [Key: (policy: HealthCheckPolicy, endpoint: Endpoint)] = [:]
        for cluster in self.loop.traffic.clusters.values {
            guard let policy = cluster.cluster.healthCheck else { continue }
            for endpoint in cluster.balancer.endpoints.map(\.endpoint) {
                let key = Key(
                    cluster: cluster.cluster.name, workload: endpoint.workload, address: endpoint.address,
                    port: endpoint.port)
                wanted[key] = (policy, endpoint)
            }
        }
        for (key, entry) in self.entries where wanted[key] == nil {
            entry.check?.cancel()
            entry.pool?.retire()
            self.entries[key] = nil
        }
        let now = self.loop.now
        for (key, (policy, endpoint)) in wanted {
            if self.entries[key] == nil {
                let schedule = HealthCheckSchedule(policy, random: &self.loop.traffic.random, now: now)
                self.entries[key] = Entry(endpoint: endpoint, schedule: schedule)
            } else {
                self.entries[key]?.schedule.update(policy, random: &self.loop.traffic.random, now: now)
                self.entries[key]?.endpoint = endpoint
            }
        }
        self.arm()
    }

    func stop() {
        self.alarm?.cancel()
        for entry in self.entries.values {
            entry.check?.cancel()
            entry.pool?.retire()
        }
        self.entries = [:]
    }

    private func arm() {
        let due = self.entries.values.reduce(MonotonicInstant.never) { min($0, $1.schedule.due) }
        guard due < self.alarmAt else { return }
        self.alarm?.cancel()
        self.alarmAt = due
        let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
        self.alarm = self.loop.eventLoop.scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(max(0, due.nanoseconds)))
        ) { bound.value.ask() }
    }

    private func ask() {
        self.alarm = nil
        self.alarmAt = .never
        let now = self.loop.now
        for key in Array(self.entries.keys) where self.entries[key]?.schedule.begin(now: now) == true {
            self.check(key)
        }
        self.arm()
    }

    private func check(_ key: Key) {
        guard let cluster = self.loop.traffic.cluster(key.cluster)?.cluster, let policy = cluster.healthCheck,
            let endpoint = self.entries[key]?.endpoint
        else { return self.checked(key, passed: true) }
        let pool = self.pool(key, endpoint, cluster)
        let question = HealthQuestion(policy.probe, authority: cluster.service.description)
        let check = EndpointCheck(question, pool: pool, loop: self.loop) { [weak self] passed in
            self?.checked(key, passed: passed)
        }
        self.entries[key]?.check = check
        check.begin(within: policy.timeout)
    }

    private func pool(_ key: Key, _ endpoint: Endpoint, _ cluster: Cluster) -> EndpointPool {
        if let pool = self.entries[key]?.pool {
            // A check for a connection alone takes a new one each time.
            if pool.serves(self.loop.security), cluster.healthCheck?.probe != .tcp {
                return pool
            }
            pool.retire()
        }
        let pool = self.loop.makePool(
            to: endpoint, in: cluster, limits: .init(connections: 1, waiting: 4, expectedRoom: 1))
        self.entries[key]?.pool = pool
        return pool
    }

    /// `passed` is nil for a check that told nothing about the endpoint.
    private func checked(_ key: Key, passed: Bool?) {
        guard let endpoint = self.entries[key]?.endpoint else { return }
        self.entries[key]?.check = nil
        let change = self.entries[key]?.schedule.checked(
            passed: passed, random: &self.loop.traffic.random, now: self.loop.now)
        if let passed { self.loop.telemetry.healthChecked(key.cluster, passed: passed) }
        if let isHealthy = change ?? nil {
            self.report(HealthReport(cluster: key.cluster, endpoint: endpoint, isHealthy: isHealthy))
        }
        self.arm()
    }
}

/// What health checks have come to think of an endpoint.
struct HealthReport: Hashable, Sendable {
    let cluster: String
    let endpoint: Endpoint
    let isHealthy: Bool
}
