/// What holds for balancing besides the algorithm, resolved: every value is set.
package struct BalancingOptions: Hashable, Sendable {
    /// Whether failed responses (429 and 5xx, gRPC UNAVAILABLE and RESOURCE_EXHAUSTED) and attempts without a response
    /// count as 5 s of latency for peak EWMA. Default false.
    package var penalizesFailures = false
    /// What ring hash and Maglev take the hash of; nil, and a request that lacks it, is spread at random.
    package var hashKey: AffinityKey?
    /// Returns callers to their endpoint, whatever the algorithm; nil, the default, does not.
    package var stickyCookie: StickyCookie?
    /// How long an endpoint that joins, or comes back, ramps up from 10 % of its weight. Zero, the default, is not at all.
    package var slowStart: Duration = .zero
    /// Whether endpoints of the caller's own zone are preferred while they have the capacity. Default true.
    package var prefersZone = true
    /// Regions in the order in which they stand in for the caller's own; the others come after them. Empty by default.
    package var failover: [String] = []
    /// Below this percentage of eligible endpoints, ejections and health checks are ignored; 0–100, default 50. Zero
    /// never ignores them.
    package var panicThreshold = 50

    package init() {}
}

/// The balancing knobs of a `TrafficPolicy` besides the algorithm; nil means not set here.
package struct BalancingSettings: Hashable, Sendable {
    package var penalizesFailures: Bool?
    package var hashKey: AffinityKey?
    package var stickyCookie: StickyCookie?
    package var slowStart: Duration?
    package var prefersZone: Bool?
    package var failover: [String]?
    package var panicThreshold: Int?

    package init() {}

    package func merged(over wider: Self) -> Self {
        var merged = self
        merged.penalizesFailures = self.penalizesFailures ?? wider.penalizesFailures
        merged.hashKey = self.hashKey ?? wider.hashKey
        merged.stickyCookie = self.stickyCookie ?? wider.stickyCookie
        merged.slowStart = self.slowStart ?? wider.slowStart
        merged.prefersZone = self.prefersZone ?? wider.prefersZone
        merged.failover = self.failover ?? wider.failover
        merged.panicThreshold = self.panicThreshold ?? wider.panicThreshold
        return merged
    }

    /// Puts what is set here over `options`, and tells each value so set.
    package func apply(to options: inout BalancingOptions, noting note: (TrafficSetting) -> Void) {
        func set<Value>(_ value: Value?, _ setting: TrafficSetting, _ store: (Value) -> Void) {
            guard let value else { return }
            store(value)
            note(setting)
        }
        set(self.penalizesFailures, .penalizesFailures) { options.penalizesFailures = $0 }
        set(self.hashKey, .hashKey) { options.hashKey = $0 }
        set(self.stickyCookie, .stickyCookie) { options.stickyCookie = $0 }
        set(self.slowStart, .slowStart) { options.slowStart = $0 }
        set(self.prefersZone, .prefersZone) { options.prefersZone = $0 }
        set(self.failover, .failover) { options.failover = $0 }
        set(self.panicThreshold, .panicThreshold) { options.panicThreshold = $0 }
    }
}
