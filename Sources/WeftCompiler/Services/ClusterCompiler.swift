internal import WeftModel

/// Makes the cluster of one service port, and its endpoints.
enum ClusterCompiler {
    static func cluster(entry: CatalogEntry, port: CatalogEntry.Port, policies: PolicyIndex) -> Cluster {
        let traffic = policies.effective(service: entry.name)
        var cluster = Cluster(
            name: ServicePort(service: entry.name, port: port.number).description, service: entry.name,
            connectTimeout: traffic.connectTimeout.value, loadBalancing: traffic.loadBalancing.value,
            transport: self.transport(entry, port), appProtocol: self.appProtocol(entry, port),
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

    /// Where one member has a sidecar, all are called over mutual TLS: traffic never falls back to the clear by accident.
    private static func transport(_ entry: CatalogEntry, _ port: CatalogEntry.Port) -> Cluster.Transport {
        let reachable = entry.members.filter { port.target.port(of: $0.workload) != nil }
        guard !reachable.isEmpty else {
            return .mutualTLS(peers: self.expectedPeers(entry))
        }
        let peers = Set(reachable.filter { port.target.port(of: $0.workload)?.inboundPort != nil }.map(\.identity))
        guard !peers.isEmpty else { return .plaintext }
        return .mutualTLS(peers: peers.sorted { $0.description < $1.description })
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

    static func endpoints(entry: CatalogEntry, port: CatalogEntry.Port) -> ClusterEndpoints {
        let secured: Bool
        if case .mutualTLS = self.transport(entry, port) { secured = true } else { secured = false }
        let endpoints: [Endpoint] = entry.members.compactMap { member in
            guard member.readiness == .ready, let target = port.target.port(of: member.workload) else { return nil }
            if secured, target.inboundPort == nil { return nil }
            return Endpoint(
                workload: member.name, address: member.workload.address, port: target.inboundPort ?? target.port,
                identity: secured ? member.identity : nil, locality: member.workload.locality,
                weight: member.workload.weight, version: member.workload.metadata.labels["version"] ?? "")
        }
        return ClusterEndpoints(
            cluster: ServicePort(service: entry.name, port: port.number).description, endpoints: endpoints)
    }
}
