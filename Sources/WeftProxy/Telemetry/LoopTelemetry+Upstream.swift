internal import FoundationEssentials
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// What one loop counts about endpoints and the limits towards them.
extension LoopTelemetry {
    func ejected(_ destination: String, _ trip: BalancerEvent.Trip) {
        self.registry.add(to: self.registry.series(MetricNames.ejections, [destination, trip.rawValue]))
    }

    func healthChecked(_ cluster: String, passed: Bool) {
        let labels = [cluster, passed ? "passed" : "failed"]
        self.registry.add(to: self.registry.series(MetricNames.healthChecks, labels))
    }

    /// What is told of a cluster when asked. Of destinations that callers made up, all together.
    func measure(_ cluster: ClusterTraffic, now: MonotonicInstant, into copy: inout MetricRegistry.Copy) {
        let name = cluster.cluster.metricName
        let balancer = cluster.balancer
        let endpoints = balancer.endpoints
        func set(_ family: MetricFamily, _ labels: [String], _ value: Double) {
            self.registry.measure(value, of: family, labels, into: &copy)
        }
        if !endpoints.isEmpty {
            set(MetricNames.endpoints, [name, "known"], Double(endpoints.count))
            set(MetricNames.endpoints, [name, "ejected"], Double(balancer.ejectedCount))
            set(MetricNames.endpoints, [name, "unhealthy"], Double(balancer.unhealthyCount))
            set(MetricNames.panic, [name], balancer.ignoresEjections ? 1 : 0)
        }
        set(MetricNames.upstreamConnections, [name], Double(cluster.load.connections))
        set(MetricNames.upstreamRequests, [name], Double(cluster.load.requests))
        set(MetricNames.upstreamPending, [name], Double(cluster.load.pending))
        set(MetricNames.budgetBalance, [name], Double(cluster.budget.balance(now: now)))
        if let rejection = cluster.admissionRejection(now: now) {
            set(MetricNames.admissionRejection, [name], rejection)
        }
    }

    func measure(_ gate: ConcurrencyGate, port: Int, into copy: inout MetricRegistry.Copy) {
        self.registry.measure(
            Double(gate.limit.limit), of: MetricNames.concurrencyLimit, ["\(port)"], into: &copy)
    }
}

extension Cluster {
    /// Whether it stands for a name that a caller made up and nobody described. Such a name is no label.
    private var isMadeUp: Bool {
        self.resolution != nil && self.service.namespace == "external"
            && self.name == "\(self.service.name):\(self.resolution?.port ?? 0)"
    }

    /// The `cluster` label.
    var metricName: String { self.isMadeUp ? "external" : self.name }

    /// The `destination` label.
    var metricDestination: String { self.isMadeUp ? "external" : self.service.description }
}

extension RequestOutcome {
    /// Takes the trace that a request is part of, where its caller had that sampled; costs others a look at their fields.
    mutating func readTrace(_ headers: HeaderBlock) {
        guard let index = headers.firstIndex(of: .traceparent),
            let trace = headers.withValue(at: index, { SampledTrace(traceparent: $0) })
        else { return }
        self.trace = trace
        self.endedAt = Date().timeIntervalSince1970
    }
}
