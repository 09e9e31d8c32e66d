package import WeftModel

/// An entry as the control plane sent it to this agent: which processes have which identity.
package struct AgentEntry: Hashable, Sendable {
    /// `namespace/name`.
    package var id: String
    package var spiffeID: SPIFFEID
    /// All must hold; never empty.
    package var selectors: [ProcessSelector]
    package var hint: String
    /// What its certificates are issued with; a change makes them anew. Zero is the mesh's own lifetime.
    package var ttlSeconds: UInt32
    package var dnsNames: [String]

    package init(
        id: String, spiffeID: SPIFFEID, selectors: [ProcessSelector], hint: String = "", ttlSeconds: UInt32 = 0,
        dnsNames: [String] = []
    ) {
        self.id = id
        self.spiffeID = spiffeID
        self.selectors = selectors
        self.hint = hint
        self.ttlSeconds = ttlSeconds
        self.dnsNames = dnsNames
    }
}
