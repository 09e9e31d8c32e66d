package import WeftModel

/// When one endpoint is asked next, and what its answers come to.
///
/// An endpoint begins well, since its own proxy says that it is ready; the first check comes at a random point of the first
/// interval, so that the checks of a mesh do not come in step.
package struct HealthCheckSchedule: Sendable {
    package private(set) var policy: HealthCheckPolicy
    package private(set) var isHealthy = true
    /// When the next check is due; `.never` while one is under way.
    package private(set) var due: MonotonicInstant
    private var inARow = 0

    package init(_ policy: HealthCheckPolicy, random: inout some RandomNumberGenerator, now: MonotonicInstant) {
        self.policy = policy
        let interval = max(1, policy.interval.wholeNanoseconds)
        self.due = Self.firstCheck(within: interval, random: &random, now: now)
    }

    private static func firstCheck(
        within interval: Int64, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> MonotonicInstant {
        now.advanced(byNanoseconds: Int64(Double(interval) * Double(random.next() >> 11) * 0x1p-53))
    }

    /// Takes another policy; what is known about the endpoint stays. A check that is further off than the new interval
    /// comes within it, again at a random point.
    package mutating func update(
        _ policy: HealthCheckPolicy, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) {
        guard policy != self.policy else { return }
        self.policy = policy
        guard self.due != .never else { return }
        let interval = max(1, policy.interval.wholeNanoseconds)
        guard self.due > now.advanced(byNanoseconds: interval) else { return }
        self.due = Self.firstCheck(within: interval, random: &random, now: now)
    }

    /// Whether a check begins now. If so, `checked` has to follow.
    package mutating func begin(now: MonotonicInstant) -> Bool {
        guard now >= self.due else { return false }
        self.due = .never
        return true
    }

    /// A check is over; `passed` is nil when it told nothing. The endpoint's new state where it has changed, else nil.
    package mutating func checked(
        passed: Bool?, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> Bool? {
        let jitter = 0.9 + 0.2 * Double(random.next() >> 11) * 0x1p-53
        self.due = now.advanced(byNanoseconds: Int64(Double(max(1, self.policy.interval.wholeNanoseconds)) * jitter))
        guard let passed else { return nil }
        guard passed != self.isHealthy else {
            self.inARow = 0
            return nil
        }
        self.inARow += 1
        let needed = self.isHealthy ? self.policy.unhealthyThreshold : self.policy.healthyThreshold
        guard self.inARow >= needed else { return nil }
        self.inARow = 0
        self.isHealthy = passed
        return passed
    }
}
