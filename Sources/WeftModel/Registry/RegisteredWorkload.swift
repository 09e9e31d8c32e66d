/// A workload in the registry: what its proxy announced, and whether it is ready.
package struct RegisteredWorkload: Hashable, Sendable {
    package var workload: Workload
    /// Ready workloads are endpoints; others are known and get no traffic.
    package var readiness: Readiness

    package init(workload: Workload, readiness: Readiness) {
        self.workload = workload
        self.readiness = readiness
    }

    package enum Readiness: Hashable, Sendable {
        case ready
        /// Not ready, and why.
        case notReady(String)
        /// Shutting down: takes no new requests.
        case draining
    }
}
