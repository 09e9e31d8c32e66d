/// A knob of the traffic policies, named as its field in the document: the key under which a value's origin is kept.
package enum TrafficSetting: String, Hashable, Sendable, CaseIterable, Codable {
    case requestTimeout = "timeouts.request"
    case perTryTimeout = "timeouts.perTry"
    case connectTimeout = "timeouts.connect"
    case idleTimeout = "timeouts.idle"
    case trustDeadlines = "timeouts.trustDeadlines"
    case trustForwarded = "forwarding.trustCallers"
    case forwardedAddresses = "forwarding.addresses"
    case via = "forwarding.via"
    case escapedSlashes = "forwarding.escapedSlashes"
    case retryAttempts = "retry.attempts"
    case retryStatuses = "retry.codes"
    case retryGRPCStatuses = "retry.grpcCodes"
    case retryNonIdempotent = "retry.nonIdempotent"
    case retryBackoff = "retry.backoff"
    case budgetRatio = "retry.budget.percent"
    case budgetMinPerSecond = "retry.budget.minRetryRate"
    case hedging = "hedging"
    case rateLimits = "rateLimits"
    case fault = "fault"
    case loadBalancing = "loadBalancing"
    case penalizesFailures = "loadBalancing.penalizeFailures"
    case hashKey = "loadBalancing.hashOn"
    case stickyCookie = "loadBalancing.stickiness"
    case slowStart = "loadBalancing.slowStart"
    case prefersZone = "loadBalancing.zones.prefer"
    case failover = "loadBalancing.zones.failover"
    case panicThreshold = "loadBalancing.panicThreshold"
    case maxConnections = "limits.connections"
    case maxPendingRequests = "limits.pendingRequests"
    case maxRequests = "limits.requests"
    case maxRetries = "limits.retries"
    case outliersEnabled = "outliers.enabled"
    case outlierSuccessRate = "outliers.successRate"
    case outlierMinRequests = "outliers.minRequests"
    case outlierConsecutiveFailures = "outliers.consecutiveFailures"
    case baseEjection = "outliers.ejection.base"
    case maxEjection = "outliers.ejection.max"
    case maxEjectionPercent = "outliers.ejection.maxPercent"
    case outlierCohort = "outliers.cohort"
    case healthCheck = "healthCheck"
    case concurrency = "overload.concurrency"
    case admission = "overload.admission"
    case stickyCohort = "stickyCohort"

    /// The field of an HTTPRoute's rule that sets the same; nil where rules have no say.
    package var ruleField: String? {
        switch self {
        case .perTryTimeout: "timeouts.backendRequest"
        case .requestTimeout, .retryAttempts, .retryStatuses, .retryBackoff: self.rawValue
        default: nil
        }
    }

    /// What the destination's proxy makes of who called, and of paths.
    package var isForwarding: Bool { self.rawValue.hasPrefix("forwarding.") }

    /// What judges endpoints by their answers.
    package var isOutlier: Bool { self.rawValue.hasPrefix("outliers.") }
}

extension TrafficSettings {
    /// The knobs that are set here.
    package var given: Set<TrafficSetting> {
        var given: Set<TrafficSetting> = []
        func note<Value>(_ value: Value?, _ setting: TrafficSetting) { if value != nil { given.insert(setting) } }
        note(self.requestTimeout, .requestTimeout)
        note(self.perTryTimeout, .perTryTimeout)
        note(self.connectTimeout, .connectTimeout)
        note(self.idleTimeout, .idleTimeout)
        note(self.trustDeadlines, .trustDeadlines)
        note(self.retry?.attempts, .retryAttempts)
        note(self.retry?.statuses, .retryStatuses)
        note(self.retry?.grpcStatuses, .retryGRPCStatuses)
        note(self.retry?.nonIdempotent, .retryNonIdempotent)
        note(self.retry?.backoffBase, .retryBackoff)
        note(self.retry?.budgetRatio, .budgetRatio)
        note(self.retry?.budgetMinPerSecond, .budgetMinPerSecond)
        note(self.hedging, .hedging)
        note(self.rateLimits, .rateLimits)
        note(self.fault, .fault)
        note(self.loadBalancing, .loadBalancing)
        note(self.maxConnections, .maxConnections)
        note(self.maxPendingRequests, .maxPendingRequests)
        note(self.maxRequests, .maxRequests)
        note(self.maxRetries, .maxRetries)
        note(self.healthCheck, .healthCheck)
        note(self.overload?.concurrency, .concurrency)
        note(self.overload?.admission, .admission)
        note(self.stickyCohort, .stickyCohort)
        if let forwarding = self.forwarding {
            var policy = ForwardingPolicy()
            forwarding.apply(to: &policy) { given.insert($0) }
        }
        if let balancing = self.balancing {
            var options = BalancingOptions()
            balancing.apply(to: &options) { given.insert($0) }
        }
        if let outliers = self.outliers {
            var policy = OutlierPolicy()
            outliers.apply(to: &policy) { given.insert($0) }
        }
        return given
    }
}

extension Provenance {
    /// The same resource, at the line that sets one of its values; itself where that line is not known.
    package func at(line: Int?) -> Provenance {
        guard let line else { return self }
        return Provenance(resource: self.resource, revision: self.revision, file: self.file, line: line)
    }
}
