internal import WeftModel

/// Makes the cluster of one service port, and its endpoints.
enum ClusterCompiler {
    static func cluster(
        entry: CatalogEntry, port: CatalogEntry.Port, policies: PolicyIndex, modes: ListenerModes
    ) -> Cluster {
        let traffic = policies.effective(service: entry.name)
        var cluster = Cluster(
            name: ServicePort(service: entry.name, port: port.number).description, service: entry.name,
            connectTimeout: traffic.connectTimeout.value, loadBalancing: traffic.loadBalancing.value,
            transport: self.transport(entry, port, modes), appProtocol: self.appProtocol(entry, port),
            provenance: policies.narrowest(of: entry.name) ?? entry.provenance)
        self.apply(traffic, to: &cluster)
        return cluster
    }

    /// What the policies say about the connections to a cluster.
    static func apply(_ traffic: EffectiveTraffic, to cluster: inout Cluster) {
        cluster.retryBudget.ratio = traffic.budgetRatio.value
        cluster.retryBudget.minPerSecond = traffic.budgetMinPerSecond.value
        cluster.limits.connections = traffic.maxConnections.value
        cluster.limits.pendingRequests = traffic.maxPendingRequests.value
        cluster.limits.requests = traffic.maxRequests.value
        cluster.limits.retries = traffic.maxRetries.value
        cluster.balancing = traffic.balancing
        cluster.outliers = traffic.outliers
        cluster.healthCheck = traffic.healthCheck.value
        cluster.admission = traffic.admission.value
        cluster.sources = traffic.clusterSources
    }

    /// Where one member's sidecar wants mutual TLS, all are called so: traffic never falls back to the clear by accident.
    /// Nor does it for want of sidecars where the mode in force is strict: then those without get none.
    private static func transport(
        _ entry: CatalogEntry, _ port: CatalogEntry.Port, _ modes: ListenerModes
    ) -> Cluster.Transport {
        let reachable = entry.members.filter { port.target.port(of: $0.workload) != nil }
        guard !reachable.isEmpty else {
            let mode = modes.expected(entry.name, portName: port.name, port: port.number)
            return mode == .disabled ? .plaintext : .mutualTLS(peers: self.expectedPeers(entry))
        }
        let peers = Set(reachable.filter { modes.takesTLS($0, port) }.map(\.identity))
        guard !peers.isEmpty else {
            return reachable.allSatisfy { modes.refusesClear($0, entry.name, port) }
                ? .mutualTLS(peers: self.expectedPeers(entry)) : .plaintext
        }
        return .mutualTLS(peers: peers.sorted { $0.description < $1.description })
    }

    /// Which workloads a service's port does not reach, because they have no sidecar and the mode is strict.
    static func findings(entry: CatalogEntry, port: CatalogEntry.Port, modes: ListenerModes) -> [Diagnostic] {
        let reachable = entry.members.filter { port.target.port(of: $0.workload) != nil }
        // Beside others that have a sidecar the catalogue says it.
        guard !reachable.isEmpty, !reachable.contains(where: { modes.takesTLS($0, port) }) else { return [] }
        let without = reachable.filter { modes.refusesClear($0, entry.name, port) }.map(\.name)
        guard !without.isEmpty else { return [] }
        let shown =
            without.prefix(8).joined(separator: ", ") + (without.count > 8 ? " and \(without.count - 8) more" : "")
        return [
            Diagnostic(
                .warning,
                "\(shown) behind port \(port.number) of \(entry.name) \(without.count == 1 ? "has" : "have") no sidecar, and "
                    + "the mode is strict: \(without.count == 1 ? "it gets" : "they get") no traffic",
                remedy:
                    "Start a sidecar for the port, or let a PeerAuthentication of the service say permissive or disabled.",
                file: entry.provenance?.file, line: entry.provenance?.line,
                resource: ResourceKey(kind: .service, namespace: entry.name.namespace, name: entry.name.name)
                    .description)
        ]
    }

    /// Nobody can be called yet: the members' identities, or else the one that the service's first workload will have.
    private static func expectedPeers(_ entry: CatalogEntry) -> [SPIFFEID] {
        guard !entry.members.isEmpty else { return [entry.expectedIdentity] }
        return Set(entry.members.map(\.identity)).sorted { $0.description < $1.description }
    }

    /// What the service says it speaks; else what the workloads say, where they agree.
    private static func appProtocol(_ entry: CatalogEntry, _ port: CatalogEntry.Port) -> AppProtocol {
        guard port.appProtocol == .detect else { return port.appProtocol }
        let spoken = Set(entry.members.compactMap { port.target.port(of: $0.workload)?.appProtocol })
        return spoken.count == 1 ? spoken.first ?? port.appProtocol : port.appProtocol
    }

    static func endpoints(
        entry: CatalogEntry, port: CatalogEntry.Port, modes: ListenerModes
    ) -> ClusterEndpoints {
        let secured: Bool
        if case .mutualTLS = self.transport(entry, port, modes) { secured = true } else { secured = false }
        let endpoints: [Endpoint] = entry.members.compactMap { member in
            guard member.readiness == .ready, let target = port.target.port(of: member.workload) else { return nil }
            if secured ? !modes.takesTLS(member, port) : modes.refusesClear(member, entry.name, port) { return nil }
            return Endpoint(
                workload: member.name, address: member.workload.address, port: target.inboundPort ?? target.port,
                identity: secured ? member.identity : nil, locality: member.workload.locality,
                weight: member.workload.weight, version: member.workload.metadata.labels["version"] ?? "")
        }
        return ClusterEndpoints(
            cluster: ServicePort(service: entry.name, port: port.number).description, endpoints: endpoints)
    }
}

/// How the sidecars of a compilation are called.
struct ListenerModes: Sendable {
    /// The names of those that take plaintext only.
    private let disabled: Set<String>
    private let modes: PeerModes

    init(_ listeners: [InboundListener], _ modes: PeerModes) {
        self.disabled = Set(listeners.filter { $0.mtls == .disabled }.map(\.name))
        self.modes = modes
    }

    /// Whether a member is called over mutual TLS on the port that a service's port leads to.
    func takesTLS(_ member: CatalogWorkload, _ port: CatalogEntry.Port) -> Bool {
        guard let target = port.target.port(of: member.workload), target.inboundPort != nil else { return false }
        guard !self.disabled.isEmpty else { return true }
        let metadata = member.workload.metadata
        return !self.disabled.contains(
            InboundListener.name(namespace: metadata.namespace, workload: metadata.name, appPort: target.port))
    }

    /// Whether a member has no sidecar for a port whose mode is strict: by the word of the Service that leads there, or of
    /// the member's own.
    func refusesClear(_ member: CatalogWorkload, _ service: ServiceName, _ port: CatalogEntry.Port) -> Bool {
        guard let target = port.target.port(of: member.workload), target.inboundPort == nil else { return false }
        if let said = self.modes.own(service, portName: port.name, port: port.number) {
            return said.choice.mode == .strict
        }
        let own = ServiceName(
            namespace: member.workload.metadata.namespace, name: member.workload.service ?? member.workload.account)
        return self.modes.mode(own, portName: target.name, port: target.port).mode == .strict
    }

    /// How members will be called that are not there yet.
    func expected(_ service: ServiceName, portName: String, port: Int) -> MTLSMode {
        self.modes.mode(service, portName: portName, port: port).mode
    }
}
