package import WeftModel

/// All services of the mesh: those declared, and those that exist because workloads registered for them.
package struct ServiceCatalog: Sendable {
    /// Sorted by name.
    package let entries: [CatalogEntry]
    /// Sorted by name.
    package let workloads: [CatalogWorkload]
    /// What does not add up between services and workloads.
    package let diagnostics: [Diagnostic]
    /// By the workload's name.
    private let serviceBySelection: [String: ServiceName]

    /// A registered workload takes the place of a declared one of the same name if it has the identity that the document
    /// says; another is left out, and warned of.
    init(
        services: [Service], declared: [Workload], registered: [RegisteredWorkload], trustDomain: TrustDomain
    ) {
        var byName: [String: CatalogWorkload] = [:]
        var claims: [Diagnostic] = []
        for candidate in declared.map({ RegisteredWorkload(workload: $0, readiness: .ready, grants: nil) }) + registered
        {
            let workload = CatalogWorkload(
                workload: candidate.workload, readiness: candidate.readiness,
                identity: SPIFFEID(
                    trustDomain: trustDomain, namespace: candidate.workload.metadata.namespace,
                    account: candidate.workload.account), claims: candidate.claims)
            // Else whoever may register at all could take a document's place by its name.
            if let known = byName[workload.name], known.identity != workload.identity {
                claims.append(Self.displaced(known, by: workload))
                continue
            }
            byName[workload.name] = workload
        }
        let workloads = byName.values.sorted { $0.name < $1.name }
        let index = WorkloadIndex(workloads)
        var entries: [ServiceName: CatalogEntry] = [:]
        func expected(_ name: ServiceName) -> SPIFFEID {
            SPIFFEID(trustDomain: trustDomain, namespace: name.namespace, account: name.name)
        }
        for service in services {
            let name = service.metadata.serviceName
            let found = index.members(of: service)
            claims += UnattestedLabels.diagnostics(of: service, found.claimants)
            entries[name] = CatalogEntry(
                name: name, ports: DeclaredPorts.ports(of: service), members: found.members,
                claimants: found.claimants, provenance: service.metadata.provenance, expectedIdentity: expected(name))
        }
        for (name, members) in index.byService where entries[name] == nil {
            entries[name] = CatalogEntry(
                name: name, ports: ImplicitPorts.ports(of: members), members: members, provenance: nil,
                expectedIdentity: expected(name))
        }
        self.entries = entries.values.sorted { $0.name < $1.name }
        self.workloads = workloads
        var selected: [String: ServiceName] = [:]
        for entry in self.entries {
            for member in entry.members where selected[member.name] == nil { selected[member.name] = entry.name }
        }
        self.serviceBySelection = selected
        self.diagnostics = claims + self.entries.flatMap(Self.diagnostics)
    }

    private static func displaced(_ known: CatalogWorkload, by other: CatalogWorkload) -> Diagnostic {
        Diagnostic(
            .warning,
            "the workload that registered as \(other.name) is \(other.identity), while the document of that name is "
                + "\(known.identity): it takes no traffic",
            remedy: "Start it under another name (--workload), or correct the document's account.",
            file: known.workload.metadata.provenance?.file, line: known.workload.metadata.provenance?.line,
            resource: ResourceKey(
                kind: .workload, namespace: known.workload.metadata.namespace, name: known.workload.metadata.name
            ).description)
    }

    /// The service that a workload belongs to: the one it registered for, else the first that selects it, else one by
    /// the name of its account.
    func service(of workload: CatalogWorkload) -> ServiceName {
        let namespace = workload.workload.metadata.namespace
        if let service = workload.workload.service { return ServiceName(namespace: namespace, name: service) }
        return self.serviceBySelection[workload.name]
            ?? ServiceName(namespace: namespace, name: workload.workload.account)
    }

    /// Whether routes compiled for one fit the other.
    func hasSamePorts(as other: ServiceCatalog) -> Bool {
        self.entries.elementsEqual(other.entries) { $0.name == $1.name && $0.ports == $1.ports }
    }

    private static func diagnostics(_ entry: CatalogEntry) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        func warn(_ message: String, remedy: String) {
            diagnostics.append(
                Diagnostic(
                    .warning, message, remedy: remedy, file: entry.provenance?.file, line: entry.provenance?.line,
                    resource: ResourceKey(kind: .service, namespace: entry.name.namespace, name: entry.name.name)
                        .description))
        }
        for port in entry.ports {
            let without = entry.members.filter { port.target.port(of: $0.workload) == nil }.map(\.name)
            if !without.isEmpty {
                warn(
                    "port \(port.number) leads nowhere in \(without.joined(separator: ", ")): no port of theirs is its "
                        + "targetPort",
                    remedy: "Correct targetPort, or the ports that the workloads register.")
            }
            let ports = entry.members.compactMap { port.target.port(of: $0.workload) }
            let clear = ports.count { $0.inboundPort == nil }
            if clear > 0, clear < ports.count {
                warn(
                    "\(clear) of \(ports.count) workloads behind port \(port.number) have no sidecar; they get no traffic, "
                        + "because the others are called over mutual TLS only",
                    remedy: "Start the missing sidecars, or give the workloads without one a Service of their own.")
            }
        }
        return diagnostics
    }
}

