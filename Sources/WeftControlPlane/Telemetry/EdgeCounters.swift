package import WeftModel

/// What makes one edge: who called what, along which route, counted by whom.
package struct EdgeKey: Hashable, Sendable {
    /// `name.namespace`.
    package var source: String
    package var destination: String
    package var version: String
    package var route: String
    package var direction: EdgeStat.Direction
    package var `protocol`: String
    package var tls: Bool
    /// The SPIFFE ID that the peer proved; nil in the clear.
    package var peerIdentity: String?

    package init(
        source: String, destination: String, version: String, route: String, direction: EdgeStat.Direction,
        protocol: String, tls: Bool, peerIdentity: String?
    ) {
        self.source = source
        self.destination = destination
        self.version = version
        self.route = route
        self.direction = direction
        self.protocol = `protocol`
        self.tls = tls
        self.peerIdentity = peerIdentity
    }
}

/// The counters of one edge.
package struct EdgeCounters: Hashable, Sendable {
    package var requests: UInt64 = 0
    /// Answers by class, 1xx to 5xx.
    package var classes: [UInt64] = [0, 0, 0, 0, 0]
    /// gRPC answers whose status counts as a failure; their HTTP class is 2xx.
    package var grpcFailures: UInt64 = 0
    /// What the proxy answered itself.
    package var reasons: [Reason: UInt64] = [:]
    package var retries: UInt64 = 0
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Requests per latency bucket; one more than `LatencyBuckets.bounds`, the last for what is slower.
    package var latency: [UInt64] = Array(repeating: 0, count: LatencyBuckets.bounds.count + 1)

    package init() {}

    /// What counts against the success ratio.
    package var failures: UInt64 { min(self.classes[4] &+ self.grpcFailures, self.requests) }

    /// Failures by reason; what no reason explains, the application answered itself: `5xx`.
    package var failuresByReason: [String: UInt64] {
        var failures: [String: UInt64] = [:]
        var explained: UInt64 = 0
        for (reason, count) in self.reasons where count > 0 && reason != .ok {
            failures[reason.rawValue] = count
            // A refusal of the caller, such as `denied`, explains no failure of the destination.
            if reason.status >= 500 || self.grpcFailures > 0 { explained &+= count }
        }
        if self.failures > explained { failures["5xx"] = self.failures - explained }
        return failures
    }

    /// What was added since `earlier`; the whole when a counter went backwards, for then the proxy was restarted.
    func since(_ earlier: EdgeCounters) -> EdgeCounters {
        guard self.requests >= earlier.requests, self.retries >= earlier.retries else { return self }
        var delta = EdgeCounters()
        delta.requests = self.requests - earlier.requests
        for index in self.classes.indices {
            delta.classes[index] = Self.difference(self.classes[index], earlier.classes[index])
        }
        delta.grpcFailures = Self.difference(self.grpcFailures, earlier.grpcFailures)
        for (reason, count) in self.reasons {
            let added = Self.difference(count, earlier.reasons[reason] ?? 0)
            if added > 0 { delta.reasons[reason] = added }
        }
        delta.retries = self.retries - earlier.retries
        delta.bytesIn = Self.difference(self.bytesIn, earlier.bytesIn)
        delta.bytesOut = Self.difference(self.bytesOut, earlier.bytesOut)
        for index in self.latency.indices {
            delta.latency[index] = Self.difference(self.latency[index], earlier.latency[index])
        }
        return delta
    }

    mutating func add(_ other: EdgeCounters) {
        self.requests &+= other.requests
        for index in self.classes.indices { self.classes[index] &+= other.classes[index] }
        self.grpcFailures &+= other.grpcFailures
        if !other.reasons.isEmpty { self.reasons.merge(other.reasons) { $0 &+ $1 } }
        self.retries &+= other.retries
        self.bytesIn &+= other.bytesIn
        self.bytesOut &+= other.bytesOut
        for index in self.latency.indices { self.latency[index] &+= other.latency[index] }
    }

    /// One of `parts` equal parts; the first gets what cannot be divided, so that all of them add up.
    func part(_ index: Int, of parts: Int) -> EdgeCounters {
        guard parts > 1 else { return self }
        let (divisor, isFirst) = (UInt64(parts), index == 0)
        func share(_ value: UInt64) -> UInt64 { value / divisor + (isFirst ? value % divisor : 0) }
        var part = EdgeCounters()
        part.requests = share(self.requests)
        part.classes = self.classes.map(share)
        part.grpcFailures = share(self.grpcFailures)
        part.reasons = self.reasons.mapValues(share).filter { $0.value > 0 }
        part.retries = share(self.retries)
        part.bytesIn = share(self.bytesIn)
        part.bytesOut = share(self.bytesOut)
        part.latency = self.latency.map(share)
        return part
    }

    /// Nothing happened.
    var isZero: Bool { self.requests == 0 && self.retries == 0 && self.bytesIn == 0 && self.bytesOut == 0 }

    private static func difference(_ now: UInt64, _ earlier: UInt64) -> UInt64 {
        now >= earlier ? now - earlier : now
    }
}
