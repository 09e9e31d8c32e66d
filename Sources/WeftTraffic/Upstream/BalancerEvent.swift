package import WeftModel

/// Something about a cluster's endpoints that operators want to hear of.
package enum BalancerEvent: Hashable, Sendable {
    case ejected(Endpoint, Trip, for: Duration)
    case readmitted(Endpoint)
    /// An active health check took it out, or brought it back.
    case becameUnhealthy(Endpoint)
    case becameHealthy(Endpoint)
    /// Fewer than the threshold are eligible: ejections and health checks are ignored from here on.
    case panicBegan(eligible: Int, of: Int)
    case panicEnded

    /// Why an endpoint was ejected; the raw value is a metric's label.
    package enum Trip: String, Hashable, Sendable {
        case successRate = "success_rate"
        case consecutiveFailures = "consecutive_failures"
        case cohort
        /// The request that tried whether it is well again failed.
        case probe
    }
}
