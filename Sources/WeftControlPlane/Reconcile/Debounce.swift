/// Decides when changes become a new snapshot: endpoints at once, configuration when it has been quiet for a moment.
package struct Debounce: Hashable, Sendable {
    /// How long configuration must have been quiet. Default 100 ms.
    package var quiet: Duration = .milliseconds(100)
    /// How long configuration waits at most, however busy. Default 1 s.
    package var longest: Duration = .seconds(1)

    package enum Cause: Hashable, Sendable {
        /// The registry: who is there and ready.
        case endpoints
        /// The store: what operators wrote.
        case policy
    }

    private var firstPolicy: ContinuousClock.Instant?
    private var lastPolicy: ContinuousClock.Instant?
    private var endpoints = false

    package init() {}

    package mutating func changed(_ cause: Cause, now: ContinuousClock.Instant) {
        switch cause {
        case .endpoints: self.endpoints = true
        case .policy:
            self.firstPolicy = self.firstPolicy ?? now
            self.lastPolicy = now
        }
    }

    /// How long to wait before compiling; nil while nothing waits.
    package func wait(now: ContinuousClock.Instant) -> Duration? {
        if self.endpoints { return .zero }
        return self.policyDue.map { max(.zero, now.duration(to: $0)) }
    }

    /// What to compile now; empty when it is too early. Configuration that waits may ride along only when it is due.
    package mutating func take(now: ContinuousClock.Instant) -> Set<Cause> {
        var causes: Set<Cause> = []
        if self.endpoints {
            self.endpoints = false
            causes.insert(.endpoints)
        }
        if let due = self.policyDue, due <= now {
            self.firstPolicy = nil
            self.lastPolicy = nil
            causes.insert(.policy)
        }
        return causes
    }

    private var policyDue: ContinuousClock.Instant? {
        guard let first = self.firstPolicy, let last = self.lastPolicy else { return nil }
        return min(last + self.quiet, first + self.longest)
    }
}
