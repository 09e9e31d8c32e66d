internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

extension RecordContext {
    /// What the records of a route's requests share: the values in force, and who set each.
    convenience init(_ compiled: CompiledRoute, _ cluster: Cluster?) {
        let route = compiled.route
        var policies: [HopRecord.Policy] = []
        func add(_ setting: TrafficSetting, _ value: String, _ sources: [TrafficSetting: Provenance]) {
            policies.append(HopRecord.Policy(setting: setting.rawValue, value: value, source: sources[setting]))
        }
        if let timeout = route.timeouts.request {
            add(.requestTimeout, timeout == .zero ? "none" : Self.text(timeout), route.sources)
        } else {
            add(.requestTimeout, "15 s for idempotent unary calls, else none", route.sources)
        }
        if let timeout = route.timeouts.perTry, timeout > .zero {
            add(.perTryTimeout, Self.text(timeout), route.sources)
        }
        if let timeout = route.timeouts.idle { add(.idleTimeout, Self.text(timeout), route.sources) }
        add(.retryAttempts, "\(route.retry.attempts)", route.sources)
        if !route.retry.statuses.isEmpty {
            let codes = route.retry.statuses.sorted().map { "\($0)" }.joined(separator: ", ")
            add(.retryStatuses, codes, route.sources)
        }
        if route.hedging != nil { add(.hedging, "on", route.sources) }
        if route.fault != nil { add(.fault, "on", route.sources) }
        if let cluster {
            add(.loadBalancing, cluster.loadBalancing.rawValue, cluster.sources)
            add(.connectTimeout, Self.text(cluster.connectTimeout), cluster.sources)
            let percent = Int((cluster.retryBudget.ratio * 100).rounded())
            add(.budgetRatio, "\(percent) %, at least \(cluster.retryBudget.minPerSecond) per second", cluster.sources)
            if let most = cluster.limits.requests { add(.maxRequests, "\(most)", cluster.sources) }
            if let most = cluster.limits.retries { add(.maxRetries, "\(most)", cluster.sources) }
        }
        self.init(
            destination: cluster?.service.description ?? "", cluster: cluster?.name ?? "", route: route.name,
            routeSource: route.provenance, policies: policies)
    }

    /// `1.5 s`, `250 ms`.
    static func text(_ duration: Duration) -> String {
        let milliseconds = Double(duration.wholeNanoseconds) / 1e6
        func number(_ value: Double) -> String {
            value == value.rounded() ? "\(Int64(value))" : "\((value * 1000).rounded() / 1000)"
        }
        return milliseconds >= 1000 ? "\(number(milliseconds / 1000)) s" : "\(number(milliseconds)) ms"
    }
}
