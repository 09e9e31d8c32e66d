/// When an endpoint that fails is taken out of balancing, and for how long; resolved: every value is set.
///
/// Judged by each event loop on what it has seen itself in the last 10 s.
package struct OutlierPolicy: Hashable, Sendable {
    /// Default true.
    package var isEnabled = true
    /// Below this share of successes an endpoint is ejected; 0–1, default 0.8. Zero turns this trip off.
    package var successRate = 0.8
    /// Requests in the window before `successRate` says anything. Default 5.
    package var minRequests = 5
    /// Failures one after another that eject. Default 7; zero turns this trip off.
    package var consecutiveFailures = 7
    /// The first ejection, before ±50 % of jitter; each further one doubles it. Default 1 s.
    package var baseEjection: Duration = .seconds(1)
    /// Default 60 s.
    package var maxEjection: Duration = .seconds(60)
    /// How much of a cluster may be out at once, in percent; default 30. At least one endpoint may, and never the last.
    package var maxEjectionPercent = 30
    /// Compares endpoints with each other; nil, the default, does not.
    package var cohort: CohortDetector?

    package init() {}

    /// Ejects endpoints whose success rate lies far below that of the others. Source: Envoy's success rate detector.
    package struct CohortDetector: Hashable, Sendable {
        /// How many standard deviations below the mean is far. Default 1.9.
        package var deviations = 1.9
        /// Endpoints with enough requests, below which nothing is compared. Default 5.
        package var minEndpoints = 5
        /// Requests in 10 s that an endpoint needs to be compared. Default 100.
        package var minRequests = 100

        package init() {}
    }
}

/// The outlier knobs of a `TrafficPolicy`; nil means not set here.
package struct OutlierSettings: Hashable, Sendable {
    package var isEnabled: Bool?
    package var successRate: Double?
    package var minRequests: Int?
    package var consecutiveFailures: Int?
    package var baseEjection: Duration?
    package var maxEjection: Duration?
    package var maxEjectionPercent: Int?
    package var cohort: OutlierPolicy.CohortDetector?

    package init() {}

    package func merged(over wider: Self) -> Self {
        var merged = self
        merged.isEnabled = self.isEnabled ?? wider.isEnabled
        merged.successRate = self.successRate ?? wider.successRate
        merged.minRequests = self.minRequests ?? wider.minRequests
        merged.consecutiveFailures = self.consecutiveFailures ?? wider.consecutiveFailures
        merged.baseEjection = self.baseEjection ?? wider.baseEjection
        merged.maxEjection = self.maxEjection ?? wider.maxEjection
        merged.maxEjectionPercent = self.maxEjectionPercent ?? wider.maxEjectionPercent
        merged.cohort = self.cohort ?? wider.cohort
        return merged
    }

    /// Puts what is set here over `policy`, and tells each value so set.
    package func apply(to policy: inout OutlierPolicy, noting note: (TrafficSetting) -> Void) {
        func set<Value>(_ value: Value?, _ setting: TrafficSetting, _ store: (Value) -> Void) {
            guard let value else { return }
            store(value)
            note(setting)
        }
        set(self.isEnabled, .outliersEnabled) { policy.isEnabled = $0 }
        set(self.successRate, .outlierSuccessRate) { policy.successRate = $0 }
        set(self.minRequests, .outlierMinRequests) { policy.minRequests = $0 }
        set(self.consecutiveFailures, .outlierConsecutiveFailures) { policy.consecutiveFailures = $0 }
        set(self.baseEjection, .baseEjection) { policy.baseEjection = $0 }
        set(self.maxEjection, .maxEjection) { policy.maxEjection = $0 }
        set(self.maxEjectionPercent, .maxEjectionPercent) { policy.maxEjectionPercent = $0 }
        set(self.cohort, .outlierCohort) { policy.cohort = $0 }
    }
}
