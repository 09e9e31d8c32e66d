package import WeftModel

/// One endpoint as one event loop knows it: what it is, how loaded and how fast it has been.
///
/// It lives as long as the endpoint stays in its cluster, through every update, so that what was learned stays. A
/// request in flight holds it, so that it ends well after the endpoint has gone.
package final class UpstreamEndpoint {
    /// Changes only in weight, version and locality: another address, port or identity is another endpoint.
    package internal(set) var endpoint: Endpoint
    /// Attempts under way.
    package internal(set) var inFlight = 0
    /// The driver's own: the endpoint's connection pool.
    package var attachment: AnyObject?

    var latency = PeakEWMA()
    var reachability = Reachability()

    init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    /// Whether `other` is this endpoint, perhaps with another weight.
    func stays(as other: Endpoint) -> Bool {
        self.endpoint.address == other.address && self.endpoint.port == other.port
            && self.endpoint.workload == other.workload && self.endpoint.identity == other.identity
    }
}

/// A latency that rises at once and falls slowly: exponentially weighted with a time constant of 10 s, reset by peaks.
///
/// Source: the peak EWMA balancer of Finagle and Linkerd.
struct PeakEWMA {
    /// Assumed while the first answer is out.
    static let prior = 30_000_000.0
    static let timeConstant = 10_000_000_000.0
    /// What a failure counts as, where failures count.
    static let failure: Int64 = 5_000_000_000

    /// Nanoseconds; zero before the first answer.
    private(set) var value = 0.0
    private(set) var updated = MonotonicInstant(nanoseconds: 0)
    var isFresh: Bool { self.value == 0 }

    mutating func observe(_ nanoseconds: Int64, now: MonotonicInstant) {
        let sample = Double(max(1, nanoseconds))
        let old = self.estimate(now: now)
        if self.isFresh || sample > old {
            self.value = sample
        } else {
            // Since the estimate has already faded towards zero, what is missing is the sample's share.
            self.value = old + sample * (1 - self.fading(now: now))
        }
        self.updated = now
    }

    /// The estimate now: without answers it fades, so that an endpoint that was slow is tried again.
    func estimate(now: MonotonicInstant) -> Double {
        if self.isFresh { return Self.prior }
        return max(1_000, self.value * self.fading(now: now))
    }

    /// e^(−Δt/τ), by its first terms for the short spans of a busy endpoint.
    private func fading(now: MonotonicInstant) -> Double {
        let share = Double(max(0, now.nanoseconds - self.updated.nanoseconds)) / Self.timeConstant
        if share < 0.01 { return 1 - share + share * share / 2 }
        if share > 40 { return 0 }
        // (1 − x/256)^256-like halving keeps this free of libm: e^−x = (e^(−x/64))^64.
        let step = share / 64
        var power = 1 - step + step * step / 2 - step * step * step / 6
        for _ in 0..<6 { power *= power }
        return power
    }
}

/// Keeps requests away from an endpoint that takes no connections, without waiting for the registry to notice.
///
/// After a connect failure the endpoint is avoided for 1 s, doubling to 60 s with each further one; then one request
/// at a time tries it. An answer of any kind clears it.
struct Reachability {
    private var failures = 0
    private var avoidUntil = MonotonicInstant(nanoseconds: .min)

    var isSuspect: Bool { self.failures > 0 }

    mutating func connectFailed(now: MonotonicInstant) {
        // Failures of attempts made before the first one was known are the same news.
        if now < self.avoidUntil { return }
        self.failures = min(self.failures + 1, 7)
        self.avoidUntil = now.advanced(byNanoseconds: min(60, 1 << (self.failures - 1)) * 1_000_000_000)
    }

    mutating func answered() { self.failures = 0 }

    func allows(inFlight: Int, now: MonotonicInstant) -> Bool {
        self.failures == 0 || (now >= self.avoidUntil && inFlight == 0)
    }
}
