/// Which processes, on which hosts, have which identity: what the hosts' agents go by.
package struct RegistrationEntry: Hashable, Sendable {
    package var metadata: Metadata
    /// The account in the identity; its namespace is the metadata's.
    package var account: String
    /// The service that a holder of the identity may register a workload for; nil for none.
    package var service: String?
    /// The labels that such a workload may claim towards selectors; at most 16.
    package var labels: [String: String]
    /// Names of the hosts whose agents give it out; nil means every host.
    package var hosts: [String]?
    /// What must hold for a process, all of it; at least one.
    package var selectors: [ProcessSelector]
    /// How long its certificates live; nil takes the mesh's own. At least 10 s.
    package var ttl: Duration?
    /// DNS names in its certificates, for clients that check host names.
    package var dnsNames: [String]
    /// Tells a process which of several identities this is; empty for none. At most 1024 bytes.
    package var hint: String

    package init(
        metadata: Metadata, account: String, service: String? = nil, labels: [String: String] = [:],
        hosts: [String]? = nil, selectors: [ProcessSelector], ttl: Duration? = nil, dnsNames: [String] = [],
        hint: String = ""
    ) {
        self.metadata = metadata
        self.account = account
        self.service = service
        self.labels = labels
        self.hosts = hosts
        self.selectors = selectors
        self.ttl = ttl
        self.dnsNames = dnsNames
        self.hint = hint
    }

    /// Whether the agent of `host` gives it out.
    package func isFor(host: String) -> Bool { self.hosts?.contains(host) ?? true }

    /// `namespace/name`: how agents name it.
    package var id: String { "\(self.metadata.namespace)/\(self.metadata.name)" }
}

/// One thing that the kernel says of a process.
package enum ProcessSelector: Hashable, Sendable {
    case uid(UInt32)
    case gid(UInt32)
    /// The absolute path of its executable.
    case path(String)
    /// The systemd unit it runs in: `billing.service`.
    case unit(String)
    /// The name of its user, as its host knows it.
    case user(String)
}
