package import WeftIdentity
internal import WeftModel

/// What the agent can give out at one moment.
package struct AgentSnapshot: Sendable {
    package var entries: [AgentEntry]
    /// Certificates with their keys, by entry.
    package var identities: [String: WorkloadIdentity]
    /// Entries without a certificate that none is to be expected for soon; others without are waited for.
    package var absent: Set<String>
    /// Nil until the control plane, or what was saved of it, has said.
    package var trust: WorkloadTrust?

    package init(
        entries: [AgentEntry] = [], identities: [String: WorkloadIdentity] = [:], absent: Set<String> = [],
        trust: WorkloadTrust? = nil
    ) {
        self.entries = entries
        self.identities = identities
        self.absent = absent
        self.trust = trust
    }

    /// The entries that a process is entitled to, and the certificate of each, where there is one.
    package func grants(of process: ProcessFacts) -> [(entry: AgentEntry, identity: WorkloadIdentity?)] {
        WorkloadAttestation.entries(of: process, among: self.entries).map { ($0, self.identities[$0.id]) }
    }

    /// Whether attesting needs the names of users.
    package var wantsUsers: Bool {
        self.entries.contains { entry in
            entry.selectors.contains { if case .user = $0 { true } else { false } }
        }
    }
}
