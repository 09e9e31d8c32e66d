/// Metrics at one moment: of one loop, or of several merged.
package struct MetricSnapshot: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        case counter(UInt64)
        case gauge(Double)
        /// Counts for each bucket, not cumulative, the last above all bounds.
        case histogram(counts: [UInt64], sum: Double)

        /// Both together; gauges add up, as counts of open things do. Different kinds keep the first.
        func merged(with other: Value) -> Value {
            switch (self, other) {
            case (.counter(let left), .counter(let right)): .counter(left &+ right)
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

    package init() {}

    /// Adds a value to the series with these labels.
    package mutating func add(_ value: Value, to family: MetricFamily, labels: [String] = []) {
        let series = self.families[family, default: [:]][labels]
        self.families[family, default: [:]][labels] = series?.merged(with: value) ?? value
    }

    /// Takes in another loop's metrics.
    package mutating func merge(_ other: MetricSnapshot) {
        for (family, series) in other.families {
            for (labels, value) in series { self.add(value, to: family, labels: labels) }
        }
    }
}
