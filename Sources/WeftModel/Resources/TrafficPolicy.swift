/// How calls to a service, or along a route, behave: timeouts, retries, balancing. Every value is optional; what is
/// not set comes from the next wider policy: route, then service, then `MeshSettings`, then the built-in default.
package struct TrafficPolicy: Hashable, Sendable {
    package var metadata: Metadata
    package var targets: [Target]
    package var settings: TrafficSettings

    package init(metadata: Metadata, targets: [Target], settings: TrafficSettings) {
        self.metadata = metadata
        self.targets = targets
        self.settings = settings
    }

    package enum Target: Hashable, Sendable {
        case service(ServiceName)
        /// An HTTPRoute, by namespace and name.
        case route(namespace: String, name: String)
        case grpcRoute(namespace: String, name: String)
        /// Calls to a destination outside the mesh.
        case externalService(ServiceName)
    }
}

/// The knobs of a `TrafficPolicy`; nil means not set here.
package struct TrafficSettings: Hashable, Sendable {
    /// TCP connect plus TLS handshake. Default 1 s to a peer.
    package var connectTimeout: Duration?
    /// From the request head's arrival to the response's last byte, all attempts. Zero disables.
    package var requestTimeout: Duration?
    /// One attempt. Zero disables; must be below the request timeout.
    package var perTryTimeout: Duration?
    /// No byte either way on a stream. Default 5 min; zero disables.
    package var idleTimeout: Duration?
    /// Whether deadlines of callers outside the mesh count. Default false: they are removed.
    package var trustDeadlines: Bool?
    package var forwarding: ForwardingSettings?
    package var retry: RetrySettings?
    package var hedging: HedgePolicy?
    /// Replaces the wider policy's list as a whole; an empty one lifts its limits.
    package var rateLimits: [RateLimit]?
    package var fault: FaultPolicy?
    package var loadBalancing: LoadBalancing?
    /// Requests waiting for a connection, per proxy. Default 1024.
    package var maxPendingRequests: Int?
    /// Requests in flight to one destination, per proxy; unlimited by default.
    package var maxRequests: Int?
    /// Connections to one destination, per proxy; unlimited by default.
    package var maxConnections: Int?
    /// Retries in flight to one destination, per proxy; unlimited by default.
    package var maxRetries: Int?
    package var balancing: BalancingSettings?
    package var outliers: OutlierSettings?
    package var healthCheck: HealthCheckPolicy?
    package var overload: OverloadPolicy?
    /// What keeps a user on one side of a route's weights; nil leaves each request to chance.
    package var stickyCohort: AffinityKey?
    /// Where in its file each value stands, from 1, as far as that is known.
    package var lines: [TrafficSetting: Int] = [:]

    package init() {}

    /// These settings, with what they leave open taken from `wider`.
    package func merged(over wider: TrafficSettings) -> TrafficSettings {
        var merged = self
        merged.connectTimeout = self.connectTimeout ?? wider.connectTimeout
        merged.requestTimeout = self.requestTimeout ?? wider.requestTimeout
        merged.perTryTimeout = self.perTryTimeout ?? wider.perTryTimeout
        merged.idleTimeout = self.idleTimeout ?? wider.idleTimeout
        merged.trustDeadlines = self.trustDeadlines ?? wider.trustDeadlines
        merged.forwarding = self.forwarding.map { $0.merged(over: wider.forwarding ?? .init()) } ?? wider.forwarding
        merged.hedging = self.hedging ?? wider.hedging
        merged.rateLimits = self.rateLimits ?? wider.rateLimits
        merged.fault = self.fault ?? wider.fault
        merged.retry = self.retry.map { $0.merged(over: wider.retry ?? RetrySettings()) } ?? wider.retry
        merged.loadBalancing = self.loadBalancing ?? wider.loadBalancing
        merged.maxPendingRequests = self.maxPendingRequests ?? wider.maxPendingRequests
        merged.maxRequests = self.maxRequests ?? wider.maxRequests
        merged.maxConnections = self.maxConnections ?? wider.maxConnections
        merged.maxRetries = self.maxRetries ?? wider.maxRetries
        merged.balancing = self.balancing.map { $0.merged(over: wider.balancing ?? .init()) } ?? wider.balancing
        merged.outliers = self.outliers.map { $0.merged(over: wider.outliers ?? .init()) } ?? wider.outliers
        merged.healthCheck = self.healthCheck ?? wider.healthCheck
        merged.overload = self.overload.map { $0.merged(over: wider.overload ?? .init()) } ?? wider.overload
        merged.stickyCohort = self.stickyCohort ?? wider.stickyCohort
        return merged
    }
}

/// The retry knobs of a `TrafficPolicy`; nil means not set here.
package struct RetrySettings: Hashable, Sendable {
    /// Attempts after the first, 0–10. Default 1; zero turns retries off.
    package var attempts: Int?
    /// Response statuses worth another attempt besides the safe defaults, 400–599.
    package var statuses: Set<Int>?
    /// gRPC statuses worth another attempt, 1–16.
    package var grpcStatuses: Set<Int>?
    /// Whether methods that are not idempotent may be retried on `statuses` too. Default false.
    package var nonIdempotent: Bool?
    /// Base of the exponential wait. Default 25 ms.
    package var backoffBase: Duration?
    /// Share of first attempts that may be retried, 0–1. Default 0.2.
    package var budgetRatio: Double?
    /// Retries per second that the budget always allows. Default 10.
    package var budgetMinPerSecond: Int?

    package init() {}

    package func merged(over wider: RetrySettings) -> RetrySettings {
        var merged = self
        merged.attempts = self.attempts ?? wider.attempts
        merged.statuses = self.statuses ?? wider.statuses
        merged.grpcStatuses = self.grpcStatuses ?? wider.grpcStatuses
        merged.nonIdempotent = self.nonIdempotent ?? wider.nonIdempotent
        merged.backoffBase = self.backoffBase ?? wider.backoffBase
        merged.budgetRatio = self.budgetRatio ?? wider.budgetRatio
        merged.budgetMinPerSecond = self.budgetMinPerSecond ?? wider.budgetMinPerSecond
        return merged
    }
}

/// Mesh-wide settings: one resource, named `mesh`.
package struct MeshSettings: Hashable, Sendable {
    package var metadata: Metadata
    /// Defaults for every call.
    package var traffic: TrafficSettings
    /// Whether sidecars take plaintext from peers. Default `strict`.
    package var mtls: MTLSMode
    /// What becomes of calls to unknown destinations.
    package var egress = EgressMode.deny
    package var crossNamespaceBackends = CrossNamespaceBackends.any
    /// What happens to calls where no ALLOW of an AuthorizationPolicy applies.
    package var authorization = AuthorizationAction.allow

    package init(
        metadata: Metadata = Metadata(name: "mesh"), traffic: TrafficSettings = TrafficSettings(),
        mtls: MTLSMode = .strict
    ) {
        self.metadata = metadata
        self.traffic = traffic
        self.mtls = mtls
    }
}

/// What an inbound listener takes from peers.
package enum MTLSMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Mutual TLS, and plaintext too, counted.
    case permissive
    /// Mutual TLS only.
    case strict
    /// Plaintext only, by callers of the mesh too.
    case disabled
}
