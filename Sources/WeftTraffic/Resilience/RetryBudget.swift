package import WeftModel

/// Bounds retries towards one destination: within any window, at most the reserve and a share of the first attempts.
///
/// Each first attempt deposits `ratio`, each retry withdraws 1, both are forgotten after the window; on top stands a
/// reserve of `minPerSecond` × window. Counted in thousandths, in ten buckets, so that nothing rounds or grows.
/// Source: the budget of tower and Linkerd.
package struct RetryBudget: Sendable {
    private static let unit = 1_000
    private static let bucketCount = 10

    private var buckets: [Int]
    private var sum = 0
    /// The bucket being written, counted from the clock's start.
    private var current: Int64 = 0
    private var bucketNanoseconds: Int64
    private var deposit: Int
    private var reserve: Int

    /// `loops` shares the reserve between the event loops that each keep a budget.
    package init(_ policy: RetryBudgetPolicy = RetryBudgetPolicy(), loops: Int = 1) {
        self.buckets = Array(repeating: 0, count: Self.bucketCount)
        self.bucketNanoseconds = 0
        self.deposit = 0
        self.reserve = 0
        self.update(policy, loops: loops)
    }

    /// Takes a new policy and keeps what was counted, unless the window changes.
    package mutating func update(_ policy: RetryBudgetPolicy, loops: Int) {
        let window = max(1_000_000_000, min(policy.window.wholeNanoseconds, 3_600_000_000_000))
        if self.bucketNanoseconds != window / Int64(Self.bucketCount) {
            self.bucketNanoseconds = window / Int64(Self.bucketCount)
            for index in self.buckets.indices { self.buckets[index] = 0 }
            self.sum = 0
            self.current = 0
        }
        self.deposit = Int(min(1, max(0, policy.ratio)) * Double(Self.unit))
        let perSecond = max(0, min(policy.minPerSecond, 1_000_000))
        self.reserve = Int(Double(perSecond) * Double(window) / 1e9) * Self.unit / max(1, loops)
    }

    /// Whole retries that could be made now; never negative.
    package mutating func balance(now: MonotonicInstant) -> Int {
        self.advance(to: now)
        return max(0, self.reserve + self.sum) / Self.unit
    }

    /// A first attempt was made.
    package mutating func depositFirstAttempt(now: MonotonicInstant) {
        self.advance(to: now)
        self.write(self.deposit)
    }

    /// Pays for a retry; false when the budget does not hold one.
    package mutating func withdraw(now: MonotonicInstant) -> Bool {
        self.advance(to: now)
        guard self.reserve + self.sum >= Self.unit else { return false }
        self.write(-Self.unit)
        return true
    }

    private mutating func write(_ amount: Int) {
        self.buckets[Int(self.current % Int64(Self.bucketCount))] += amount
        self.sum += amount
    }

    /// Forgets the buckets that have left the window.
    private mutating func advance(to now: MonotonicInstant) {
        let bucket = max(0, now.nanoseconds) / self.bucketNanoseconds
        guard bucket > self.current else { return }
        let passed = min(bucket - self.current, Int64(Self.bucketCount))
        for offset in 0..<passed {
            let index = Int((bucket - offset) % Int64(Self.bucketCount))
            self.sum -= self.buckets[index]
            self.buckets[index] = 0
        }
        self.current = bucket
    }
}
