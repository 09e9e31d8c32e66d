package import WeftModel

/// Which edge a request took: the labels that all its metrics share.
package struct RequestLabels: Hashable, Sendable {
    package enum Direction: String, Hashable, Sendable { case outbound, inbound }

    /// The caller's service, `billing.default`; `unknown` where nothing says.
    package var source: String
    package var destination: String
    /// The route's name; empty when none matched.
    package var route: String
    /// The destination's version; empty where it has none.
    package var version: String
    package var direction: Direction
    /// `http/1.1`, `h2` or `grpc`.
    package var `protocol`: String
    package var tls: Bool
    /// The SPIFFE ID that the other side proved; empty where it proved none. Not a label of metrics.
    package var peerIdentity: String

    package init(
        source: String, destination: String, route: String, version: String, direction: Direction,
        protocol: String, tls: Bool, peerIdentity: String = ""
    ) {
        self.source = source
        self.destination = destination
        self.route = route
        self.version = version
        self.direction = direction
        self.protocol = `protocol`
        self.tls = tls
        self.peerIdentity = peerIdentity
    }

    var values: [String] {
        [
            self.source, self.destination, self.route, self.version, self.direction.rawValue, self.protocol,
            self.tls ? "mutual" : "none",
        ]
    }
}

/// How a request ended, as metrics tell it.
package struct RequestOutcome: Hashable, Sendable {
    package var status: Int
    package var grpcStatus: Int?
    package var reason: Reason
    package var duration: Duration
    package var attempts: Int
    package var receivedBytes: Int
    package var sentBytes: Int
    /// The trace that it is part of, where its caller had that sampled.
    package var trace: SampledTrace?
    /// When it ended, seconds since 1970; looked at where there is a trace.
    package var endedAt = 0.0

    package init(
        status: Int, grpcStatus: Int? = nil, reason: Reason, duration: Duration, attempts: Int = 1,
        receivedBytes: Int = 0, sentBytes: Int = 0
    ) {
        self.status = status
        self.grpcStatus = grpcStatus
        self.reason = reason
        self.duration = duration
        self.attempts = attempts
        self.receivedBytes = receivedBytes
        self.sentBytes = sentBytes
    }
}

/// The request metrics of one event loop. Each edge's series are found once, then counted by number.
package final class RequestMetrics {
    private let registry: MetricRegistry
    private var edges: [RequestLabels: EdgeSeries] = [:]
    private let maxEdges: Int
    private let naming: MetricNaming
    /// Who counts, as Istio's labels tell it; holds for edges that are met from then on.
    package var teller: IstioTeller

    package init(
        registry: MetricRegistry, maxEdges: Int = 1_000, naming: MetricNaming = .weft, teller: IstioTeller = .init()
    ) {
        self.registry = registry
        self.maxEdges = maxEdges
        self.naming = naming
        self.teller = teller
    }

    /// The counters of one edge; keep it where requests of the edge come again and again.
    package func edge(_ labels: RequestLabels) -> EdgeSeries {
        if let edge = self.edges[labels] { return edge }
        var labels = labels
        if self.edges.count >= self.maxEdges {
            let other = MetricRegistry.overflowLabel
            labels = RequestLabels(
                source: other, destination: other, route: other, version: other, direction: labels.direction,
                protocol: other, tls: labels.tls)
            if let edge = self.edges[labels] { return edge }
        }
        let edge = EdgeSeries(labels, registry: self.registry, naming: self.naming, teller: self.teller)
        self.edges[labels] = edge
        return edge
    }

    package func record(_ outcome: RequestOutcome, on labels: RequestLabels) { self.edge(labels).record(outcome) }

    /// Totals for each edge since the start: what a proxy reports to the control plane.
    package func totals() -> [EdgeTotals] { self.edges.values.map(\.totals) }
}

