/// How many requests a service takes, kept by the proxies beside its workloads: a token bucket for each key.
package struct RateLimit: Hashable, Sendable {
    /// A DNS label, unique in its policy: what 429 responses, metrics and records call it.
    package var name: String
    /// Requests per `interval`, 1–1 000 000.
    package var requests: Int
    /// 1 s to 1 h. Default 1 s.
    package var interval: Duration
    /// How many may come at once after silence; default `requests`.
    package var burst: Int
    package var key: Key
    /// How many keys are told apart; more share one bucket. 1–100 000, default 1 000.
    package var maxKeys: Int
    package var scope: Scope
    /// The resource that set it.
    package var provenance: Provenance?
    /// The service whose limit it is; nil: the one whose proxies keep it.
    package var service: ServiceName?

    package init(
        name: String, requests: Int, interval: Duration = .seconds(1), burst: Int? = nil, key: Key = .everyone,
        maxKeys: Int = 1_000, scope: Scope = .proxy, provenance: Provenance? = nil
    ) {
        self.name = name
        self.requests = requests
        self.interval = interval
        self.burst = burst ?? requests
        self.key = key
        self.maxKeys = maxKeys
        self.scope = scope
        self.provenance = provenance
    }

    /// What tells requests apart.
    package enum Key: Hashable, Sendable {
        /// Nothing: one bucket for all.
        case everyone
        /// The SPIFFE ID that the caller proved; callers in the clear share one bucket.
        case source
        /// A header's value, the name in lower case; requests without it share one bucket.
        case header(String)
        /// The path, without its query.
        case path
    }

    /// Whose bucket it is.
    package enum Scope: String, Hashable, Sendable, CaseIterable {
        /// Each workload's proxy has its own.
        case proxy
        /// All proxies of the service together: the control plane leases each a slice.
        case mesh
    }

    /// Under which name slices of it are leased: `billing.default/per-caller`.
    package func quota(of service: ServiceName) -> String { "\(self.service ?? service)/\(self.name)" }
}
