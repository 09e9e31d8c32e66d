/// How a route retries failed attempts, resolved: every value is set.
///
/// The default retries once and only where it cannot duplicate work.
package struct RetryPolicy: Hashable, Sendable {
    /// Attempts after the first, 0–10. Zero turns retries off.
    package var attempts: Int = 1
    /// Statuses worth another attempt, besides 502, 503 and 504 for idempotent requests.
    package var statuses: Set<Int> = []
    /// gRPC statuses worth another attempt, of any call.
    package var grpcStatuses: Set<Int> = []
    /// Whether requests that are not idempotent may be retried on `statuses`.
    package var nonIdempotent: Bool = false
    /// Base of the wait before a retry: uniform in [0, min(base·(2ⁿ−1), 10·base)]. Default 25 ms.
    package var backoffBase: Duration = .milliseconds(25)

    package init() {}
}

/// What bounds the retries of one proxy towards one destination service.
///
/// Source: the budget of tower and Linkerd, in Gateway API's vocabulary (GEP-3388).
package struct RetryBudgetPolicy: Hashable, Sendable {
    /// What each first attempt deposits; 0–1, default 0.2.
    package var ratio: Double = 0.2
    /// Retries per second always allowed. Default 10.
    package var minPerSecond: Int = 10
    /// How long a deposit lasts. Default 10 s.
    package var window: Duration = .seconds(10)

    package init() {}
}