/// The counters of one edge in one loop.
package final class EdgeSeries {
    private struct Ending {
        let codeClass: Int
        let grpcStatus: GRPCStatusLabel
        let reason: Reason
        /// Nil where only Istio's names are asked for.
        let series: MetricRegistry.SeriesID?
        var count: UInt64
    }

    private let registry: MetricRegistry
    private let values: [String]
    /// Nil where only Istio's names are asked for.
    private let own: Series?
    /// Nil where only Weft's names are asked for.
    private var istio: IstioSeries?
    /// Few: searched in order.
    private var endings: [Ending] = []
    /// Beyond so many, gRPC statuses that say a failure count as `other`.
    private static let exactEndings = 64
    private var sums: EdgeTotals

    private struct Series {
        let duration: MetricRegistry.SeriesID
        let attempts: MetricRegistry.SeriesID
        let received: MetricRegistry.SeriesID
        let sent: MetricRegistry.SeriesID

        init(_ values: [String], _ registry: MetricRegistry) {
            self.duration = registry.series(MetricNames.requestDuration, values)
            self.attempts = registry.series(MetricNames.requestAttempts, values)
            self.received = registry.series(MetricNames.receivedBytes, values)
            self.sent = registry.series(MetricNames.sentBytes, values)
        }
    }

    init(_ labels: RequestLabels, registry: MetricRegistry, naming: MetricNaming, teller: IstioTeller) {
        self.registry = registry
        self.values = labels.values
        self.sums = EdgeTotals(labels: labels)
        self.own = naming == .weft || naming == .both ? Series(self.values, registry) : nil
        self.istio = naming == .istio || naming == .both ? IstioSeries(labels, of: teller) : nil
    }

    package func record(_ outcome: RequestOutcome) {
        let duration = Double(outcome.duration.wholeNanoseconds) * 1e-9
        if let own = self.own {
            self.registry.observe(duration, in: own.duration, trace: outcome.trace, at: outcome.endedAt)
            self.registry.add(UInt64(max(0, outcome.attempts)), to: own.attempts)
            self.registry.add(UInt64(max(0, outcome.receivedBytes)), to: own.received)
            self.registry.add(UInt64(max(0, outcome.sentBytes)), to: own.sent)
        }
        self.istio?.record(outcome, seconds: duration, in: self.registry)
        self.countEnding(of: outcome)
        self.sums.add(outcome, seconds: duration)
    }

    /// In how many ways its requests have ended.
    package var endingCount: Int { self.endings.count }

    var totals: EdgeTotals {
        var totals = self.sums
        for ending in self.endings {
            totals.codeClasses[ending.codeClass, default: 0] += ending.count
            if ending.reason != .ok { totals.failures[ending.reason, default: 0] += ending.count }
            if ending.grpcStatus.isFailure { totals.grpcFailures += ending.count }
        }
        return totals
    }

    private func countEnding(of outcome: RequestOutcome) {
        let codeClass = min(max(outcome.status / 100, 1), 5)
        let status = GRPCStatusLabel(outcome.grpcStatus)
        if self.countKnown(codeClass, status, outcome.reason) { return }
        if self.endings.count >= Self.exactEndings, status.isFailure, status != .other {
            if !self.countKnown(codeClass, .other, outcome.reason) { self.add(codeClass, .other, outcome.reason) }
            return
        }
        self.add(codeClass, status, outcome.reason)
    }

    private func countKnown(_ codeClass: Int, _ status: GRPCStatusLabel, _ reason: Reason) -> Bool {
        for index in self.endings.indices {
            let ending = self.endings[index]
            guard ending.codeClass == codeClass, ending.grpcStatus == status, ending.reason == reason else { continue }
            self.endings[index].count += 1
            if let series = ending.series { self.registry.add(to: series) }
            return true
        }
        return false
    }

    private func add(_ codeClass: Int, _ status: GRPCStatusLabel, _ reason: Reason) {
        var series: MetricRegistry.SeriesID?
        if self.own != nil {
            let labels = self.values + ["\(codeClass)xx", status.text, reason.rawValue]
            let made = self.registry.series(MetricNames.requests, labels)
            self.registry.add(to: made)
            series = made
        }
        self.endings.append(
            Ending(codeClass: codeClass, grpcStatus: status, reason: reason, series: series, count: 1))
    }
}

/// What went over one edge since the start.
package struct EdgeTotals: Hashable, Sendable {
    package let labels: RequestLabels
    package var requests: UInt64 = 0
    /// By the status's first digit, 1–5.
    package var codeClasses: [Int: UInt64] = [:]
    /// By reason; `ok` is left out.
    package var failures: [Reason: UInt64] = [:]
    package var grpcFailures: UInt64 = 0
    package var retries: UInt64 = 0
    package var receivedBytes: UInt64 = 0
    package var sentBytes: UInt64 = 0
    /// One for each of `MetricNames.durationBounds`, and one above them all; not cumulative.
    package var latencyCounts = [UInt64](repeating: 0, count: MetricNames.durationBounds.count + 1)
    package var latencySumSeconds = 0.0

    package init(labels: RequestLabels) { self.labels = labels }

    mutating func add(_ outcome: RequestOutcome, seconds: Double) {
        self.requests += 1
        self.retries += UInt64(max(0, outcome.attempts - 1))
        self.receivedBytes += UInt64(max(0, outcome.receivedBytes))
        self.sentBytes += UInt64(max(0, outcome.sentBytes))
        let bucket = MetricNames.durationBounds.firstIndex { seconds <= $0 } ?? MetricNames.durationBounds.count
        self.latencyCounts[bucket] += 1
        self.latencySumSeconds += seconds
    }

    /// Adds another loop's totals of the same edge.
    package mutating func merge(_ other: EdgeTotals) {
        self.requests += other.requests
        self.codeClasses.merge(other.codeClasses, uniquingKeysWith: +)
        self.failures.merge(other.failures, uniquingKeysWith: +)
        self.grpcFailures += other.grpcFailures
        self.retries += other.retries
        self.receivedBytes += other.receivedBytes
        self.sentBytes += other.sentBytes
        for index in self.latencyCounts.indices { self.latencyCounts[index] += other.latencyCounts[index] }
        self.latencySumSeconds += other.latencySumSeconds
    }
}
