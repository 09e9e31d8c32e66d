/// One entry of Prometheus' HTTP service discovery: addresses to scrape, and what is known of them.
///
/// Source: Prometheus documentation, HTTP service discovery.
package struct PrometheusTargetGroup: Hashable, Sendable, Codable {
    /// `host:port`.
    package var targets: [String]
    package var labels: [String: String]

    package init(targets: [String], labels: [String: String]) {
        self.targets = targets
        self.labels = labels
    }
}
