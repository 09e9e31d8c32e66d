/// How long certificates live.
package struct CertificateLifetimes: Hashable, Sendable {
    /// Default 24 h.
    package var leaf: Duration
    /// Default one year; renewed when a third is left.
    package var intermediate: Duration
    /// Default ten years.
    package var root: Duration

    package init(
        leaf: Duration = .seconds(24 * 3600), intermediate: Duration = .seconds(365 * 24 * 3600),
        root: Duration = .seconds(3650 * 24 * 3600)
    ) {
        self.leaf = leaf
        self.intermediate = intermediate
        self.root = root
    }
}

extension Duration {
    /// In seconds, for arithmetic with dates.
    var timeInterval: Double {
        Double(self.components.seconds) + Double(self.components.attoseconds) * 1e-18
    }
}
