internal import Foundation

/// Whether a count agrees with a share, as far as chance allows.
package struct ShareCheck: Hashable, Sendable {
    /// Of `total`.
    package var observed: Int
    package var total: Int
    /// 0–1.
    package var share: Double
    /// Standard deviations allowed; at 4, one honest run in 16 000 fails.
    package var deviations: Double = 4

    package init(observed: Int, of total: Int, share: Double, deviations: Double = 4) {
        self.observed = observed
        self.total = total
        self.share = share
        self.deviations = deviations
    }

    /// The counts that agree: n·p ± z·√(n·p·(1−p)), at least 1 either way.
    package var accepted: ClosedRange<Int> {
        let expected = Double(self.total) * self.share
        let margin = max(1, self.deviations * (expected * (1 - self.share)).squareRoot())
        return max(0, Int((expected - margin).rounded(.up)))...min(self.total, Int((expected + margin).rounded(.down)))
    }

    /// False when nothing was counted.
    package var holds: Bool { self.total > 0 && self.accepted.contains(self.observed) }
}

/// What a sample of latencies looks like.
package struct LatencySummary: Hashable, Sendable {
    /// Milliseconds; nil when the sample is empty.
    package var p50: Double?
    package var p99: Double?
    package var max: Double?

    /// By nearest rank.
    package init(_ milliseconds: [Double]) {
        let sorted = milliseconds.sorted()
        func rank(_ quantile: Double) -> Double? {
            guard !sorted.isEmpty else { return nil }
            return sorted[Swift.min(sorted.count - 1, Int((Double(sorted.count) * quantile).rounded(.up)) - 1)]
        }
        self.p50 = rank(0.5)
        self.p99 = rank(0.99)
        self.max = sorted.last
    }
}

/// The most retries that a budget allows over a time.
package enum BudgetBound {
    /// Deposits of `ratio` for each first attempt plus the reserve, for each proxy and a window at the start.
    package static func retries(
        requests: Int, ratio: Double, reservePerSecond: Int, seconds: Double, proxies: Int
    ) -> Int {
        Int((Double(requests) * ratio).rounded(.up)) + Int(Double(reservePerSecond * proxies) * (seconds + 10))
    }
}