/// Finds workloads by label and by service.
private struct WorkloadIndex {
    private struct Label: Hashable {
        let namespace: String
        let key: String
        let value: String
    }

    private var byLabel: [Label: [CatalogWorkload]] = [:]
    private(set) var byService: [ServiceName: [CatalogWorkload]] = [:]

    /// `workloads` are sorted, and so is what is found.
    init(_ workloads: [CatalogWorkload]) {
        for workload in workloads {
            let namespace = workload.workload.metadata.namespace
            for (key, value) in workload.claims.claimed {
                self.byLabel[Label(namespace: namespace, key: key, value: value), default: []].append(workload)
            }
            // Where it claims another.
            if let app = workload.claims.labels["app"], workload.claims.claimed["app"] != app {
                self.byLabel[Label(namespace: namespace, key: "app", value: app), default: []].append(workload)
            }
            if let service = workload.workload.service {
                self.byService[ServiceName(namespace: namespace, name: service), default: []].append(workload)
            }
        }
    }

    /// Those behind a Service, and those that would be if what they say of themselves were attested.
    func members(of service: Service) -> (members: [CatalogWorkload], claimants: [CatalogWorkload]) {
        let name = service.metadata.serviceName
        let candidates = service.selector.map {
            self.byLabel[Label(namespace: name.namespace, key: $0.key, value: $0.value)] ?? []
        }
        // The rarest label leaves the fewest to check.
        guard let fewest = candidates.min(by: { $0.count < $1.count }) else {
            return (self.byService[name] ?? [], [])
        }
        var members: [CatalogWorkload] = []
        var claimants: [CatalogWorkload] = []
        for workload in fewest {
            if workload.claims.isSelected(by: service.selector, of: name.name) {
                members.append(workload)
            } else if !workload.claims.unattested(for: service.selector, of: name.name).isEmpty {
                claimants.append(workload)
            }
        }
        return (members, claimants)
    }
}

/// The ports of a service that nobody declared.
private enum ImplicitPorts {
    /// Port 80 leads to each workload's first port; then every application port that all workloads have.
    ///
    /// A workload without ports only calls others and has no say.
    static func ports(of all: [CatalogWorkload]) -> [CatalogEntry.Port] {
        let members = all.filter { !$0.workload.ports.isEmpty }
        guard let first = members.first?.workload.ports.first else { return [] }
        var ports = [
            CatalogEntry.Port(name: first.name, number: 80, target: .first, appProtocol: first.appProtocol)
        ]
        let shared = members.dropFirst().reduce(Set(members[0].workload.ports.map(\.port))) { shared, member in
            shared.intersection(member.workload.ports.map(\.port))
        }
        for port in members[0].workload.ports.sorted(by: { $0.port < $1.port })
        where port.port != 80 && shared.contains(port.port) {
            ports.append(
                CatalogEntry.Port(
                    name: port.name, number: port.port, target: .number(port.port, orOnly: false),
                    appProtocol: port.appProtocol))
        }
        return ports
    }
}

/// The ports of a service that somebody declared.
private enum DeclaredPorts {
    /// A service and a workload with one port each fit whatever the numbers: replicas on one host cannot share one.
    static func ports(of service: Service) -> [CatalogEntry.Port] {
        let single = service.ports.count == 1
        return service.ports.map { port in
            let target: CatalogEntry.Target =
                switch port.targetPort {
                case .number(let number): .number(number, orOnly: single)
                case .name(let name): .name(name, orOnly: single)
                }
            return CatalogEntry.Port(
                name: port.name, number: port.port, target: target, appProtocol: port.appProtocol)
        }
    }
}
