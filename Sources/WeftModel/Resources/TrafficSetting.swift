/// A knob of the traffic policies, named as its field in the document: the key under which a value's origin is kept.
package enum TrafficSetting: String, Hashable, Sendable, CaseIterable, Codable {
    case requestTimeout = "timeouts.request"
    case perTryTimeout = "timeouts.perTry"
    case connectTimeout = "timeouts.connect"
    case idleTimeout = "timeouts.idle"
    case trustDeadlines = "timeouts.trustDeadlines"
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
    case maxConnections = "limits.connections"
    case maxPendingRequests = "limits.pendingRequests"
    case maxRequests = "limits.requests"
    case maxRetries = "limits.retries"
    case healthCheck = "healthCheck"
    case concurrency = "overload.concurrency"
    case admission = "overload.admission"
    case stickyCohort = "stickyCohort"
}

extension Provenance {
    /// The same resource, at the line that sets one of its values; itself where that line is not known.
    package func at(line: Int?) -> Provenance {
        guard let line else { return self }
        return Provenance(resource: self.resource, revision: self.revision, file: self.file, line: line)
    }
}
