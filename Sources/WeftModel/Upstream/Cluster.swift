/// A set of endpoints that calls are balanced over, with how to reach them. Wire form: `envoy.config.cluster.v3.Cluster`.
package struct Cluster: Hashable, Sendable {
    /// The service port it stands for: `billing.default:80`.
    package var name: String
    package var service: ServiceName
    /// TCP connect plus TLS handshake. Default 1 s.
    package var connectTimeout: Duration
    package var loadBalancing: LoadBalancing
    package var transport: Transport
    /// What the applications behind it speak; between sidecars it is HTTP/2 always.
    package var appProtocol: AppProtocol
    package var retryBudget: RetryBudgetPolicy
    package var limits: CircuitLimits
    package var balancing = BalancingOptions()
    package var outliers = OutlierPolicy()
    /// Nil, the default, asks nobody.
    package var healthCheck: HealthCheckPolicy?
    /// What callers' proxies refuse by themselves; nil, the default, is nothing.
    package var admission: AdmissionPolicy?
    package var provenance: Provenance?
    /// Where the endpoints come from when the control plane sends none: a name that the proxy resolves.
    package var resolution: DNSResolution?
    /// Which resource set each value; a value that is not here is a default.
    package var sources: [TrafficSetting: Provenance] = [:]

    package init(
        name: String, service: ServiceName, connectTimeout: Duration = .seconds(1),
        loadBalancing: LoadBalancing = .peakEWMA, transport: Transport, appProtocol: AppProtocol = .http,
        retryBudget: RetryBudgetPolicy = RetryBudgetPolicy(), limits: CircuitLimits = CircuitLimits(),
        provenance: Provenance? = nil, resolution: DNSResolution? = nil
    ) {
        self.name = name
        self.service = service
        self.connectTimeout = connectTimeout
        self.loadBalancing = loadBalancing
        self.transport = transport
        self.appProtocol = appProtocol
        self.retryBudget = retryBudget
        self.limits = limits
        self.provenance = provenance
        self.resolution = resolution
    }

    /// Whether its endpoints are proxies of the mesh, which prove an identity.
    package var isMutual: Bool {
        switch self.transport {
        case .mutualTLS: true
        case .plaintext, .tls: false
        }
    }

    package enum Transport: Hashable, Sendable {
        /// In the clear.
        case plaintext
        /// Mutual TLS 1.3; the peer must prove one of these identities (sorted, at least one).
        case mutualTLS(peers: [SPIFFEID])
        /// TLS to a destination outside the mesh.
        case tls(TLSOrigination)
    }
}

/// A name that a proxy resolves, and keeps resolving, to find a cluster's endpoints.
package struct DNSResolution: Hashable, Sendable {
    /// A DNS name, or an IPv4 address.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

/// How an endpoint is picked.
package enum LoadBalancing: String, Hashable, Sendable, Codable, CaseIterable {
    /// Two random endpoints, the cheaper by peak EWMA of latency × load. The default.
    case peakEWMA = "peak-ewma"
    case roundRobin = "round-robin"
    /// Two random endpoints, the one with fewer requests in flight.
    case leastRequest = "least-request"
    case random
    /// Consistent hashing over a ring of points.
    case ringHash = "ring-hash"
    /// Consistent hashing by a look-up table: more even than a ring, with a little more movement on a change.
    case maglev

    /// Whether the endpoint follows from a hash of the request.
    package var isHashing: Bool {
        switch self {
        case .ringHash, .maglev: true
        case .peakEWMA, .roundRobin, .leastRequest, .random: false
        }
    }
}

/// What one proxy may have open towards one cluster; nil is unlimited.
package struct CircuitLimits: Hashable, Sendable {
    package var connections: Int?
    /// Requests waiting for a connection. Default 1024.
    package var pendingRequests: Int = 1024
    package var requests: Int?
    /// Retries in flight, their waits included.
    package var retries: Int?

    package init() {}
}

/// The endpoints of one cluster. Wire form: `envoy.config.endpoint.v3.ClusterLoadAssignment`.
package struct ClusterEndpoints: Hashable, Sendable {
    package var cluster: String
    /// Sorted by workload, so that equal sets compare equal. Empty answers 503 `no_endpoints`.
    package var endpoints: [Endpoint]

    package init(cluster: String, endpoints: [Endpoint]) {
        self.cluster = cluster
        self.endpoints = endpoints
    }
}

/// One endpoint: where it is, who it must prove to be, how much it takes.
package struct Endpoint: Hashable, Sendable {
    /// The workload's name: `namespace/name`.
    package var workload: String
    /// IPv4 or IPv6.
    package var address: String
    package var port: Int
    /// Who must answer; nil where the transport is plaintext.
    package var identity: SPIFFEID?
    package var locality: Locality
    /// 1–1 000 000.
    package var weight: Int
    /// The workload's `version` label; empty where it has none.
    package var version: String

    package init(
        workload: String, address: String, port: Int, identity: SPIFFEID? = nil, locality: Locality = Locality(),
        weight: Int = 1, version: String = ""
    ) {
        self.workload = workload
        self.address = address
        self.port = port
        self.identity = identity
        self.locality = locality
        self.weight = weight
        self.version = version
    }
}
