/// Bounds what a destination takes of repeated attempts, whoever sends them: at most 20 % of what it has seen in 10 s.
///
/// The bound on the server's side that the budgets of many callers together lack. The first hundred in a window always pass,
/// ten a second as in the budget of one caller: where one replica of two fails, the other sees little but retries.
package struct AttemptGuard: Sendable {
    private static let bucketNanoseconds: Int64 = 1_000_000_000
    private static let bucketCount = 10
    private static let free = 100

    private var seen: [Int]
    private var repeated: [Int]
    private var seenSum = 0
    private var repeatedSum = 0
    private var current: Int64 = 0

    package init() {
        self.seen = Array(repeating: 0, count: Self.bucketCount)
        self.repeated = self.seen
    }

    /// Whether a request may go on; `attempt` counts from 1, what `x-weft-attempt` says, 1 where it is absent.
    package mutating func admit(attempt: Int, now: MonotonicInstant) -> Bool {
        self.advance(to: now)
        let index = Int(self.current % Int64(Self.bucketCount))
        self.seen[index] += 1
        self.seenSum += 1
        guard attempt > 1 else { return true }
        guard self.repeatedSum < Self.free || (self.repeatedSum + 1) * 5 <= self.seenSum else { return false }
        self.repeated[index] += 1
        self.repeatedSum += 1
        return true
    }

    private mutating func advance(to now: MonotonicInstant) {
        let bucket = max(0, now.nanoseconds) / Self.bucketNanoseconds
        guard bucket > self.current else { return }
        for offset in 0..<min(bucket - self.current, Int64(Self.bucketCount)) {
            let index = Int((bucket - offset) % Int64(Self.bucketCount))
            self.seenSum -= self.seen[index]
            self.repeatedSum -= self.repeated[index]
            self.seen[index] = 0
            self.repeated[index] = 0
        }
        self.current = bucket
    }
}
