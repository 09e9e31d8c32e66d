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
