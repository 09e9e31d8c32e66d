/// Under which names requests are counted. Everything else has Weft's names always.
package enum MetricNaming: String, Hashable, Sendable, Codable, CaseIterable {
    /// The default.
    case weft
    /// Istio's names and labels, so that dashboards made for them work.
    case istio
    /// Both, each with its own series.
    case both
    /// Requests are not counted, not for the control plane either.
    case none
}
