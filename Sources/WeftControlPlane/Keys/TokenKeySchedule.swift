internal import WeftModel

/// Decides when the key sets of token issuers are read: at once when a policy first names them, then again and again;
/// more slowly while they cannot be had.
struct TokenKeySchedule: Sendable {
    /// How often an address is asked, give or take a tenth. Default 5 min.
    var refresh: Duration = .seconds(300)
    /// How often a file is looked at. Default 5 s: a change is followed soon.
    var look: Duration = .seconds(5)
    /// How long after a failure an address is asked again; doubles up to `refresh`. Default 1 s.
    var firstRetry: Duration = .seconds(1)

    private struct Entry: Sendable {
        var due: ContinuousClock.Instant
        var failures = 0
    }

    private var entries: [TokenKeys: Entry] = [:]

    init() {}

    /// From now on these are read, and no others. Those that are new are due.
    mutating func follow(_ places: Set<TokenKeys>, now: ContinuousClock.Instant) {
        self.entries = self.entries.filter { places.contains($0.key) }
        for place in places where self.entries[place] == nil { self.entries[place] = Entry(due: now) }
    }

    /// What to read now; each is read once until its outcome is told.
    func due(now: ContinuousClock.Instant) -> [TokenKeys] {
        self.entries.filter { $0.value.due <= now }.map(\.key)
    }

    /// Until something is due; nil while there is nothing to read.
    func wait(now: ContinuousClock.Instant) -> Duration? {
        self.entries.values.map(\.due).min().map { max(.zero, now.duration(to: $0)) }
    }

    /// Tells an outcome. What nobody names any more is forgotten.
    mutating func finished(
        _ place: TokenKeys, succeeded: Bool, now: ContinuousClock.Instant, random: inout some RandomNumberGenerator
    ) {
        guard var entry = self.entries[place] else { return }
        entry.failures = succeeded ? 0 : entry.failures + 1
        let wait: Duration =
            if case .file = place {
                self.look
            } else if succeeded {
                self.refresh
            } else {
                min(self.refresh, self.firstRetry * (1 << min(entry.failures - 1, 16)))
            }
        entry.due = now + wait * Double.random(in: 0.9...1.1, using: &random)
        self.entries[place] = entry
    }
}
