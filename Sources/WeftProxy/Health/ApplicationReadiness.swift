/// Decides from probes whether the application takes requests.
///
/// The first success counts at once; failures count from `unhealthyAfter` in a row, so that one slow answer does not
/// take a workload out of the mesh.
package struct ApplicationReadiness: Sendable {
    package enum Change: Hashable, Sendable {
        case ready
        case notReady(String)
    }

    private let unhealthyAfter: Int
    private var failures = 0
    /// What was said last; nil before the first probe.
    package private(set) var current: Change?

    package init(unhealthyAfter: Int) { self.unhealthyAfter = max(1, unhealthyAfter) }

    /// A probe ended; `failure` says why it failed. Returns what has changed, nil when nothing has.
    package mutating func probed(failure: String?) -> Change? {
        let next: Change
        if let failure {
            self.failures += 1
            guard self.current != .ready || self.failures >= self.unhealthyAfter else { return nil }
            next = .notReady(failure)
        } else {
            self.failures = 0
            next = .ready
        }
        guard next != self.current else { return nil }
        self.current = next
        return next
    }
}
