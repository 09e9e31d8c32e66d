/// Bounds how much a loop says about what peers do, so that nobody can fill a disk by knocking.
///
/// Counters see every event; the log sees a burst of twenty, then one a second.
struct NoteLimiter {
    private static let burst: Int64 = 20
    private static let interval: Int64 = 1_000_000_000

    private var left = Self.burst
    private var since: Int64?
    private var unsaid = 0

    /// Whether the next note is said at `now`, nanoseconds: how many went unsaid before it, or nil when it is not.
    mutating func admit(now: Int64) -> Int? {
        let earned = (now - (self.since ?? now)) / Self.interval
        self.since = (self.since ?? now) + earned * Self.interval
        self.left = min(Self.burst, self.left + earned)
        guard self.left > 0 else {
            self.unsaid += 1
            return nil
        }
        self.left -= 1
        defer { self.unsaid = 0 }
        return self.unsaid
    }
}
