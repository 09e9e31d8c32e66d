package import WeftModel

/// The gradient limit of one application port on one loop, shared by the port's requests.
package final class ConcurrencyGate {
    package private(set) var limit: GradientLimit
    private var random: TrafficRandom

    package init(_ policy: ConcurrencyPolicy, seed: UInt64) {
        self.limit = GradientLimit(policy)
        self.random = TrafficRandom(seed: seed)
    }

    /// Takes a place; false when there is none.
    package func admit(now: MonotonicInstant) -> Bool { self.limit.admit(random: &self.random, now: now) }

    /// A request is over that was admitted at `start`. Unless it `isAnswered` it was cut short and says nothing.
    package func finished(since start: MonotonicInstant, isAnswered: Bool, now: MonotonicInstant) {
        let latency = isAnswered ? now.nanoseconds - start.nanoseconds : nil
        self.limit.finished(since: start, latency: latency, random: &self.random, now: now)
    }
}
