/// How long to wait before a control plane is tried again: uniform in [0, 0.25 s · 2ⁿ], at most 5 s, so that a control
/// plane that was away for minutes knows its fleet again within seconds.
package struct ReconnectBackoff: Sendable {
    private var failures = 0

    package init() {}

    /// The wait before the next attempt, drawn from the system's randomness.
    package mutating func next() -> Duration {
        var random = SystemRandomNumberGenerator()
        return self.next(random: &random)
    }

    mutating func next(random: inout some RandomNumberGenerator) -> Duration {
        let limit = min(0.25 * Double(1 << min(self.failures, 10)), 5)
        self.failures += 1
        return .milliseconds(Int64(Double.random(in: 0...limit, using: &random) * 1000))
    }

    /// The control plane answered.
    package mutating func succeeded() { self.failures = 0 }
}
