/// Decides which of the names that callers mentioned a proxy goes on asking for.
///
/// Anybody who may send a request can mention names, so what is remembered of them is bounded, and names that the mesh
/// does not have never push out those that it has. What is given up is asked for again when it is mentioned again.
/// Owns no clock.
package struct NameInterest: Sendable {
    /// How much may be asked for.
    package struct Limits: Hashable, Sendable {
        /// Names altogether. Default 1024.
        package var names = 1024
        /// Of these, names that do not exist or are not known to yet. Default 256.
        package var absent = 256
        /// How long a name that does not exist stays asked for. Default 1 min.
        package var absentLifetime = Duration.seconds(60)

        package init() {}
    }

    private let limits: Limits
    /// Since when, oldest first; a name that was given up and mentioned again is new.
    private var asked: [(name: String, since: ContinuousClock.Instant)] = []
    private var names: Set<String> = []

    package init(_ limits: Limits) { self.limits = limits }

    package func contains(_ name: String) -> Bool { self.names.contains(name) }

    /// Takes names up; those that were there before stay as old as they are.
    package mutating func ask(_ names: some Sequence<String>, now: ContinuousClock.Instant) {
        for name in names where self.names.insert(name).inserted { self.asked.append((name, now)) }
    }

    /// Gives up what is above the limits, the oldest first.
    ///
    /// - Parameter exists: whether the mesh has a name, as far as is known.
    package mutating func excess(exists: (String) -> Bool) -> Set<String> {
        var given: Set<String> = []
        var absent = 0
        // From the newest on: what comes after the limits is older than what is kept.
        for (name, _) in self.asked.reversed() where !exists(name) {
            absent += 1
            if absent > self.limits.absent { given.insert(name) }
        }
        var left = self.asked.count - given.count - self.limits.names
        // What does not exist goes first.
        for existing in [false, true] where left > 0 {
            for (name, _) in self.asked where left > 0 && exists(name) == existing && given.insert(name).inserted {
                left -= 1
            }
        }
        self.forget(given)
        return given
    }

    /// Gives up names that have not existed for their lifetime.
    package mutating func expired(now: ContinuousClock.Instant, exists: (String) -> Bool) -> Set<String> {
        var given: Set<String> = []
        for (name, since) in self.asked {
            guard since + self.limits.absentLifetime <= now else { break }
            if !exists(name) { given.insert(name) }
        }
        self.forget(given)
        return given
    }

    /// When `expired` may have something to say next; nil where nothing is absent.
    package func nextExpiry(exists: (String) -> Bool) -> ContinuousClock.Instant? {
        self.asked.first { !exists($0.name) }.map { $0.since + self.limits.absentLifetime }
    }

    private mutating func forget(_ names: Set<String>) {
        if names.isEmpty { return }
        self.names.subtract(names)
        self.asked.removeAll { names.contains($0.name) }
    }
}
