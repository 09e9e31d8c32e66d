internal import WeftModel

/// Writes what differs from the defaults in balancing, outliers, health checks and overload.
enum BalancingText {
    static func parts(of cluster: Cluster) -> [String] {
        var parts: [String] = []
        if let limit = cluster.limits.retries { parts.append("retries \(limit)") }
        let options = cluster.balancing
        if options.penalizesFailures { parts.append("failures count as latency") }
        if let key = options.hashKey { parts.append("hash of \(self.key(key))") }
        if let cookie = options.stickyCookie { parts.append("sticky by \(cookie.name) for \(cookie.ttl)") }
        if options.slowStart != .zero { parts.append("slow start \(options.slowStart)") }
        if !options.prefersZone { parts.append("any zone") }
        if !options.failover.isEmpty { parts.append("failover \(options.failover.joined(separator: " "))") }
        if options.panicThreshold != 50 { parts.append("panic below \(options.panicThreshold) %") }
        if cluster.outliers != OutlierPolicy() { parts.append("outliers \(self.outliers(cluster.outliers))") }
        if let check = cluster.healthCheck { parts.append("health check \(self.healthCheck(check))") }
        if let admission = cluster.admission { parts.append("admission \(self.admission(admission))") }
        return parts
    }

    static func key(_ key: AffinityKey) -> String {
        switch key {
        case .header(let name): "header \(name)"
        case .cookie(let name, let ttl): "cookie \(name)" + (ttl.map { " given for \($0)" } ?? "")
        case .query(let name): "query \(name)"
        case .source: "source"
        }
    }

    static func concurrency(_ policy: ConcurrencyPolicy) -> String {
        "\(policy.minConcurrency)–\(policy.maxLimit) by p\(policy.percentile) every \(policy.updateInterval)"
    }

    private static func outliers(_ policy: OutlierPolicy) -> String {
        guard policy.isEnabled else { return "off" }
        let cohort = policy.cohort.map { " cohort \($0.deviations)" } ?? ""
        return "below \(policy.successRate) of \(policy.minRequests) or \(policy.consecutiveFailures) in a row "
            + "for \(policy.baseEjection) to \(policy.maxEjection), at most \(policy.maxEjectionPercent) %\(cohort)"
    }

    private static func healthCheck(_ policy: HealthCheckPolicy) -> String {
        let probe =
            switch policy.probe {
            case .http(let path, let statuses):
                "http \(path)" + statuses.sorted().map { " \($0)" }.joined()
            case .grpc(let service): "grpc \(service)"
            case .tcp: "tcp"
            }
        return "\(probe) every \(policy.interval) within \(policy.timeout), "
            + "\(policy.unhealthyThreshold) down \(policy.healthyThreshold) up"
    }

    private static func admission(_ policy: AdmissionPolicy) -> String {
        "above \(policy.successRate) over \(policy.window), refusing at most \(policy.maxRejection)"
    }
}
