internal import WeftModel

/// What went over every edge of the mesh in the last 24 hours: in steps of 5 s for an hour, of 1 min for a day.
///
/// A value: time comes in. Bounded whatever proxies say: by series, by bytes, and by what is remembered of each
/// proxy's last report. Edges beyond `Limits.series` are counted under one named `overflow`; where bytes run short,
/// the past is kept for less long, the steps of 5 s first, and `keptSeconds` says so.
package struct TelemetryStore: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Edges, each with its past. Default 5000.
        package var series = 5000
        /// Bytes of all their pasts. Default 192 MiB; 64 KiB keep a busy edge for a day.
        package var bytes = 192 << 20
        /// Edges over all proxies whose last counters are remembered. Default 400 000, some 100 bytes each.
        package var baselines = 400_000
        /// Edges that one proxy may report. Default 2000.
        package var edgesPerProxy = 2000

        package init() {}
    }

    /// Seconds of the fine steps.
    package static let fineStep: Int64 = 5
    package static let fineSeconds: Int64 = 3600
    package static let coarseStep: Int64 = 60
    package static let coarseSeconds: Int64 = 86_400
    /// The name of what exceeds the limits.
    package static let overflow = "overflow"
    /// An edge without traffic for so long makes room for another.
    static let idleSeconds: Int64 = 600
    /// A report that comes later than this after the one before is spread over the time between.
    static let lateSeconds: Int64 = 10
    /// Counts that stand for more time than this are the past's: in totals, not in rates.
    static let forgottenSeconds: Int64 = 900

    struct Series: Sendable {
        var fine = SampleTrack(slotSeconds: TelemetryStore.fineStep, slotsPerBlock: 12)
        var coarse = SampleTrack(slotSeconds: TelemetryStore.coarseStep, slotsPerBlock: 60)
        /// Since it was first heard of.
        var total = EdgeCounters()
        var lastSecond: Int64
        /// Bytes of its key and itself.
        let overhead: Int

        var size: Int { self.fine.size + self.coarse.size + self.overhead }

        /// Counts what was added since `heard`; gives the size it has then.
        mutating func take(_ delta: EdgeCounters, at second: Int64, heard: Int64?) -> Int {
            self.total.add(delta)
            self.lastSecond = second
            guard let heard, second - heard <= TelemetryStore.forgottenSeconds else { return self.size }
            let newest = second / TelemetryStore.fineStep
            let isLate = second - heard > TelemetryStore.lateSeconds
            let parts = isLate ? Int(max(1, newest - heard / TelemetryStore.fineStep)) : 1
            // Oldest first: what is newer than all there is costs least.
            for index in 0..<parts {
                let part = parts == 1 ? delta : delta.part(index, of: parts)
                let slot = newest - Int64(parts - 1 - index)
                self.fine.add(part, slot: slot)
                self.coarse.add(part, slot: slot * TelemetryStore.fineStep / TelemetryStore.coarseStep)
            }
            return self.size
        }
    }

    private struct Reports: Sendable {
        /// What was reported last, packed, by the edge's hash.
        var counters: [Int: [UInt8]] = [:]
        var second: Int64
    }

    package let limits: Limits
    private(set) var series: [EdgeKey: Series] = [:]
    private var reports: [String: Reports] = [:]
    private var baselines = 0
    /// Bytes of all series.
    package private(set) var bytes = 0
    /// Reports of an edge that were not counted, for want of room.
    package private(set) var dropped: UInt64 = 0
    /// Edges forgotten to make room.
    package private(set) var evicted: UInt64 = 0
    /// For how long fine and coarse steps are kept now.
    package private(set) var keptSeconds = (fine: TelemetryStore.fineSeconds, coarse: TelemetryStore.coarseSeconds)
    /// When it began to listen; nil before the first report.
    package private(set) var since: Int64?
    private var swept: Int64 = .min
    /// When it was last found that nothing is idle; not looked again within the same fine step.
    private var nothingIdleAt: Int64 = .min

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes one proxy's report: its counters since it started.
    ///
    /// - Parameters:
    ///   - proxy: `namespace/name` of its workload.
    ///   - second: when it arrived, in seconds that only grow.
    package mutating func record(_ report: [(EdgeKey, EdgeCounters)], from proxy: String, second: Int64) {
        self.since = self.since ?? second
        self.sweep(second)
        let earlier = self.reports[proxy]
        var latest = Reports(second: second)
        latest.counters.reserveCapacity(min(report.count, self.limits.edgesPerProxy))
        self.dropped &+= UInt64(max(0, report.count - self.limits.edgesPerProxy))
        self.baselines -= earlier?.counters.count ?? 0
        for (key, counters) in report.prefix(self.limits.edgesPerProxy) {
            let hash = key.hashValue
            let packed = PackedCounters.pack(counters)
            let before = earlier?.counters[hash]
            guard before != nil || self.baselines + latest.counters.count < self.limits.baselines else {
                self.dropped &+= 1
                continue
            }
            latest.counters[hash] = packed
            if packed == before { continue }
            let delta = before.map { counters.since(PackedCounters.unpack($0)) } ?? counters
            if delta.isZero { continue }
            self.add(delta, to: key, at: second, heard: earlier?.second)
        }
        self.baselines += latest.counters.count
        self.reports[proxy] = latest
        self.makeRoom(second)
    }

    /// Takes what was counted in the `seconds` before now, by who reports differences and not totals.
    package mutating func record(added report: [(EdgeKey, EdgeCounters)], over seconds: Int64, second: Int64) {
        self.since = self.since ?? second
        self.sweep(second)
        self.dropped &+= UInt64(max(0, report.count - self.limits.edgesPerProxy))
        for (key, counters) in report.prefix(self.limits.edgesPerProxy) where !counters.isZero {
            self.add(counters, to: key, at: second, heard: second - max(0, min(seconds, Self.forgottenSeconds)))
        }
        self.makeRoom(second)
    }

    /// Forgets what a proxy reported last; what it counted stays.
    package mutating func forget(proxy: String) {
        guard let report = self.reports.removeValue(forKey: proxy) else { return }
        self.baselines -= report.counters.count
    }

    // MARK: Samples

    /// - Parameter heard: when the reporter was heard before; nil for the first time, whose counts tell no rate.
    private mutating func add(_ delta: EdgeCounters, to key: EdgeKey, at second: Int64, heard: Int64?) {
        let key = self.admitted(key, second)
        let before = self.series[key]?.size ?? 0
        self.bytes += self.series[key, default: Self.new(key, second)].take(delta, at: second, heard: heard) - before
    }

    private static func new(_ key: EdgeKey, _ second: Int64) -> Series {
        let text =
            key.source.utf8.count + key.destination.utf8.count + key.version.utf8.count + key.route.utf8.count
            + key.protocol.utf8.count + (key.peerIdentity?.utf8.count ?? 0)
        return Series(lastSecond: second, overhead: text + 1200)
    }

    // MARK: Room

    private mutating func admitted(_ key: EdgeKey, _ second: Int64) -> EdgeKey {
        if self.series[key] != nil || self.series.count < self.limits.series { return key }
        if self.nothingIdleAt != second / Self.fineStep {
            let idle = self.series.filter { $0.value.lastSecond < second - Self.idleSeconds }
            // Many at once, so that a flood of names does not look through all of them each time.
            self.evict(idle.sorted { $0.value.lastSecond < $1.value.lastSecond }.prefix(self.limits.series / 16 + 1))
            if self.series.count < self.limits.series { return key }
            self.nothingIdleAt = second / Self.fineStep
        }
        return Self.overflowKey(key.direction)
    }

    static func overflowKey(_ direction: EdgeStat.Direction) -> EdgeKey {
        EdgeKey(
            source: Self.overflow, destination: Self.overflow, version: "", route: "", direction: direction,
            protocol: "", tls: false, peerIdentity: nil)
    }

    private mutating func evict(_ victims: some Sequence<(key: EdgeKey, value: Series)>) {
        for (key, series) in victims {
            self.series[key] = nil
            self.bytes -= series.size
            self.evicted &+= 1
        }
    }

    /// Forgets what is too old, once in a minute; keeps more again once there is room.
    private mutating func sweep(_ second: Int64) {
        guard second / Self.coarseStep != self.swept else { return }
        self.swept = second / Self.coarseStep
        if self.bytes < self.limits.bytes / 3 {
            self.keptSeconds.coarse = min(self.keptSeconds.coarse * 2, Self.coarseSeconds)
            if self.keptSeconds.coarse == Self.coarseSeconds {
                self.keptSeconds.fine = min(self.keptSeconds.fine * 2, Self.fineSeconds)
            }
        }
        self.forgetOld(second)
    }

    private mutating func forgetOld(_ second: Int64) {
        let fine = (second - self.keptSeconds.fine) / Self.fineStep
        let coarse = (second - self.keptSeconds.coarse) / Self.coarseStep
        var bytes = 0
        var index = self.series.values.startIndex
        while index < self.series.values.endIndex {
            self.series.values[index].fine.forget(before: fine)
            self.series.values[index].coarse.forget(before: coarse)
            bytes += self.series.values[index].size
            self.series.values.formIndex(after: &index)
        }
        self.bytes = bytes
    }

    /// Keeps within the bytes: a shorter past first, the steps of 5 s before those of a minute; then fewer edges.
    private mutating func makeRoom(_ second: Int64) {
        while self.bytes > self.limits.bytes {
            if self.keptSeconds.fine > 300 {
                self.keptSeconds.fine = max(300, self.keptSeconds.fine / 2)
                self.forgetOld(second)
            } else if self.keptSeconds.coarse > 3600 {
                self.keptSeconds.coarse = max(3600, self.keptSeconds.coarse / 2)
                self.forgetOld(second)
            } else {
                let oldest = self.series.sorted { $0.value.lastSecond < $1.value.lastSecond }
                guard !oldest.isEmpty else { return }
                self.evict(oldest.prefix(self.series.count / 16 + 1).map { (key: $0.key, value: $0.value) })
            }
        }
    }
}
