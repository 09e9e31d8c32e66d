package import WeftModel

extension TelemetryStore {
    /// Whole slots that make up a window.
    struct Window: Sendable {
        let isFine: Bool
        let slots: Range<Int64>
        var slotSeconds: Int64 { self.isFine ? TelemetryStore.fineStep : TelemetryStore.coarseStep }
        var seconds: Double { Double(self.slots.count) * Double(self.slotSeconds) }
    }

    /// The slots of the last `seconds`. The newest slot is not over; it is left out, so that rates are of whole slots.
    func window(_ seconds: Int64, second: Int64) -> Window {
        let isFine = seconds <= self.keptSeconds.fine
        let step = isFine ? Self.fineStep : Self.coarseStep
        let newest = second / step
        let count = min(max((seconds + step / 2) / step, 1), self.keptSeconds.coarse / step)
        return Window(isFine: isFine, slots: (newest - count)..<newest)
    }

    func sum(_ series: Series, _ window: Window) -> EdgeCounters {
        window.isFine ? series.fine.sum(window.slots) : series.coarse.sum(window.slots)
    }

    /// How much of a window lies after the store began to listen.
    func judged(_ seconds: Int64, second: Int64) -> Int64 {
        min(seconds, self.keptSeconds.coarse, second - (self.since ?? second))
    }

    // MARK: Edges

    /// The golden signals of the edges that `query` names, and that had traffic or ever were heard of.
    ///
    /// - Parameters:
    ///   - second: now, as in `record`.
    ///   - at: wall time for the report, seconds since 1970.
    package func edges(_ query: TelemetryQuery, second: Int64, at: Int64) -> TelemetryEdges {
        let window = self.window(query.window, second: second)
        var groups: [EdgeKey: Sum] = [:]
        let reason = query.reason.flatMap { Reason(rawValue: $0) }
        for (key, series) in self.series where query.matches(key) {
            let sum = self.sum(series, window)
            if let wanted = query.reason {
                // `5xx` is no reason: what the application answered itself.
                guard reason.map({ sum.reasons[$0, default: 0] > 0 }) ?? (sum.failuresByReason[wanted] != nil) else {
                    continue
                }
            }
            groups[query.group.map { key.merged(by: $0) } ?? key, default: Sum(key)].add(key, sum)
        }
        let edges = groups.map { key, sum in
            TelemetryEdge(
                source: key.source, destination: key.destination, version: key.version, route: key.route,
                direction: key.direction, protocol: sum.protocol, tls: sum.tls, peerIdentity: sum.peerIdentity,
                signals: GoldenSignals(sum.counters, seconds: window.seconds))
        }
        return TelemetryEdges(
            windowSeconds: window.seconds, at: at,
            edges: edges.sorted {
                ($0.source, $0.destination, $0.version, $0.route, $0.direction.rawValue, $0.protocol)
                    < ($1.source, $1.destination, $1.version, $1.route, $1.direction.rawValue, $1.protocol)
            })
    }

    /// What goes into one entry of a report.
    private struct Sum {
        var counters = EdgeCounters()
        var `protocol`: String
        var tls: Bool
        var peerIdentity: String?

        init(_ key: EdgeKey) {
            self.protocol = key.protocol
            self.tls = key.tls
            self.peerIdentity = key.peerIdentity
        }

        mutating func add(_ key: EdgeKey, _ added: EdgeCounters) {
            self.counters.add(added)
            if self.protocol != key.protocol { self.protocol = "" }
            // In mutual TLS only if all of it is.
            self.tls = self.tls && key.tls
            if self.peerIdentity != key.peerIdentity { self.peerIdentity = nil }
        }
    }

    // MARK: Timeline

