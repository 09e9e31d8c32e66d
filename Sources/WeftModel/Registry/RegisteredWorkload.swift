/// A workload in the registry: what its proxy announced, and whether it is ready.
package struct RegisteredWorkload: Hashable, Sendable {
    package var workload: Workload
    /// Ready workloads are endpoints; others are known and get no traffic.
    package var readiness: Readiness
    /// The labels that it may claim; nil for one that a document describes, all of whose labels count. Default none.
    package var grants: LabelGrants?

    package init(workload: Workload, readiness: Readiness, grants: LabelGrants? = LabelGrants()) {
        self.workload = workload
        self.readiness = readiness
        self.grants = grants
    }

    /// What its labels are good for.
    package var claims: LabelClaims { LabelClaims(self.workload, grants: self.grants) }

    package enum Readiness: Hashable, Sendable {
        case ready
        /// Not ready, and why.
        case notReady(String)
        /// Shutting down: takes no new requests.
        case draining
    }
}
