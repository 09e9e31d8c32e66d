/// A metric: its name, meaning and labels. Series of a family differ in their labels' values.
package struct MetricFamily: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Only grows. Exposed with `_total` at the end of its name.
        case counter
        case gauge
        /// Always 1; its labels are what it says. Exposed with `_info` at the end of its name.
        case info
        /// Counts observations at or below each bound, which ascend; one more bucket lies above them all.
        case histogram(bounds: [Double])
    }

    /// Without `_total` and `_info`.
    package let name: String
    package let help: String
    package let kind: Kind
    /// Label names, in the order in which values are given.
    package let labels: [String]

    package init(_ name: String, _ kind: Kind, labels: [String] = [], help: String) {
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
    }

    /// How many numbers a series keeps.
    var slots: Int {
        switch self.kind {
        case .counter, .gauge, .info: 1
        case .histogram(let bounds): bounds.count + 1
        }
    }

    /// What its samples are called, as queries name them.
    package var sampleNames: [String] {
        switch self.kind {
        case .counter: ["\(self.name)_total"]
        case .gauge: [self.name]
        case .info: ["\(self.name)_info"]
        case .histogram: ["_bucket", "_sum", "_count"].map { self.name + $0 }
        }
    }
}
