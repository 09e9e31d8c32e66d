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

/// The counters of one edge on one proxy.
package struct EdgeCounters: Hashable, Sendable {
    package var requests: UInt64 = 0
    /// Answers by class, 1xx to 5xx.
    package var classes: [UInt64] = [0, 0, 0, 0, 0]
    /// gRPC answers whose status counts as a failure; their HTTP class is 2xx.
    package var grpcFailures: UInt64 = 0
    /// By reason code, what the proxy answered itself.
    package var reasons: [String: UInt64] = [:]
    package var retries: UInt64 = 0
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Requests per latency bucket; one more than `EdgeStats.bounds`, the last for what is slower.
    package var latency: [UInt64] = Array(repeating: 0, count: EdgeStats.bounds.count + 1)

    package init() {}

    /// What counts against the success ratio.
    package var failures: UInt64 { self.classes[4] &+ self.grpcFailures }

    /// What was added since `earlier`; the whole when a counter went backwards, for then the proxy was restarted.
    func since(_ earlier: EdgeCounters) -> EdgeCounters {
        guard self.requests >= earlier.requests, self.retries >= earlier.retries else { return self }
        var delta = EdgeCounters()
        delta.requests = self.requests - earlier.requests
        delta.classes = zip(self.classes, earlier.classes).map { $0 >= $1 ? $0 - $1 : $0 }
        delta.grpcFailures = Self.difference(self.grpcFailures, earlier.grpcFailures)
        for (reason, count) in self.reasons {
            let added = Self.difference(count, earlier.reasons[reason] ?? 0)
            if added > 0 { delta.reasons[reason] = added }
        }
        delta.retries = self.retries - earlier.retries
        delta.bytesIn = Self.difference(self.bytesIn, earlier.bytesIn)
        delta.bytesOut = Self.difference(self.bytesOut, earlier.bytesOut)
        delta.latency = zip(self.latency, earlier.latency).map { Self.difference($0, $1) }
        return delta
    }

    mutating func add(_ other: EdgeCounters) {
        self.requests &+= other.requests
        self.classes = zip(self.classes, other.classes).map { $0 &+ $1 }
        self.grpcFailures &+= other.grpcFailures
        self.reasons.merge(other.reasons) { $0 &+ $1 }
        self.retries &+= other.retries
        self.bytesIn &+= other.bytesIn
        self.bytesOut &+= other.bytesOut
        self.latency = zip(self.latency, other.latency).map { $0 &+ $1 }
    }

    /// Nothing happened.
    var isZero: Bool { self.requests == 0 && self.retries == 0 && self.bytesIn == 0 && self.bytesOut == 0 }

    private static func difference(_ now: UInt64, _ earlier: UInt64) -> UInt64 {
        now >= earlier ? now - earlier : now
    }
}
