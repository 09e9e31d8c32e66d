/// How a service sheds work that it, or its callers' proxies, cannot get done; nil parts, the default, do not act.
package struct OverloadPolicy: Hashable, Sendable {
    /// At the destination: at most as many requests at once as its latency shows it can take.
    package var concurrency: ConcurrencyPolicy?
    /// At the caller: refuses a share of requests while too many fail.
    package var admission: AdmissionPolicy?

    package init() {}

    package func merged(over wider: Self) -> Self {
        var merged = self
        merged.concurrency = self.concurrency ?? wider.concurrency
        merged.admission = self.admission ?? wider.admission
        return merged
    }

    package var isEmpty: Bool { self.concurrency == nil && self.admission == nil }
}

/// A limit on requests in flight that follows latency.
///
/// Source: Envoy's adaptive concurrency filter (gradient controller), its parameters and defaults.
package struct ConcurrencyPolicy: Hashable, Sendable {
    /// Which percentile of a window's latencies is compared; 1–100, default 50.
    package var percentile = 50
    /// How long a window is, after which the limit is computed anew. Default 100 ms.
    package var updateInterval: Duration = .milliseconds(100)
    /// The limit never exceeds this. Default 1000.
    package var maxLimit = 1_000
    /// How often the latency without load is measured anew. Default 60 s.
    package var minRTTInterval: Duration = .seconds(60)
    /// Requests that such a measurement takes. Default 50.
    package var minRTTRequests = 50
    /// By how much of itself `minRTTInterval` is prolonged at random, in percent. Default 15.
    package var jitterPercent = 15
    /// The limit while the latency without load is measured, and the smallest otherwise. Default 3.
    package var minConcurrency = 3
    /// How much worse than without load latency may be before the limit falls, in percent. Default 25.
    package var bufferPercent = 25

    package init() {}
}

/// Refusing requests with the probability that keeps the rest succeeding.
///
/// Source: Envoy's admission control filter, its parameters and defaults; client-side throttling of Google's SRE book.
package struct AdmissionPolicy: Hashable, Sendable {
    /// What is looked back at. Default 30 s.
    package var window: Duration = .seconds(30)
    /// How sharply refusals rise; at least 1, the default, which is linear.
    package var aggression = 1.0
    /// Nothing is refused above this share of successes; 0–1, default 0.95.
    package var successRate = 0.95
    /// Nothing is refused below this rate. Default 0.
    package var minRequestsPerSecond = 0
    /// The largest probability of a refusal; 0–1, default 0.8.
    package var maxRejection = 0.8

    package init() {}
}
