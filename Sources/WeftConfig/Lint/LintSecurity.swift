internal import WeftModel

/// The policies that the inbound side enforces, and what is known of the callers and ports that they speak of.
struct LintSecurity {
    /// A port as callers know it.
    struct Port: Hashable {
        let service: ServiceName
        let name: String
        let number: Int
        let appProtocol: AppProtocol
    }

    var policies: [AuthorizationPolicy] = []
    var tokens: [RequestAuthentication] = []
    var peers: [PeerAuthentication] = []
    /// Trust domains whose identities are believed too.
    var federated: Set<String> = []
    private(set) var modes = PeerModes(settings: MeshSettings(), policies: [])
    private(set) var namespaces: Set<String> = []
    private var accounts: Set<ServiceName> = []
    private var byService: [ServiceName: [Port]] = [:]
    private var byNamespace: [String: [ServiceName]] = [:]
    private var declared: Set<ServiceName> = []

    mutating func learn(_ workloads: [Workload], services: [ServiceName: Service], settings: MeshSettings?) {
        self.modes = PeerModes(settings: settings ?? MeshSettings(), policies: self.peers)
        self.declared = Set(services.keys)
        for (name, service) in services {
            // Who registers for a service without naming an account has the service's name.
            self.accounts.insert(name)
            self.byService[name] = service.ports.map {
                Port(service: name, name: $0.name, number: $0.port, appProtocol: $0.appProtocol)
            }
        }
        for workload in workloads {
            let namespace = workload.metadata.namespace
            self.accounts.insert(ServiceName(namespace: namespace, name: workload.account))
            guard let service = workload.service.map({ ServiceName(namespace: namespace, name: $0) }),
                services[service] == nil
            else { continue }
            self.accounts.insert(service)
            self.learn(workload.ports, of: service)
        }
        self.namespaces = Set(self.accounts.map(\.namespace))
        self.byNamespace = Dictionary(grouping: self.byService.keys, by: \.namespace).mapValues { $0.sorted() }
    }

    /// A service that nobody declared has its workloads' ports, the first of them as 80 too.
    private mutating func learn(_ ports: [Workload.Port], of service: ServiceName) {
        var known = self.byService[service] ?? []
        for (index, port) in ports.enumerated() {
            for number in index == 0 && port.port != 80 ? [80, port.port] : [port.port]
            where !known.contains(where: { $0.number == number }) {
                known.append(
                    Port(service: service, name: port.name, number: number, appProtocol: port.appProtocol))
            }
        }
        self.byService[service] = known
    }

    func isDeclared(_ service: ServiceName) -> Bool { self.declared.contains(service) }

    func ports(of service: ServiceName) -> [Port] { self.byService[service] ?? [] }

    /// All ports of a namespace.
    func ports(in namespace: String) -> [Port] {
        (self.byNamespace[namespace] ?? []).flatMap { self.ports(of: $0) }
    }

    /// Whether a workload may have such an identity.
    func knows(namespace: String, account: String) -> Bool {
        self.accounts.contains(ServiceName(namespace: namespace, name: account))
    }

    func mode(_ port: Port) -> PeerModes.Choice {
        self.modes.mode(port.service, portName: port.name, port: port.number)
    }
}

extension LintWorld {
    /// The ports that a policy of the inbound side acts on, wholly or for requests of a route; each once.
    func ports(_ targets: [PolicyTarget], in namespace: String) -> [LintSecurity.Port] {
        guard !targets.isEmpty else { return self.security.ports(in: namespace) }
        var ports: [LintSecurity.Port] = []
        func add(_ more: [LintSecurity.Port]) { for port in more where !ports.contains(port) { ports.append(port) } }
        for target in targets {
            switch target {
            case .service(let service, let section):
                add(
                    self.security.ports(of: service).filter {
                        section?.covers(name: $0.name, number: $0.number) ?? true
                    })
            case .route(let key):
                guard let route = self.route(key) else { continue }
                add(self.arrivals(of: route))
            }
        }
        return ports
    }

    func route(_ key: ResourceKey) -> LintRoute? {
        self.route(
            key.kind == .grpcRoute
                ? .grpcRoute(namespace: key.namespace, name: key.name)
                : .route(namespace: key.namespace, name: key.name))
    }

    /// Where requests of a route arrive, in its own namespace: the only places where its policies act.
    func arrivals(of route: LintRoute) -> [LintSecurity.Port] {
        let namespace = route.metadata.namespace
        let parents = route.parents.filter { $0.service.namespace == namespace }.flatMap { parent in
            self.security.ports(of: parent.service).filter {
                parent.covers(port: $0.number, named: $0.name) && $0.appProtocol.suits(route.kind)
            }
        }
        let backends = route.rules.flatMap(\.backends).filter {
            $0.kind == .service && $0.service.namespace == namespace
        }.flatMap { backend in self.security.ports(of: backend.service).filter { $0.number == backend.port } }
        return parents + backends
    }
}