    /// Golden signals over time, of all edges that `query` names together. At most some 720 points; the newest step is
    /// left out until it is over.
    package func timeline(_ query: TelemetryQuery, second: Int64, at: Int64) -> TelemetryTimeline {
        let window = self.window(max(query.window, Self.fineStep), second: second)
        // Steps of as many slots as keep the points few; 5 s, 10 s, … or whole minutes.
        let slotsPerPoint = (Int64(window.slots.count) + 719) / 720
        let step = slotsPerPoint * window.slotSeconds
        var lower = window.slots.lowerBound
        if let since = self.since { lower = max(lower, since / window.slotSeconds) }
        lower = lower / slotsPerPoint * slotsPerPoint
        let slots = min(lower, window.slots.upperBound)..<window.slots.upperBound
        let count = Int((Int64(slots.count) + slotsPerPoint - 1) / slotsPerPoint)
        let directions: [EdgeStat.Direction] = query.direction.map { [$0] } ?? [.outbound, .inbound]
        for direction in directions {
            var query = query
            query.direction = direction
            let series = self.series.filter { query.matches($0.key) }
            if series.isEmpty && direction != directions.last { continue }
            var points = [EdgeCounters](repeating: EdgeCounters(), count: count)
            for (_, series) in series {
                let track = window.isFine ? series.fine : series.coarse
                track.add(slots, slotsPerPoint: slotsPerPoint, to: &points)
            }
            return TelemetryTimeline(
                stepSeconds: step, direction: direction,
                points: points.enumerated().map { index, counters in
                    let begin = (slots.lowerBound + Int64(index) * slotsPerPoint) * window.slotSeconds
                    let covered = min(step, slots.upperBound * window.slotSeconds - begin)
                    return TelemetryTimeline.Point(
                        at: at - (second - begin), signals: GoldenSignals(counters, seconds: Double(covered)))
                })
        }
        return TelemetryTimeline(stepSeconds: step, direction: .outbound, points: [])
    }

    // MARK: Stat

    /// What a request is answered with that policies do not let through.
    private static let refusals = Reason.allCases.filter(\.isPolicyRefusal)

    /// Every edge that was ever heard of, with its figures over the last `seconds`.
    package func report(window seconds: Int64, second: Int64, at: Int64) -> StatReport {
        let window = self.window(seconds, second: second)
        let stats = self.series.map { key, series in
            let sum = self.sum(series, window)
            return EdgeStat(
                source: key.source, destination: key.destination, version: key.version, route: key.route,
                direction: key.direction, protocol: key.protocol, tls: key.tls, peerIdentity: key.peerIdentity,
                requests: sum.requests, requestsPerSecond: Double(sum.requests) / window.seconds,
                successRatio: sum.successRatio, p50: LatencyBuckets.percentile(0.5, of: sum.latency),
                p95: LatencyBuckets.percentile(0.95, of: sum.latency),
                p99: LatencyBuckets.percentile(0.99, of: sum.latency),
                retriesPerSecond: Double(sum.retries) / window.seconds, failures: sum.failuresByReason,
                bytesInPerSecond: Double(sum.bytesIn) / window.seconds,
                bytesOutPerSecond: Double(sum.bytesOut) / window.seconds, totalRequests: series.total.requests,
                totalFailures: series.total.failures, totalRetries: series.total.retries,
                totalRefused: Self.refusals.reduce(0) { $0 &+ (series.total.reasons[$1] ?? 0) })
        }
        let sorted = stats.sorted {
            ($0.source, $0.destination, $0.version, $0.route, $0.direction.rawValue)
                < ($1.source, $1.destination, $1.version, $1.route, $1.direction.rawValue)
        }
        return StatReport(at: at, windowSeconds: window.seconds, edges: sorted)
    }
}

extension TelemetryQuery {
    func matches(_ key: EdgeKey) -> Bool {
        self.matches(
            source: key.source, destination: key.destination, version: key.version, route: key.route,
            direction: key.direction, identity: key.peerIdentity)
    }
}

extension EdgeKey {
    /// The key of its group: what the group is by, and the direction.
    func merged(by group: TelemetryQuery.Group) -> EdgeKey {
        EdgeKey(
            source: group == .edge ? self.source : "", destination: self.destination,
            version: group == .version ? self.version : "", route: group == .route ? self.route : "",
            direction: self.direction, protocol: "", tls: false, peerIdentity: nil)
    }
}

extension EdgeCounters {
    var successRatio: Double? {
        self.requests == 0 ? nil : 1 - Double(self.failures) / Double(self.requests)
    }
}

extension GoldenSignals {
    /// Rates over `seconds`.
    init(_ sum: EdgeCounters, seconds: Double) {
        let seconds = max(seconds, 1)
        var classes: [String: Double] = [:]
        for (index, count) in sum.classes.enumerated() where count > 0 {
            classes["\(index + 1)"] = Double(count) / seconds
        }
        self.init(
            requestsPerSecond: Double(sum.requests) / seconds, successRatio: sum.successRatio,
            p50: LatencyBuckets.percentile(0.5, of: sum.latency), p90: LatencyBuckets.percentile(0.9, of: sum.latency),
            p99: LatencyBuckets.percentile(0.99, of: sum.latency), retriesPerSecond: Double(sum.retries) / seconds,
            bytesInPerSecond: Double(sum.bytesIn) / seconds, bytesOutPerSecond: Double(sum.bytesOut) / seconds,
            codeClasses: classes, failures: sum.failuresByReason.mapValues { Double($0) / seconds },
            grpcFailuresPerSecond: Double(sum.grpcFailures) / seconds)
    }
}
