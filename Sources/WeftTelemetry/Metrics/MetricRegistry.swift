/// The metrics of one event loop: series are found once by their labels and then counted by number.
///
/// Belongs to its loop. Readers take a `snapshot()` there and merge those of all loops.
package final class MetricRegistry {
    /// A series' place; valid in the registry that gave it.
    package struct SeriesID: Hashable, Sendable {
        fileprivate let slot: Int
        fileprivate let index: Int
    }

    fileprivate struct Series: Sendable {
        let family: MetricFamily
        let labels: [String]
        let slot: Int
    }

    private struct Key: Hashable {
        let family: String
        let labels: [String]
    }

    /// Every label of the series that takes what the budget has no room for.
    package static let overflowLabel = "overflow"

    package let budget: Int
    private var ids: [Key: SeriesID] = [:]
    private var series: [Series] = []
    private var numbers: ContiguousArray<UInt64> = []
    /// Sums of histograms and values of gauges, by series.
    private var reals: ContiguousArray<Double> = []
    /// The newest observation with a trace of each bucket, by series: of those that had one.
    private var exemplars: [Int: [Exemplar?]] = [:]

    /// - Parameter budget: series at most, besides one overflow series for each family. Default 5 000.
    package init(budget: Int = 5_000) { self.budget = budget }

    /// How many series there are.
    package var count: Int { self.series.count }

    /// The series with these label values, made on first use. Beyond the budget: the family's overflow series.
    package func series(_ family: MetricFamily, _ labels: [String] = []) -> SeriesID {
        if let id = self.ids[Key(family: family.name, labels: labels)] { return id }
        guard self.series.count >= self.budget, !labels.isEmpty else { return self.make(family, labels) }
        self.add(
            1, to: self.ids[Key(family: MetricNames.overflow.name, labels: [])] ?? self.make(MetricNames.overflow, []))
        let overflow = Array(repeating: Self.overflowLabel, count: family.labels.count)
        return self.ids[Key(family: family.name, labels: overflow)] ?? self.make(family, overflow)
    }

    /// Adds to a counter.
    package func add(_ amount: UInt64 = 1, to id: SeriesID) { self.numbers[id.slot] &+= amount }

    /// Sets a gauge.
    package func set(_ value: Double, of id: SeriesID) { self.reals[id.index] = value }

    /// Moves a gauge.
    package func move(_ id: SeriesID, by amount: Double) { self.reals[id.index] += amount }

    /// Counts an observation in a histogram, in its family's unit. A trace becomes its bucket's exemplar; `at` is when,
    /// seconds since 1970.
    package func observe(_ value: Double, in id: SeriesID, trace: SampledTrace? = nil, at: Double = 0) {
        guard case .histogram(let bounds) = self.series[id.index].family.kind else { return }
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        self.numbers[id.slot + bucket] &+= 1
        self.reals[id.index] += value
        if let trace { self.keep(Exemplar(trace: trace, value: value, at: at), of: id, bucket, of: bounds.count + 1) }
    }

    /// The newest of its bucket; a place for each is made once, with the series' first.
    private func keep(_ exemplar: Exemplar, of id: SeriesID, _ bucket: Int, of buckets: Int) {
        self.exemplars[id.index, default: Array(repeating: nil, count: buckets)][bucket] = exemplar
    }

    /// Adds a gauge to a copy of this registry, within its budget: for what is told when asked and not counted.
    package func measure(
        _ value: Double, of family: MetricFamily, _ labels: [String] = [], into copy: inout Copy
    ) {
        if copy.count < self.budget || labels.isEmpty { return copy.gauges.append((family, labels, value)) }
        copy.gauges.append((family, Array(repeating: Self.overflowLabel, count: family.labels.count), value))
        self.add(
            1, to: self.ids[Key(family: MetricNames.overflow.name, labels: [])] ?? self.make(MetricNames.overflow, []))
    }

    /// A counter's value.
    package func count(of id: SeriesID) -> UInt64 { self.numbers[id.slot] }

    /// The counters of a family, by their labels' values.
    package func counters(of family: MetricFamily) -> [(labels: [String], count: UInt64)] {
        self.series.filter { $0.family.name == family.name }.map { ($0.labels, self.numbers[$0.slot]) }
    }

    /// A histogram's counts, one for each bucket, not cumulative, and its sum.
    package func histogram(of id: SeriesID) -> (counts: [UInt64], sum: Double) {
        let slots = self.series[id.index].family.slots
        return (Array(self.numbers[id.slot..<(id.slot + slots)]), self.reals[id.index])
    }

    /// All series as they are now.
    package func snapshot() -> MetricSnapshot { self.copy().snapshot() }

    /// The same to be taken elsewhere: costs the loop next to nothing, and no request waits for what is made of it.
    package func copy() -> Copy {
        Copy(series: self.series, numbers: self.numbers, reals: self.reals, exemplars: self.exemplars)
    }

    /// A registry at one moment.
    package struct Copy: Sendable {
        fileprivate let series: [Series]
        fileprivate let numbers: ContiguousArray<UInt64>
        fileprivate let reals: ContiguousArray<Double>
        fileprivate let exemplars: [Int: [Exemplar?]]
        /// What was read just now.
        fileprivate var gauges: [(family: MetricFamily, labels: [String], value: Double)] = []

        fileprivate var count: Int { self.series.count + self.gauges.count }

        package func snapshot() -> MetricSnapshot {
            var snapshot = MetricSnapshot()
            for (index, series) in self.series.enumerated() {
                let value: MetricSnapshot.Value =
                    switch series.family.kind {
                    case .counter: .counter(self.numbers[series.slot])
                    case .gauge, .info: .gauge(self.reals[index])
                    case .histogram:
                        .histogram(
                            counts: Array(self.numbers[series.slot..<(series.slot + series.family.slots)]),
                            sum: self.reals[index])
                    }
                snapshot.add(value, to: series.family, labels: series.labels)
                if let exemplars = self.exemplars[index] {
                    snapshot.add(exemplars, to: series.family, labels: series.labels)
                }
            }
            for gauge in self.gauges { snapshot.add(.gauge(gauge.value), to: gauge.family, labels: gauge.labels) }
            return snapshot
        }
    }

    private func make(_ family: MetricFamily, _ labels: [String]) -> SeriesID {
        let id = SeriesID(slot: self.numbers.count, index: self.series.count)
        self.series.append(Series(family: family, labels: labels, slot: id.slot))
        self.numbers.append(contentsOf: repeatElement(0, count: family.slots))
        self.reals.append(0)
        self.ids[Key(family: family.name, labels: labels)] = id
        return id
    }
}
