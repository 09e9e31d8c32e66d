/// How well a destination has done in the last 10 s, in ten buckets.
struct SuccessWindow {
    private static let bucketNanoseconds: Int64 = 1_000_000_000
    private static let bucketCount = 10

    private var succeeded: [Int] = Array(repeating: 0, count: bucketCount)
    private var failed: [Int] = Array(repeating: 0, count: bucketCount)
    private var current: Int64 = 0

    mutating func record(success: Bool, now: MonotonicInstant) {
        self.advance(to: now)
        let index = Int(self.current % Int64(Self.bucketCount))
        if success { self.succeeded[index] += 1 } else { self.failed[index] += 1 }
    }

    /// The share of successes in hundredths, and of how many answers.
    mutating func percent(now: MonotonicInstant) -> (value: Double, of: Int) {
        self.advance(to: now)
        let good = self.succeeded.reduce(0, +)
        let total = good + self.failed.reduce(0, +)
        return (total == 0 ? 100 : Double(good) * 100 / Double(total), total)
    }

    private mutating func advance(to now: MonotonicInstant) {
        let bucket = max(0, now.nanoseconds) / Self.bucketNanoseconds
        guard bucket > self.current else { return }
        for offset in 0..<min(bucket - self.current, Int64(Self.bucketCount)) {
            let index = Int((bucket - offset) % Int64(Self.bucketCount))
            self.succeeded[index] = 0
            self.failed[index] = 0
        }
        self.current = bucket
    }
}
