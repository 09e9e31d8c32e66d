internal import WeftModel
internal import WeftTelemetry

/// Says how well an objective is kept, from what the telemetry store has.
///
/// Source of the windows and factors: the multi-window, multi-burn-rate alerts of the SRE Workbook, chapter 5.
struct ObjectiveJudge: Sendable {
    let store: TelemetryStore
    /// Now, as in `TelemetryStore.record`.
    let second: Int64

    /// Windows of burn rates, in seconds.
    static let windows: [(name: String, seconds: Int64)] = [
        ("5m", 300), ("30m", 1800), ("1h", 3600), ("6h", 21_600),
    ]
    /// Both windows of one must burn at its factor at least: the short one so that it ends when the trouble does.
    static let alerts: [(short: String, long: String, factor: Double)] = [("5m", "1h", 14.4), ("30m", "6h", 6)]

    func status(_ objective: ServiceObjective) -> ObjectiveStatus {
        let series = self.series(of: objective)
        let windowSeconds = max(1, objective.window.components.seconds)
        let judged = max(0, self.store.judged(windowSeconds, second: self.second))
        var whole = self.sum(series, over: min(windowSeconds, TelemetryStore.coarseSeconds))
        var rates: [(window: String, rate: Double?)] = []
        var known = EdgeCounters()
        for window in Self.windows {
            // Of a longer window the newest step may not be over: what a shorter one has is part of it all the same.
            let sum = self.sum(series, over: window.seconds)
            if sum.requests >= known.requests { known = sum }
            rates.append((window.name, Self.burn(known, objective)))
            if window.seconds <= windowSeconds, whole.requests < known.requests { whole = known }
        }
        // Without any requests nothing is known; without some of late nothing burns.
        var burnRates: [String: Double] = [:]
        if rates.contains(where: { $0.rate != nil }) {
            for (window, rate) in rates { burnRates[window] = rate ?? 0 }
        }
        // What the judged time took of a budget that is for the whole window.
        let remaining = Self.burn(whole, objective).map { 1 - $0 * Double(judged) / Double(windowSeconds) }
        var status = ObjectiveStatus(
            name: objective.metadata.name, namespace: objective.metadata.namespace, target: objective.target.text,
            successTarget: objective.successRatio, latencyTarget: objective.latency?.milliseconds,
            latencyRatio: objective.latency?.ratio, windowSeconds: windowSeconds, judgedSeconds: judged,
            measuredSuccess: whole.successRatio,
            measuredFast: objective.latency.flatMap { latency in
                Self.slow(whole, latency).map { 1 - $0 }
            }, budgetRemaining: remaining, burnRates: burnRates, state: .unknown)
        guard let remaining else { return status }
        let isBurning = Self.alerts.contains { alert in
            [alert.short, alert.long].allSatisfy { burnRates[$0, default: 0] >= alert.factor }
        }
        status.state = remaining <= 0 ? .exhausted : isBurning ? .burning : .ok
        return status
    }

    /// As the callers counted; where none did, as the destinations.
    private func series(of objective: ServiceObjective) -> [TelemetryStore.Series] {
        for direction in [EdgeStat.Direction.outbound, .inbound] {
            var query = TelemetryQuery(window: 0)
            query.direction = direction
            switch objective.target {
            case .service(let service): query.destination = service.description
            case .route(let key): query.route = "\(key.namespace)/\(key.name)"
            }
            let series = self.store.series.filter { query.matches($0.key) }.map(\.value)
            if !series.isEmpty { return series }
        }
        return []
    }

    private func sum(_ series: [TelemetryStore.Series], over seconds: Int64) -> EdgeCounters {
        let window = self.store.window(seconds, second: self.second)
        return series.reduce(into: EdgeCounters()) { $0.add(self.store.sum($1, window)) }
    }

    /// How many times as much failed, or was slow, as may; nil without requests.
    static func burn(_ counters: EdgeCounters, _ objective: ServiceObjective) -> Double? {
        let failed = objective.successRatio.flatMap { target in
            counters.successRatio.map { (1 - $0) / (1 - target) }
        }
        let slow = objective.latency.flatMap { latency in
            Self.slow(counters, latency).map { $0 / (1 - latency.ratio) }
        }
        return [failed, slow].compactMap(\.self).max()
    }

    /// The share of requests that took longer than they should; nil where no latency was told.
    private static func slow(_ counters: EdgeCounters, _ latency: ServiceObjective.Latency) -> Double? {
        let total = Double(counters.latency.reduce(0, &+))
        guard total > 0 else { return nil }
        return max(0, 1 - LatencyBuckets.count(within: latency.milliseconds, of: counters.latency) / total)
    }
}

extension ServiceObjective.Target {
    /// `Service/billing`.
    var text: String {
        switch self {
        case .service(let service): "Service/\(service.name)"
        case .route(let key): "\(key.kind.rawValue)/\(key.name)"
        }
    }
}

extension MetricSnapshot {
    /// Of every objective what is known: the budget left, and the burn rate by window.
    mutating func add(_ objectives: [ObjectiveStatus]) {
        for objective in objectives {
            let labels = [objective.namespace, objective.name]
            if let left = objective.budgetRemaining {
                self.add(.gauge(left), to: ControlPlaneMetricNames.objectiveBudget, labels: labels)
            }
            for (window, rate) in objective.burnRates {
                self.add(.gauge(rate), to: ControlPlaneMetricNames.objectiveBurnRate, labels: labels + [window])
            }
        }
    }
}

extension ObjectiveJudge {
    /// How well each objective is kept; sorted by namespace and name.
    static func all(_ configurations: Configurations, _ registry: RegistryDriver) async throws -> [ObjectiveStatus] {
        let objectives = try await configurations.load().resources.compactMap { resource in
            if case .serviceObjective(let objective) = resource { objective } else { nil }
        }
        let judge = ObjectiveJudge(store: await registry.telemetry, second: await registry.second)
        return objectives.sorted {
            ($0.metadata.namespace, $0.metadata.name) < ($1.metadata.namespace, $1.metadata.name)
        }
        .map(judge.status)
    }
}
