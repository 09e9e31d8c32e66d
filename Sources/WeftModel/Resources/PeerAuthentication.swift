/// Whether callers of services must prove who they are.
package struct PeerAuthentication: Hashable, Sendable {
    package var metadata: Metadata
    /// Services and ports of services; empty: every service of the policy's namespace.
    package var targets: [PolicyTarget]
    /// Nil leaves the ports that `ports` does not name to the wider policy.
    package var mode: MTLSMode?
    /// Ports of the targets with a mode of their own, in document order, each once.
    package var ports: [Port]

    package init(metadata: Metadata, targets: [PolicyTarget] = [], mode: MTLSMode?, ports: [Port] = []) {
        self.metadata = metadata
        self.targets = targets
        self.mode = mode
        self.ports = ports
    }

    package struct Port: Hashable, Sendable {
        package var port: PolicyPort
        package var mode: MTLSMode

        package init(_ port: PolicyPort, mode: MTLSMode) {
            self.port = port
            self.mode = mode
        }
    }
}

/// What holds for each port: the port's policy, else its service's, else its namespace's, else `MeshSettings`.
///
/// Of several policies of one width the oldest counts.
package struct PeerModes: Hashable, Sendable {
    /// A mode, and which resource set it; nil is the default.
    package struct Choice: Hashable, Sendable {
        package var mode: MTLSMode
        package var source: Provenance?
    }

    private struct PortEntry: Hashable, Sendable {
        var port: PolicyPort
        var choice: Choice
    }

    private let base: Choice
    private var byNamespace: [String: Choice] = [:]
    private var byService: [ServiceName: Choice] = [:]
    private var byPort: [ServiceName: [PortEntry]] = [:]

    package init(settings: MeshSettings, policies: [PeerAuthentication]) {
        // Strict is what holds without settings too.
        self.base = Choice(
            mode: settings.mtls, source: settings.mtls == .strict ? nil : settings.metadata.provenance)
        for policy in policies.sorted(by: { Self.age($0.metadata) < Self.age($1.metadata) }) {
            func choice(_ mode: MTLSMode) -> Choice { Choice(mode: mode, source: policy.metadata.provenance) }
            if policy.targets.isEmpty, let mode = policy.mode, self.byNamespace[policy.metadata.namespace] == nil {
                self.byNamespace[policy.metadata.namespace] = choice(mode)
            }
            for case .service(let service, let section) in policy.targets {
                for entry in policy.ports {
                    self.byPort[service, default: []].append(PortEntry(port: entry.port, choice: choice(entry.mode)))
                }
                guard let mode = policy.mode else { continue }
                if let section {
                    self.byPort[service, default: []].append(PortEntry(port: section, choice: choice(mode)))
                } else if self.byService[service] == nil {
                    self.byService[service] = choice(mode)
                }
            }
        }
    }

    /// What a policy says of one port, else of its service; nil where none does.
    package func own(_ service: ServiceName, portName: String, port: Int) -> (choice: Choice, isPort: Bool)? {
        let entry = self.byPort[service]?.first { $0.port.covers(name: portName, number: port) }
        if let entry { return (entry.choice, true) }
        return self.byService[service].map { ($0, false) }
    }

    /// What holds for a service's ports that no policy names.
    package func own(_ service: ServiceName) -> Choice? { self.byService[service] }

    /// What holds in a namespace where no policy of the service says otherwise.
    package func wide(_ namespace: String) -> Choice { self.byNamespace[namespace] ?? self.base }

    package func mode(_ service: ServiceName, portName: String, port: Int) -> Choice {
        self.own(service, portName: portName, port: port)?.choice ?? self.wide(service.namespace)
    }

    /// What is not stored yet is newest.
    private static func age(_ metadata: Metadata) -> (Int64, String, String) {
        (metadata.createdAt == 0 ? Int64.max : metadata.createdAt, metadata.namespace, metadata.name)
    }
}
