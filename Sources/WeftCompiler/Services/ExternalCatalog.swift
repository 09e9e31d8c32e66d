internal import WeftModel

/// The destinations outside the mesh, by name.
struct ExternalCatalog: Sendable {
    private struct Entry: Sendable {
        var service: ExternalService
        /// Those of its ports that no older resource claims.
        var ports: [ExternalService.Port]
    }

    /// Sorted by name.
    private let entries: [Entry]
    private let byName: [ServiceName: Int]

    /// Of two that claim the same host and port the older has it. `taken` are the names of the mesh's own services'
    /// ports, which nothing outside may take.
    init(_ services: [ExternalService], taken: Set<String>) {
        var claimed = taken
        var entries: [Entry] = []
        for service in services.sorted(by: { $0.metadata.precedes($1.metadata) }) {
            let ports = service.ports.filter { claimed.insert(Self.name(service.host, $0.port)).inserted }
            entries.append(Entry(service: service, ports: ports))
        }
        entries.sort { $0.service.metadata.serviceName < $1.service.metadata.serviceName }
        self.entries = entries
        self.byName = Dictionary(
            entries.enumerated().map { ($0.element.service.metadata.serviceName, $0.offset) }
        ) { first, _ in first }
    }

    /// What callers ask for and what the cluster is called.
    private static func name(_ host: String, _ port: Int) -> String { "\(host):\(port)" }

    func host(of service: ServiceName) -> String? { self.byName[service].map { self.entries[$0].service.host } }

    func cluster(of reference: BackendReference) -> String? {
        guard let index = self.byName[reference.service],
            self.entries[index].service.ports.contains(where: { $0.port == reference.port })
        else { return nil }
        return Self.name(self.entries[index].service.host, reference.port)
    }

    /// What a port of a destination speaks; nil where there is no such port.
    func appProtocol(of reference: BackendReference) -> AppProtocol? {
        self.byName[reference.service].flatMap { index in
            self.entries[index].ports.first { $0.port == reference.port }?.appProtocol
        }
    }

    /// Adds listeners, routes and clusters. There are no endpoints: proxies resolve the names.
    func add(to snapshot: inout MeshSnapshot, policies: PolicyIndex) {
        for entry in self.entries {
            let service = entry.service.metadata.serviceName
            let traffic = policies.effective(external: service)
            for port in entry.ports {
                let name = Self.name(entry.service.host, port.port)
                var cluster = Cluster(
                    name: name, service: service, connectTimeout: traffic.connectTimeout.value,
                    loadBalancing: traffic.loadBalancing.value, transport: port.tls.map { .tls($0) } ?? .plaintext,
                    appProtocol: port.appProtocol, provenance: entry.service.metadata.provenance,
                    resolution: DNSResolution(host: entry.service.host, port: port.targetPort))
                ClusterCompiler.apply(traffic, to: &cluster)
                snapshot.clusters[name] = cluster
                snapshot.listeners[name] = .outbound(name: name, routeConfiguration: name)
                var route = Route(
                    name: "default", action: .forward([WeightedCluster(cluster: name)]), timeouts: traffic.timeouts,
                    retry: traffic.retry, provenance: entry.service.metadata.provenance)
                route.hashKey = traffic.routeHashKey
                RouteCompiler.apply(traffic, to: &route)
                snapshot.routes[name] = RouteConfiguration(
                    name: name, virtualHosts: [VirtualHost(name: name, domains: ["*"], routes: [route])])
            }
        }
    }
}
