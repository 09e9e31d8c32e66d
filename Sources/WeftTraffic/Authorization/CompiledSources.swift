internal import WeftModel

/// A caller, made ready to be held against sources.
struct AuthorizationCaller {
    /// The SPIFFE ID that was proved; empty where none was.
    let identity: String
    let hash: UInt64
    /// Of an identity of the mesh's own trust domain.
    let namespace: String?
    let address: [UInt8]

    init(identity: String?, trustDomain: TrustDomain, address: [UInt8]) {
        self.identity = identity ?? ""
        self.hash = AffinityHash.of(self.identity)
        self.address = address
        if let id = identity.flatMap({ SPIFFEID($0) }), id.trustDomain == trustDomain {
            self.namespace = id.workload?.namespace
        } else {
            self.namespace = nil
        }
    }
}

/// The sources of one rule; the same list in several rules is compiled once.
struct CompiledSources: Sendable {
    private struct Identities: Sendable {
        private var exact: [(hash: UInt64, text: String)] = []
        private var others: [IdentityPattern] = []

        init(_ patterns: [IdentityPattern]) {
            for pattern in patterns {
                if case .exact(let id) = pattern {
                    let text = id.description
                    self.exact.append((AffinityHash.of(text), text))
                } else {
                    self.others.append(pattern)
                }
            }
        }

        var isEmpty: Bool { self.exact.isEmpty && self.others.isEmpty }

        func contains(_ caller: AuthorizationCaller) -> Bool {
            if caller.identity.isEmpty { return false }
            for (hash, text) in self.exact where hash == caller.hash && text == caller.identity { return true }
            return self.others.contains { $0.matches(caller.identity) }
        }
    }

    private struct Source: Sendable {
        let identities: Identities
        let notIdentities: Identities
        let namespaces: [String]
        let notNamespaces: [String]
        let networks: [NetworkPrefix]
        let notNetworks: [NetworkPrefix]

        init(_ source: AuthorizationSource) {
            self.identities = Identities(source.identities)
            self.notIdentities = Identities(source.notIdentities)
            self.namespaces = source.namespaces
            self.notNamespaces = source.notNamespaces
            self.networks = source.networks
            self.notNetworks = source.notNetworks
        }

        func contains(_ caller: AuthorizationCaller) -> Bool {
            if !self.identities.isEmpty, !self.identities.contains(caller) { return false }
            if self.notIdentities.contains(caller) { return false }
            if !self.namespaces.isEmpty {
                guard let namespace = caller.namespace, self.namespaces.contains(namespace) else { return false }
            }
            if let namespace = caller.namespace, self.notNamespaces.contains(namespace) { return false }
            if !self.networks.isEmpty, !self.networks.contains(where: { $0.contains(caller.address) }) {
                return false
            }
            return !self.notNetworks.contains { $0.contains(caller.address) }
        }
    }

    private let sources: [Source]

    init(_ sources: [AuthorizationSource]) { self.sources = sources.map(Source.init) }

    func contains(_ caller: AuthorizationCaller) -> Bool { self.sources.contains { $0.contains(caller) } }
}
