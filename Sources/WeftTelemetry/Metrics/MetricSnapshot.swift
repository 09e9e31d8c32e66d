/// Metrics at one moment: of one loop, or of several merged.
package struct MetricSnapshot: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case counter(UInt64)
        /// A counter of something that comes in parts, such as seconds.
        case amount(Double)
        /// Of an info, always 1.
        case gauge(Double)
        /// Counts for each bucket, not cumulative, the last above all bounds.
        case histogram(counts: [UInt64], sum: Double)

        /// Both together; gauges add up, as counts of open things do. Different kinds keep the first.
        func merged(with other: Value) -> Value {
            switch (self, other) {
            case (.counter(let left), .counter(let right)): .counter(left &+ right)
            case (.amount(let left), .amount(let right)): .amount(left + right)
            case (.gauge(let left), .gauge(let right)): .gauge(left + right)
            case (.histogram(let left, let leftSum), .histogram(let right, let rightSum))
            where left.count == right.count:
                .histogram(counts: zip(left, right).map { $0 &+ $1 }, sum: leftSum + rightSum)
            default: self
            }
        }
    }

    /// Series of a family, by their labels' values.
    package private(set) var families: [MetricFamily: [[String]: Value]] = [:]
    /// The newest observation of each bucket that had a trace, for histograms that have any.
    package private(set) var exemplars: [MetricFamily: [[String]: [Exemplar?]]] = [:]
    /// How many series there are.
    package private(set) var count = 0

    package init() {}

    /// Adds a value to the series with these labels.
    package mutating func add(_ value: Value, to family: MetricFamily, labels: [String] = []) {
        let known = self.families[family, default: [:]].updateValue(value, forKey: labels)
        guard let known else { return self.count += 1 }
        self.families[family, default: [:]][labels] = known.merged(with: value)
    }

    mutating func add(_ exemplars: [Exemplar?], to family: MetricFamily, labels: [String]) {
        guard var known = self.exemplars[family, default: [:]].updateValue(exemplars, forKey: labels),
            known.count == exemplars.count
        else { return }
        for (index, exemplar) in exemplars.enumerated() {
            if let exemplar, (known[index]?.at ?? 0) <= exemplar.at { known[index] = exemplar }
        }
        self.exemplars[family, default: [:]][labels] = known
    }

    /// Takes in another loop's metrics.
    package mutating func merge(_ other: MetricSnapshot) {
        for (family, series) in other.families {
            for (labels, value) in series { self.add(value, to: family, labels: labels) }
        }
        for (family, series) in other.exemplars {
            for (labels, exemplars) in series { self.add(exemplars, to: family, labels: labels) }
        }
    }
}
