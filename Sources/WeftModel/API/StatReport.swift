/// `GET /v1/stat?window=SECONDS`: the golden metrics of each edge over a window.
package struct StatReport: Hashable, Sendable, Codable {
    /// Seconds since 1970.
    package var at: Int64
    /// The window the rates cover, in seconds; at most what was asked for.
    package var windowSeconds: Double
    /// Sorted by source, destination, version, route.
    package var edges: [EdgeStat]

    package init(at: Int64, windowSeconds: Double, edges: [EdgeStat]) {
        self.at = at
        self.windowSeconds = windowSeconds
        self.edges = edges
    }
}

/// One edge: calls from one service to one version of another, along one route.
package struct EdgeStat: Hashable, Sendable, Codable {
    /// `name.namespace`, summed over the service's proxies.
    package var source: String
    package var destination: String
    /// The destination's `version`; empty where it has none.
    package var version: String
    package var route: String
    /// Who counted: `outbound` is the caller's proxy, `inbound` the destination's.
    package var direction: Direction
    /// `http/1.1`, `h2` or `grpc`, as the application spoke it.
    package var `protocol`: String
    /// Whether the calls crossed in mutual TLS.
    package var tls: Bool
    /// The SPIFFE ID that the peer proved; nil in the clear.
    package var peerIdentity: String?

    /// Within the window.
    package var requests: UInt64
    package var requestsPerSecond: Double
    /// Requests without a failure of the destination over requests, 0–1; nil when there was none. What was refused to its
    /// caller, as `denied` is, is no failure of the destination, and is among `failures` by its reason all the same.
    package var successRatio: Double?
    /// Milliseconds, interpolated within histogram buckets; nil when there was no request.
    package var p50: Double?
    package var p95: Double?
    package var p99: Double?
    package var retriesPerSecond: Double
    /// Within the window, by reason code; what failed with a response of the application is under its class, `5xx`.
    package var failures: [String: UInt64]
    package var bytesInPerSecond: Double
    package var bytesOutPerSecond: Double

    /// Since the proxies started.
    package var totalRequests: UInt64
    package var totalFailures: UInt64
    package var totalRetries: UInt64
    /// Those that policies did not let through; nil from a control plane that does not count them.
    package var totalRefused: UInt64?

    package init(
        source: String, destination: String, version: String, route: String, direction: Direction,
        protocol: String, tls: Bool, peerIdentity: String?, requests: UInt64, requestsPerSecond: Double,
        successRatio: Double?, p50: Double?, p95: Double?, p99: Double?, retriesPerSecond: Double,
        failures: [String: UInt64], bytesInPerSecond: Double, bytesOutPerSecond: Double, totalRequests: UInt64,
        totalFailures: UInt64, totalRetries: UInt64, totalRefused: UInt64? = nil
    ) {
        self.source = source
        self.destination = destination
        self.version = version
        self.route = route
        self.direction = direction
        self.protocol = `protocol`
        self.tls = tls
        self.peerIdentity = peerIdentity
        self.requests = requests
        self.requestsPerSecond = requestsPerSecond
        self.successRatio = successRatio
        self.p50 = p50
        self.p95 = p95
        self.p99 = p99
        self.retriesPerSecond = retriesPerSecond
        self.failures = failures
        self.bytesInPerSecond = bytesInPerSecond
        self.bytesOutPerSecond = bytesOutPerSecond
        self.totalRequests = totalRequests
        self.totalFailures = totalFailures
        self.totalRetries = totalRetries
        self.totalRefused = totalRefused
    }

    private enum CodingKeys: String, CodingKey {
        case source, destination, version, route, direction
        case `protocol`, tls, peerIdentity, requests, requestsPerSecond, successRatio
        case p50 = "p50Ms"
        case p95 = "p95Ms"
        case p99 = "p99Ms"
        case retriesPerSecond, failures, bytesInPerSecond, bytesOutPerSecond
        case totalRequests, totalFailures, totalRetries, totalRefused
    }

    package enum Direction: String, Hashable, Sendable, Codable, CaseIterable {
        case inbound
        case outbound
    }
}
