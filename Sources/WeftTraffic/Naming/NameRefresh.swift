/// What a name stands for, as far as is known.
package struct NameAnswer: Hashable, Sendable {
    /// IPv4 and IPv6 addresses, sorted; empty where none is known.
    package var addresses: [String]
    /// Why the last look-up gave nothing; nil when it gave something.
    package var failure: String?

    package init(addresses: [String] = [], failure: String? = nil) {
        self.addresses = addresses
        self.failure = failure
    }
}

/// Decides which names are looked up when, and what is believed of the answers. Without IO or clock.
///
/// A name is looked up at once, then every `interval`; after a failure sooner, but ever more rarely. An answer outlives
/// failures for `staleness`: addresses rarely change, and resolvers do fail.
package struct NameRefresh: Sendable {
    package struct Settings: Hashable, Sendable {
        /// Between two look-ups of a name that resolves. Default 30 s, as the resolver of the host tells no lifetime.
        package var interval = Duration.seconds(30)
        /// After the first failure, doubling up to `interval`. Default 1 s.
        package var retry = Duration.seconds(1)
        /// How long the last addresses are used while look-ups fail. Default 10 min.
        package var staleness = Duration.seconds(600)
        /// A look-up that takes longer has failed, though its answer still counts when it comes. Default 4 s.
        package var timeout = Duration.seconds(4)
        /// Look-ups at the same time. Default 4.
        package var concurrency = 4
        /// Names in all; more fail at once. Default 1024.
        package var names = 1024
        /// Addresses used of one name. Default 64.
        package var addresses = 64

        package init() {}
    }

    private struct Entry {
        var answer: NameAnswer?
        var answeredAt: MonotonicInstant?
        var due: MonotonicInstant
        var failures = 0
        var startedAt: MonotonicInstant?
        /// The look-up under way has been given up on.
        var isLate = false
    }

    private let settings: Settings
    private var entries: [String: Entry] = [:]
    private var running = 0

    package init(_ settings: Settings = Settings()) { self.settings = settings }

    /// The names that are needed from now on; what is not among them is forgotten. Answers what is known at once: names
    /// beyond the bound fail, addresses stand for themselves.
    package mutating func want(_ names: Set<String>, now: MonotonicInstant) -> [String: NameAnswer] {
        for name in self.entries.keys where !names.contains(name) {
            if self.entries[name]?.startedAt != nil { self.running -= 1 }
            self.entries[name] = nil
        }
        var known: [String: NameAnswer] = [:]
        for name in names.sorted() where self.entries[name] == nil {
            if Self.isAddress(name) {
                known[name] = NameAnswer(addresses: [name])
            } else if self.entries.count >= self.settings.names {
                known[name] = NameAnswer(failure: "more than \(self.settings.names) names are in use")
            } else {
                self.entries[name] = Entry(due: now)
            }
        }
        return known
    }

    /// The names to look up now; each is under way until `answered`.
    package mutating func due(now: MonotonicInstant) -> [String] {
        let free = self.settings.concurrency - self.running
        guard free > 0 else { return [] }
        let due = self.entries.filter { $0.value.startedAt == nil && $0.value.due <= now }
            .sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }.prefix(free).map(\.key)
        for name in due {
            self.entries[name]?.startedAt = now
            self.entries[name]?.isLate = false
        }
        self.running += due.count
        return due
    }

    /// A look-up ended with addresses, or with the reason why there are none. Answers what is now believed; nil for a name
    /// that nobody wants any more.
    package mutating func answered(
        _ name: String, _ result: Result<[String], NameFailure>, now: MonotonicInstant,
        random: inout some RandomNumberGenerator
    ) -> NameAnswer? {
        guard var entry = self.entries[name], entry.startedAt != nil else { return nil }
        self.running -= 1
        entry.startedAt = nil
        entry.isLate = false
        switch result {
        case .success(let addresses) where !addresses.isEmpty:
            entry.failures = 0
            entry.answer = NameAnswer(addresses: Array(Set(addresses).sorted().prefix(self.settings.addresses)))
            entry.answeredAt = now
            entry.due = now + Self.spread(self.settings.interval, &random)
        case .success: self.failed(&entry, "the name has no address", now: now, &random)
        case .failure(let failure): self.failed(&entry, failure.cause, now: now, &random)
        }
        self.entries[name] = entry
        return entry.answer
    }

    /// Look-ups that take too long: what is now believed of their names.
    package mutating func expired(now: MonotonicInstant) -> [String: NameAnswer] {
        var expired: [String: NameAnswer] = [:]
        for (name, entry) in self.entries {
            guard let startedAt = entry.startedAt, !entry.isLate, now - startedAt >= self.settings.timeout else {
                continue
            }
            var entry = entry
            entry.isLate = true
            self.note("no answer within \(self.settings.timeout)", in: &entry, now: now)
            self.entries[name] = entry
            expired[name] = entry.answer
        }
        return expired
    }

    /// When `due` or `expired` has something to say next; nil while nothing is wanted or all is under way.
    package var next: MonotonicInstant? {
        self.entries.values.compactMap { entry in
            guard let startedAt = entry.startedAt else {
                return self.running < self.settings.concurrency ? entry.due : nil
            }
            return entry.isLate ? nil : startedAt + self.settings.timeout
        }.min()
    }

    private func failed(
        _ entry: inout Entry, _ cause: String, now: MonotonicInstant, _ random: inout some RandomNumberGenerator
    ) {
        entry.failures += 1
        self.note(cause, in: &entry, now: now)
        let wait = min(self.settings.retry * (1 << min(entry.failures - 1, 10)), self.settings.interval)
        entry.due = now + Self.spread(wait, &random)
    }

    private func note(_ cause: String, in entry: inout Entry, now: MonotonicInstant) {
        var answer = entry.answer ?? NameAnswer()
        answer.failure = cause
        if let answeredAt = entry.answeredAt, now - answeredAt >= self.settings.staleness { answer.addresses = [] }
        entry.answer = answer
    }

    /// Between 90 and 110 %, so that proxies do not ask in step.
    private static func spread(_ duration: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        duration * (900 + Int(random.next() % 201)) / 1000
    }

    /// Whether a name is an IPv4 address.
    private static func isAddress(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// Why a look-up gave nothing.
package struct NameFailure: Error, Hashable, Sendable {
    package var cause: String

    package init(cause: String) { self.cause = cause }
}
