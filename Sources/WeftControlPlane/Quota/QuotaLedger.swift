/// Who holds which slice of the limits that proxies share. Sans IO: times are seconds of any steady clock.
///
/// A slice is a share of the whole limit. The slices that proxies may be using never add up to more than the limit: one
/// that shrinks is counted in full until its proxy has said that it keeps to the smaller one, and only what is free is
/// granted. Each proxy's part follows its demand; a tenth is spread evenly, so that whoever begins has something at once.
struct QuotaLedger: Sendable {
    /// After so long without a word a proxy counts as gone, and its slice as free. One that only cannot be reached goes on
    /// with it, and then the limit may be exceeded by that slice.
    static let patience = 30.0
    /// How long a new ledger grants nothing: until all proxies have said what they hold from the one before it.
    static let settling = 5.0
    /// Spread evenly, the rest by demand.
    private static let evenly = 0.1
    /// Differences below this are not worth a message.
    private static let step = 0.01
    /// Limits at once; what is beyond is not shared and keeps its unleased part.
    private static let maxQuotas = 10_000

    private struct Holding {
        /// What the proxy was told last.
        var granted: Double
        /// What it may be using: the largest of what it says and of what it was told since it last said so.
        var ceiling: Double
        var demand: Double
        var heard: Double

        /// It says which share it keeps to.
        mutating func acknowledge(_ share: Double) {
            self.ceiling = share == self.granted ? share : max(self.ceiling, share)
        }
    }

    private var holdings: [String: [String: Holding]] = [:]
    private let started: Double

    init(now: Double) { self.started = now }

    /// A proxy says what it asks for (requests per second) and which share it keeps to, zero for none yet. The share that
    /// it is to keep to from now on; nil where nothing changes.
    mutating func report(
        _ quota: String, by proxy: String, demand: Double, share: Double, now: Double
    ) -> Double? {
        let demand = demand.isFinite ? max(0, demand) : 0
        let share = share.isFinite ? min(1, max(0, share)) : 0
        var holders = self.holdings[quota] ?? [:]
        if holders.isEmpty, self.holdings.count >= Self.maxQuotas { return nil }
        holders = holders.filter { now - $0.value.heard <= Self.patience }
        var own = holders[proxy] ?? Holding(granted: share, ceiling: share, demand: demand, heard: now)
        own.acknowledge(share)
        own.demand = demand
        own.heard = now
        holders[proxy] = own
        defer { self.holdings[quota] = holders }
        let others = holders.reduce(0) { $1.key == proxy ? $0 : $0 + $1.value.ceiling }
        var grant = min(Self.target(of: proxy, among: holders), max(0, 1 - others))
        if now - self.started < Self.settling { grant = min(grant, share) }
        let isNews = abs(grant - share) > Self.step * max(grant, share) || own.ceiling > share
        guard grant > 0, isNews else { return nil }
        holders[proxy]?.granted = grant
        holders[proxy]?.ceiling = max(own.ceiling, grant)
        return grant
    }

    /// What the proxies may be using of a limit together.
    func held(of quota: String) -> Double { self.holdings[quota]?.values.reduce(0) { $0 + $1.ceiling } ?? 0 }

    /// Forgets limits that nobody has spoken of for long.
    mutating func prune(now: Double) {
        self.holdings = self.holdings.filter { $0.value.values.contains { now - $0.heard <= Self.patience } }
    }

    private static func target(of proxy: String, among holders: [String: Holding]) -> Double {
        let count = Double(holders.count)
        let total = holders.values.reduce(0) { $0 + $1.demand }
        let part = total > 0 ? (holders[proxy]?.demand ?? 0) / total : 1 / count
        return Self.evenly / count + (1 - Self.evenly) * part
    }
}
