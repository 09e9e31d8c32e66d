/// A destination outside the mesh: a DNS name, its ports, and whether the proxy speaks TLS to it.
package struct ExternalService: Hashable, Sendable {
    package var metadata: Metadata
    /// The name that callers use and that is resolved, in lower case, or an IPv4 address.
    package var host: String
    /// At least one, numbers unique.
    package var ports: [Port]

    package init(metadata: Metadata, host: String, ports: [Port]) {
        self.metadata = metadata
        self.host = host
        self.ports = ports
    }

    package struct Port: Hashable, Sendable {
        package var name: String
        /// The port callers use, 1–65535.
        package var port: Int
        /// The destination's own; equals `port` where unset.
        package var targetPort: Int
        package var appProtocol: AppProtocol
        /// Nil leaves the bytes as the application sends them.
        package var tls: TLSOrigination?

        package init(
            name: String = "", port: Int, targetPort: Int? = nil, appProtocol: AppProtocol = .http,
            tls: TLSOrigination? = nil
        ) {
            self.name = name
            self.port = port
            self.targetPort = targetPort ?? port
            self.appProtocol = appProtocol
            self.tls = tls
        }
    }
}

/// How a proxy speaks TLS to a destination outside the mesh, for an application that speaks in the clear.
package struct TLSOrigination: Hashable, Sendable {
    /// What is asked for in the handshake.
    package var serverName: String
    /// Names of which the certificate must carry one; at least one.
    package var names: [String]
    /// A file of PEM roots on the proxy's host; nil trusts what the host trusts.
    package var rootsFile: String?

    package init(serverName: String, names: [String]? = nil, rootsFile: String? = nil) {
        self.serverName = serverName
        self.names = names ?? [serverName]
        self.rootsFile = rootsFile
    }
}

/// What becomes of calls to names that are neither services nor external services.
package enum EgressMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Resolved and called, in the clear and as they are.
    case allow
    /// Answered with 404 `no_route`. The default.
    case deny
}

/// Which backends of other namespaces a route may name.
package enum CrossNamespaceBackends: String, Hashable, Sendable, Codable, CaseIterable {
    /// All: Gateway API asks routes of a mesh for no grant. The default.
    case any
    /// Those that a `ReferenceGrant` of their namespace allows.
    case granted
}
