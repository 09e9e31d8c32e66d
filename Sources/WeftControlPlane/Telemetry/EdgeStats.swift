package import WeftModel

/// The golden metrics of each edge over sliding windows, from the cumulative counters that proxies send.
///
/// A value: time comes in. Keeps two minutes in slots of two seconds, and at most `maxEdges` edges; what exceeds them
/// is counted under one edge named `overflow`.
package struct EdgeStats: Sendable {
    /// Upper bounds of the latency buckets in milliseconds, as the proxies have them.
    package static let bounds: [Double] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000]
    /// Seconds that one slot covers.
    package static let slotSeconds: Int64 = 2
    /// The longest window, in seconds.
    package static let maxWindow: Int64 = 120

    package let maxEdges: Int
    private var edges: [EdgeKey: Edge] = [:]
    /// What each proxy reported last, by edge.
    private var reported: [String: [EdgeKey: EdgeCounters]] = [:]

    private struct Edge: Sendable {
        /// By slot number; only slots with traffic.
        var slots: [Int64: EdgeCounters] = [:]
        var total = EdgeCounters()
        var lastSlot: Int64
    }

    package init(maxEdges: Int = 2000) {
        self.maxEdges = maxEdges
    }

    /// Takes one proxy's report.
    ///
    /// - Parameters:
    ///   - proxy: `namespace/name` of its workload.
    ///   - second: when it arrived, monotonic seconds.
    package mutating func record(_ report: [(EdgeKey, EdgeCounters)], from proxy: String, second: Int64) {
        let slot = second / Self.slotSeconds
        let known = self.reported[proxy]
        var latest = known ?? [:]
        for (key, counters) in report.prefix(self.maxEdges) {
            let key = self.admitted(key)
            let earlier = latest[key]
            latest[key] = counters
            // Counters from before we listened tell no rate; they count in the totals only.
            let delta = earlier.map { counters.since($0) } ?? counters
            if delta.isZero { continue }
            var edge = self.edges[key] ?? Edge(lastSlot: slot)
            edge.total.add(delta)
            edge.lastSlot = slot
            if known != nil { edge.slots[slot, default: EdgeCounters()].add(delta) }
            edge.slots = edge.slots.filter { $0.key > slot - Self.maxWindow / Self.slotSeconds - 1 }
            self.edges[key] = edge
        }
        self.reported[proxy] = latest
    }

    /// Forgets what a proxy reported last; what it counted stays.
    package mutating func forget(proxy: String) {
        self.reported[proxy] = nil
    }

    /// The edges with traffic in the last `window` seconds, and those that ever had any.
    ///
    /// - Parameter at: wall time for the report, seconds since 1970.
    package func report(window: Int64, second: Int64, at: Int64) -> StatReport {
        let window = min(max(window, Self.slotSeconds), Self.maxWindow)
        let newest = second / Self.slotSeconds
        // The newest slot is not over; it is left out, so that rates are of whole slots.
        let slots = (newest - max(window / Self.slotSeconds, 1))..<newest
        let seconds = Double(slots.count) * Double(Self.slotSeconds)
        let stats = self.edges.map { key, edge in
            var sum = EdgeCounters()
            for (slot, counters) in edge.slots where slots.contains(slot) { sum.add(counters) }
            return Self.stat(key, sum, total: edge.total, seconds: seconds)
        }
        let sorted = stats.sorted {
            ($0.source, $0.destination, $0.version, $0.route, $0.direction.rawValue)
                < ($1.source, $1.destination, $1.version, $1.route, $1.direction.rawValue)
        }
        return StatReport(at: at, windowSeconds: seconds, edges: sorted)
    }

    /// The latency below which `share` of the requests were, by linear interpolation within its bucket; nil without
    /// requests. What is slower than the last bound counts as that bound.
    package static func percentile(_ share: Double, of buckets: [UInt64]) -> Double? {
        let total = buckets.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var below = 0.0
        for (index, count) in buckets.enumerated() where count > 0 {
            let upTo = below + Double(count)
            if rank <= upTo {
                guard index < Self.bounds.count else { break }
                let lower = index == 0 ? 0 : Self.bounds[index - 1]
                return lower + (Self.bounds[index] - lower) * (rank - below) / Double(count)
            }
            below = upTo
        }
        return Self.bounds[Self.bounds.count - 1]
    }

    private func admitted(_ key: EdgeKey) -> EdgeKey {
        if self.edges[key] != nil || self.edges.count < self.maxEdges { return key }
        return EdgeKey(
            source: "overflow", destination: "overflow", version: "", route: "", direction: key.direction,
            protocol: "", tls: false, peerIdentity: nil)
    }

    /// What a request is answered with that policies do not let through.
    private static let refusals: [Reason] = [.denied, .unauthenticated, .plaintextRefused]

    private static func stat(
        _ key: EdgeKey, _ sum: EdgeCounters, total: EdgeCounters, seconds: Double
    ) -> EdgeStat {
        var failures = sum.reasons
        let explained = sum.reasons.values.reduce(0, &+)
        if sum.failures > explained { failures["5xx"] = sum.failures - explained }
        return EdgeStat(
            source: key.source, destination: key.destination, version: key.version, route: key.route,
            direction: key.direction, protocol: key.protocol, tls: key.tls, peerIdentity: key.peerIdentity,
            requests: sum.requests, requestsPerSecond: Double(sum.requests) / seconds,
            successRatio: sum.requests == 0
                ? nil : 1 - Double(min(sum.failures, sum.requests)) / Double(sum.requests),
            p50: Self.percentile(0.5, of: sum.latency), p95: Self.percentile(0.95, of: sum.latency),
            p99: Self.percentile(0.99, of: sum.latency), retriesPerSecond: Double(sum.retries) / seconds,
            failures: failures, bytesInPerSecond: Double(sum.bytesIn) / seconds,
            bytesOutPerSecond: Double(sum.bytesOut) / seconds, totalRequests: total.requests,
            totalFailures: total.failures, totalRetries: total.retries,
            totalRefused: Self.refusals.reduce(0) { $0 &+ (total.reasons[$1.rawValue] ?? 0) })
    }
}
