package import FoundationEssentials

/// Decides when a certificate is renewed: at a random point of its life, at once when little is left, and after a
/// failure with growing waits. Owns no clock; the driver asks, waits, and asks again.
package struct RenewalSchedule: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        case renew
        /// Ask again after this long; at most one minute, because wall clocks jump.
        case wait(Duration)
    }

    private var renewAt: Date
    private let urgentAt: Date
    private var failures = 0
    private var retryAt: Date?

    /// Picks a uniform random point between 50 and 70 % of the certificate's life.
    package init(notBefore: Date, notAfter: Date, random: inout some RandomNumberGenerator) {
        let life = notAfter.timeIntervalSince(notBefore)
        self.renewAt = notBefore.addingTimeInterval(life * Double.random(in: 0.5...0.7, using: &random))
        self.urgentAt = notBefore.addingTimeInterval(life * 0.9)
    }

    /// The certificate must be replaced whatever its age: at a random moment within `spread`, so that the whole mesh does
    /// not ask at once. Asked for again, the earliest moment stands.
    package mutating func renewSoon(
        now: Date, within spread: TimeInterval = 3, random: inout some RandomNumberGenerator
    ) {
        self.renewAt = min(self.renewAt, now.addingTimeInterval(Double.random(in: 0...spread, using: &random)))
    }

    /// What to do now. In the last 10 % of the life a renewal that has not failed yet is due at once.
    package func step(now: Date) -> Step {
        var due = min(self.renewAt, self.urgentAt)
        if let retryAt = self.retryAt { due = max(due, retryAt) }
        let left = due.timeIntervalSince(now)
        // After the clock went back, a wait longer than any we asked for is not ours.
        if self.retryAt != nil, left > Self.maxBackoff * (1 + Self.jitter), now >= self.renewAt { return .renew }
        return left <= 0 ? .renew : .wait(.seconds(min(left, Self.longestWait)))
    }

    /// A renewal failed: the next waits 0.5 s, 1 s, 2 s … up to 150 s, each ±20 %. The old certificate stays in use.
    package mutating func failed(now: Date, random: inout some RandomNumberGenerator) {
        let wait = min(Self.minBackoff * Double(1 << min(self.failures, 20)), Self.maxBackoff)
        let factor = Double.random(in: 1 - Self.jitter...1 + Self.jitter, using: &random)
        self.failures += 1
        self.retryAt = now.addingTimeInterval(wait * factor)
    }

    /// Failures since the certificate was issued.
    package var failureCount: Int { self.failures }

    private static let minBackoff = 0.5
    private static let maxBackoff = 150.0
    private static let jitter = 0.2
    private static let longestWait = 60.0
}
