/// `GET /v1/telemetry/edges`: golden signals over a window, one entry for each edge or group of edges.
package struct TelemetryEdges: Hashable, Sendable, Codable {
    /// The window that the rates cover; the nearest that is kept to what was asked for.
    package var windowSeconds: Double
    /// Seconds since 1970.
    package var at: Int64
    /// Sorted by source, destination, version, route and direction.
    package var edges: [TelemetryEdge]

    package init(windowSeconds: Double, at: Int64, edges: [TelemetryEdge]) {
        self.windowSeconds = windowSeconds
        self.at = at
        self.edges = edges
    }

    enum CodingKeys: String, CodingKey {
        case windowSeconds
        case at
        case edges
    }
}

/// One edge's golden signals. What is not the same for all edges of a group is empty, or nil.
package struct TelemetryEdge: Hashable, Sendable, Codable {
    /// `name.namespace`.
    package var source: String
    package var destination: String
    package var version: String
    package var route: String
    /// Who counted: `outbound` is the caller's side, `inbound` the destination's.
    package var direction: EdgeStat.Direction
    package var `protocol`: String
    package var tls: Bool
    /// The SPIFFE ID that the other side proved; nil in the clear.
    package var peerIdentity: String?
    package var signals: GoldenSignals

    package init(
        source: String, destination: String, version: String, route: String, direction: EdgeStat.Direction,
        protocol: String, tls: Bool, peerIdentity: String?, signals: GoldenSignals
    ) {
        self.source = source
        self.destination = destination
        self.version = version
        self.route = route
        self.direction = direction
        self.protocol = `protocol`
        self.tls = tls
        self.peerIdentity = peerIdentity
        self.signals = signals
    }

    enum CodingKeys: String, CodingKey {
        case source, destination, version, route, direction
        case `protocol`, tls
        case peerIdentity
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            source: try fields.decode(String.self, forKey: .source),
            destination: try fields.decode(String.self, forKey: .destination),
            version: try fields.decode(String.self, forKey: .version),
            route: try fields.decode(String.self, forKey: .route),
            direction: try fields.decode(EdgeStat.Direction.self, forKey: .direction),
            protocol: try fields.decode(String.self, forKey: .protocol),
            tls: try fields.decode(Bool.self, forKey: .tls),
            peerIdentity: try fields.decodeIfPresent(String.self, forKey: .peerIdentity),
            signals: try GoldenSignals(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(self.source, forKey: .source)
        try fields.encode(self.destination, forKey: .destination)
        try fields.encode(self.version, forKey: .version)
        try fields.encode(self.route, forKey: .route)
        try fields.encode(self.direction, forKey: .direction)
        try fields.encode(self.protocol, forKey: .protocol)
        try fields.encode(self.tls, forKey: .tls)
        try fields.encode(self.peerIdentity, forKey: .peerIdentity)
        try self.signals.encode(to: encoder)
    }
}

/// Rate, success and latency of some requests. What is unknown is written as null, not left out.
package struct GoldenSignals: Hashable, Sendable, Codable {
    package var requestsPerSecond: Double
    /// Requests without a failure over requests, 0–1; nil without requests.
    package var successRatio: Double?
    /// Milliseconds, interpolated within histogram buckets; nil where no latency was told.
    package var p50: Double?
    package var p90: Double?
    package var p99: Double?
    package var retriesPerSecond: Double
    package var bytesInPerSecond: Double
    package var bytesOutPerSecond: Double
    /// Per second, by the status's first digit; only those there were.
    package var codeClasses: [String: Double]
    /// Per second, by reason code; what failed by the application's own answer is under `5xx`.
    package var failures: [String: Double]
    package var grpcFailuresPerSecond: Double

    package init(
        requestsPerSecond: Double, successRatio: Double?, p50: Double?, p90: Double?, p99: Double?,
        retriesPerSecond: Double, bytesInPerSecond: Double, bytesOutPerSecond: Double, codeClasses: [String: Double],
        failures: [String: Double], grpcFailuresPerSecond: Double
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.successRatio = successRatio
        self.p50 = p50
        self.p90 = p90
        self.p99 = p99
        self.retriesPerSecond = retriesPerSecond
        self.bytesInPerSecond = bytesInPerSecond
        self.bytesOutPerSecond = bytesOutPerSecond
        self.codeClasses = codeClasses
        self.failures = failures
        self.grpcFailuresPerSecond = grpcFailuresPerSecond
    }

    /// What failed, per second.
    package var failuresPerSecond: Double { self.successRatio.map { (1 - $0) * self.requestsPerSecond } ?? 0 }

    enum CodingKeys: String, CodingKey {
        case requestsPerSecond
        case successRatio
        case p50 = "p50Ms"
        case p90 = "p90Ms"
        case p99 = "p99Ms"
        case retriesPerSecond
        case bytesInPerSecond
        case bytesOutPerSecond
        case codeClasses
        case failures
        case grpcFailuresPerSecond
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(self.requestsPerSecond, forKey: .requestsPerSecond)
        try fields.encode(self.successRatio, forKey: .successRatio)
        try fields.encode(self.p50, forKey: .p50)
        try fields.encode(self.p90, forKey: .p90)
        try fields.encode(self.p99, forKey: .p99)
        try fields.encode(self.retriesPerSecond, forKey: .retriesPerSecond)
        try fields.encode(self.bytesInPerSecond, forKey: .bytesInPerSecond)
        try fields.encode(self.bytesOutPerSecond, forKey: .bytesOutPerSecond)
        try fields.encode(self.codeClasses, forKey: .codeClasses)
        try fields.encode(self.failures, forKey: .failures)
        try fields.encode(self.grpcFailuresPerSecond, forKey: .grpcFailuresPerSecond)
    }
}

/// `GET /v1/telemetry/timeline`: golden signals over time, of all edges that the query names together.
package struct TelemetryTimeline: Hashable, Sendable, Codable {
    /// What one point covers.
    package var stepSeconds: Int64
    /// Who counted; `outbound` unless only destinations did.
    package var direction: EdgeStat.Direction
    /// Oldest first; each point is where its step begins. Steps before anything was kept are left out.
    package var points: [Point]

    package init(stepSeconds: Int64, direction: EdgeStat.Direction, points: [Point]) {
        self.stepSeconds = stepSeconds
        self.direction = direction
        self.points = points
    }

    package struct Point: Hashable, Sendable, Codable {
        /// Seconds since 1970.
        package var at: Int64
        package var signals: GoldenSignals

        package init(at: Int64, signals: GoldenSignals) {
            self.at = at
            self.signals = signals
        }

        enum CodingKeys: String, CodingKey { case at }

        package init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            self.init(at: try fields.decode(Int64.self, forKey: .at), signals: try GoldenSignals(from: decoder))
        }

        package func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(self.at, forKey: .at)
            try self.signals.encode(to: encoder)
        }
    }

    enum CodingKeys: String, CodingKey {
        case stepSeconds
        case direction, points
    }
}
