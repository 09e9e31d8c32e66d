package import FoundationEssentials
package import WeftIdentity
internal import WeftModel

/// Decides which entries need a certificate now, and holds those there are. Owns no clock, key or connection.
///
/// Every entry is provided for before a process asks, so that processes which start while the control plane is away have
/// their identities too.
package struct IssuancePlan: Sendable {
    private struct Held: Sendable {
        var entry: AgentEntry
        var identity: WorkloadIdentity?
        var schedule: RenewalSchedule
        /// Being asked for.
        var isPending = false
        /// Nothing came when it was last asked for.
        var hasFailed = false
        /// The demand in force when it was last asked for.
        var askedUnder: Int64?
    }

    private var held: [String: Held] = [:]
    /// The control plane's last demand to make everything anew.
    private var demand: Int64?

    /// How long to wait for nothing in particular.
    private static let idle = Duration.seconds(60)

    package init() {}

    /// The entries in force, by name.
    package var entries: [AgentEntry] { self.held.values.map(\.entry).sorted { $0.id < $1.id } }

    /// Takes the entries that are in force from now on. Certificates of those that are as before stay, in use while others
    /// are asked for where `demand` is a new one.
    package mutating func install(
        _ entries: [AgentEntry], demand: Int64? = nil, now: Date, random: inout some RandomNumberGenerator
    ) {
        let isDemanded = demand != nil && demand != self.demand
        self.demand = demand
        var next: [String: Held] = [:]
        for entry in entries {
            if var held = self.held[entry.id], held.entry.isIssued(as: entry) {
                held.entry = entry
                if isDemanded, held.identity != nil { held.schedule = Self.atOnce(now, &random) }
                next[entry.id] = held
            } else {
                next[entry.id] = Held(entry: entry, schedule: Self.atOnce(now, &random))
            }
        }
        self.held = next
    }

    /// The entries whose certificates are due, at most `limit`; they count as asked for until an answer is given. Those
    /// without any certificate come first.
    package mutating func take(now: Date, limit: Int) -> [AgentEntry] {
        let due = self.held.values.filter { held in
            if held.isPending { return false }
            if case .renew = held.schedule.step(now: now) { return true }
            return false
        }
        let first = due.sorted {
            ($0.identity?.notAfter ?? .distantPast, $0.entry.id) < ($1.identity?.notAfter ?? .distantPast, $1.entry.id)
        }.prefix(limit)
        for held in first {
            self.held[held.entry.id]?.isPending = true
            self.held[held.entry.id]?.askedUnder = self.demand
        }
        return first.map(\.entry)
    }

    /// How long until something may be due; at most a minute.
    package func wait(now: Date) -> Duration {
        var wait = Self.idle
        for held in self.held.values where !held.isPending {
            switch held.schedule.step(now: now) {
            case .renew: return .zero
            case .wait(let duration): wait = min(wait, duration)
            }
        }
        return wait
    }

    /// A certificate came for `entry`; false where that is not wanted any more.
    package mutating func issued(
        _ identity: WorkloadIdentity, for entry: AgentEntry, now: Date, random: inout some RandomNumberGenerator
    ) -> Bool {
        guard var held = self.held[entry.id], held.entry.isIssued(as: entry) else { return false }
        held.identity = identity
        // Counted from now: certificates begin in the past, and short ones would be due at once.
        held.schedule =
            held.askedUnder == self.demand
            ? RenewalSchedule(notBefore: now, notAfter: identity.notAfter, random: &random)
            : Self.atOnce(now, &random)
        held.isPending = false
        held.hasFailed = false
        self.held[entry.id] = held
        return true
    }

    /// No certificate came for `entry`: it is asked for again after growing waits, and the old one stays in use.
    package mutating func failed(_ entry: AgentEntry, now: Date, random: inout some RandomNumberGenerator) {
        self.held[entry.id]?.schedule.failed(now: now, random: &random)
        self.held[entry.id]?.isPending = false
        self.held[entry.id]?.hasFailed = true
    }

    /// The connection went: what was asked for on it will not come.
    package mutating func disconnected() {
        for id in self.held.keys { self.held[id]?.isPending = false }
    }

    /// The certificates that are good, by entry.
    package func identities(now: Date) -> [String: WorkloadIdentity] {
        self.held.compactMapValues { held in
            guard let identity = held.identity, identity.notAfter > now else { return nil }
            return identity
        }
    }

    /// The entries without a good certificate for which none is to be expected soon: it has run out, or asking for it has
    /// failed.
    package func absent(now: Date) -> Set<String> {
        Set(
            self.held.values.filter { held in
                if let identity = held.identity { return identity.notAfter <= now }
                return held.hasFailed
            }.map(\.entry.id))
    }

    /// The moment when the next certificate runs out; nil where there is none.
    package func nextExpiry(after now: Date) -> Date? {
        self.held.values.compactMap { $0.identity?.notAfter }.filter { $0 > now }.min()
    }

    private static func atOnce(_ now: Date, _ random: inout some RandomNumberGenerator) -> RenewalSchedule {
        RenewalSchedule(notBefore: now, notAfter: now, random: &random)
    }
}

extension AgentEntry {
    /// Whether certificates for this entry are as good for another.
    fileprivate func isIssued(as other: AgentEntry) -> Bool {
        (self.spiffeID, self.ttlSeconds, self.dnsNames) == (other.spiffeID, other.ttlSeconds, other.dnsNames)
    }
}
