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

    /// Only clusters of which there is something to say have series.
    func measure(_ cluster: ClusterTraffic, now: MonotonicInstant) {
        let name = cluster.cluster.name
        let balancer = cluster.balancer
        let endpoints = balancer.endpoints
        if !endpoints.isEmpty {
            self.set(MetricNames.endpoints, [name, "known"], Double(endpoints.count))
            self.set(MetricNames.endpoints, [name, "ejected"], Double(balancer.ejectedCount))
            self.set(MetricNames.endpoints, [name, "unhealthy"], Double(balancer.unhealthyCount))
            self.set(MetricNames.panic, [name], balancer.ignoresEjections ? 1 : 0)
        }
        self.set(MetricNames.upstreamConnections, [name], Double(cluster.load.connections))
        if let rejection = cluster.admissionRejection(now: now) {
            self.set(MetricNames.admissionRejection, [name], rejection)
        }
    }

    func measure(_ gate: ConcurrencyGate, port: Int) {
        self.set(MetricNames.concurrencyLimit, ["\(port)"], Double(gate.limit.limit))
    }

    private func set(_ family: MetricFamily, _ labels: [String], _ value: Double) {
        self.registry.set(value, of: self.registry.series(family, labels))
    }
}
