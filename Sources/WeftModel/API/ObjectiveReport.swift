/// `GET /v1/objectives`: how well each `ServiceObjective` is kept.
package struct ObjectiveReport: Hashable, Sendable, Codable {
    /// Sorted by namespace and name.
    package var objectives: [ObjectiveStatus]

    package init(objectives: [ObjectiveStatus]) { self.objectives = objectives }
}

/// What became of one objective. What is unknown is written as null.
package struct ObjectiveStatus: Hashable, Sendable, Codable {
    package var name: String
    package var namespace: String
    /// `Service/billing` or `HTTPRoute/billing-canary`, of the objective's namespace.
    package var target: String
    /// Nil where none is demanded.
    package var successTarget: Double?
    /// Milliseconds; nil where none is demanded.
    package var latencyTarget: Double?
    /// The share of requests that must take no longer than that.
    package var latencyRatio: Double?
    package var windowSeconds: Int64
    /// What of the window could be judged: at most what is kept, and since the control plane listens.
    package var judgedSeconds: Int64
    /// What was measured over the judged time; nil without requests.
    package var measuredSuccess: Double?
    /// The share of requests within the latency target; nil without requests.
    package var measuredFast: Double?
    /// What the judged time left of the window's budget, 1 for all of it; below 0 once it is overspent. Nil without
    /// requests.
    package var budgetRemaining: Double?
    /// How many times faster than the window allows the budget went, over `5m`, `30m`, `1h` and `6h`, or what there is of
    /// them; empty without requests.
    package var burnRates: [String: Double]
    package var state: State

    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case ok
        /// The budget goes so fast that somebody should look.
        case burning
        case exhausted
        /// There were no requests.
        case unknown
    }

    package init(
        name: String, namespace: String, target: String, successTarget: Double?, latencyTarget: Double?,
        latencyRatio: Double?, windowSeconds: Int64, judgedSeconds: Int64, measuredSuccess: Double?,
        measuredFast: Double?, budgetRemaining: Double?, burnRates: [String: Double], state: State
    ) {
        self.name = name
        self.namespace = namespace
        self.target = target
        self.successTarget = successTarget
        self.latencyTarget = latencyTarget
        self.latencyRatio = latencyRatio
        self.windowSeconds = windowSeconds
        self.judgedSeconds = judgedSeconds
        self.measuredSuccess = measuredSuccess
        self.measuredFast = measuredFast
        self.budgetRemaining = budgetRemaining
        self.burnRates = burnRates
        self.state = state
    }

    enum CodingKeys: String, CodingKey {
        case name, namespace, target
        case successTarget
        case latencyTarget = "latencyTargetMs"
        case latencyRatio
        case windowSeconds
        case judgedSeconds
        case measuredSuccess = "measuredSuccessRatio"
        case measuredFast = "measuredLatencyRatio"
        case budgetRemaining = "budgetRemainingRatio"
        case burnRates
        case state
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(self.name, forKey: .name)
        try fields.encode(self.namespace, forKey: .namespace)
        try fields.encode(self.target, forKey: .target)
        try fields.encode(self.successTarget, forKey: .successTarget)
        try fields.encode(self.latencyTarget, forKey: .latencyTarget)
        try fields.encode(self.latencyRatio, forKey: .latencyRatio)
        try fields.encode(self.windowSeconds, forKey: .windowSeconds)
        try fields.encode(self.judgedSeconds, forKey: .judgedSeconds)
        try fields.encode(self.measuredSuccess, forKey: .measuredSuccess)
        try fields.encode(self.measuredFast, forKey: .measuredFast)
        try fields.encode(self.budgetRemaining, forKey: .budgetRemaining)
        try fields.encode(self.burnRates, forKey: .burnRates)
        try fields.encode(self.state, forKey: .state)
    }
}
