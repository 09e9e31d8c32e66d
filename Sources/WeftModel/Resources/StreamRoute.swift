/// Where connections to a service go whose bytes the mesh does not read: Gateway API `TCPRoute` and `TLSRoute` whose
/// parents are Services.
package struct StreamRoute: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case tcp = "TCPRoute"
        /// Told apart by the server name that a TLS client asks for; the TLS is left alone.
        case tls = "TLSRoute"

        package var resource: ResourceKind {
            switch self {
            case .tcp: .tcpRoute
            case .tls: .tlsRoute
            }
        }
    }

    package var kind: Kind
    package var metadata: Metadata
    /// At least one.
    package var parents: [RouteParent]
    /// Of a TLSRoute, 1–1024: exact names, or `*.` and a name. Of a TCPRoute none.
    package var hostnames: [String]
    package var ruleName: String?
    /// 1–16.
    package var backends: [RouteBackend]

    package init(
        kind: Kind, metadata: Metadata, parents: [RouteParent], hostnames: [String] = [], ruleName: String? = nil,
        backends: [RouteBackend]
    ) {
        self.kind = kind
        self.metadata = metadata
        self.parents = parents
        self.hostnames = hostnames
        self.ruleName = ruleName
        self.backends = backends
    }

    package var key: ResourceKey {
        ResourceKey(kind: self.kind.resource, namespace: self.metadata.namespace, name: self.metadata.name)
    }
}
