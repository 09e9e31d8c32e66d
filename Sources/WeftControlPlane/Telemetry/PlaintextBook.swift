internal import WeftModel

/// Who calls in the clear, from the cumulative counters that proxies send. A value; bounded.
struct PlaintextBook: Sendable {
    /// Callers that one proxy may report.
    static let perProxy = 600

    struct Key: Hashable, Sendable {
        /// As the destination's proxy saw it.
        var address: String
        var destination: String
        var port: Int
    }

    struct Counters: Hashable, Sendable {
        var requests: UInt64 = 0
        var refused: UInt64 = 0
        /// Seconds since 1970.
        var lastSeen: Int64 = 0

        mutating func add(_ other: Counters) {
            self.requests &+= other.requests
            self.refused &+= other.refused
            self.lastSeen = max(self.lastSeen, other.lastSeen)
        }
    }

    /// What each proxy reported last.
    private var reported: [String: [Key: Counters]] = [:]
    /// When any proxy was last heard, seconds since 1970; one that has nothing to report says so by its heartbeat.
    private(set) var heardAt: Int64?

    /// Takes one proxy's report, which replaces its last.
    mutating func record(_ callers: [(Key, Counters)], from proxy: String) {
        var sums: [Key: Counters] = [:]
        // One for each of its loops.
        for (key, counters) in callers.prefix(Self.perProxy) { sums[key, default: Counters()].add(counters) }
        self.reported[proxy] = sums.isEmpty ? nil : sums
    }

    mutating func heard(at now: Int64) { self.heardAt = max(now, self.heardAt ?? now) }

    mutating func forget(proxy: String) { self.reported[proxy] = nil }

    /// All proxies together, sorted by destination, port and address.
    ///
    /// - Parameter workloads: those registered with an address, `namespace/name`.
    func callers(workloads: (String) -> [String]) -> [PlaintextReport.Caller] {
        var sums: [Key: Counters] = [:]
        for report in self.reported.values {
            for (key, counters) in report { sums[key, default: Counters()].add(counters) }
        }
        return sums.map { key, counters in
            PlaintextReport.Caller(
                address: key.address, workloads: workloads(key.address), destination: key.destination,
                port: key.port, requests: counters.requests, refused: counters.refused, lastSeen: counters.lastSeen)
        }.sorted { ($0.destination, $0.port, $0.address) < ($1.destination, $1.port, $1.address) }
    }
}
