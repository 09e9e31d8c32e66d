internal import WeftModel

/// Says what became of each route: whether it takes calls, and whether what it names is there.
struct RouteStatusCompiler {
    let attachments: RouteAttachments
    let catalog: ServiceCatalog
    let externals: ExternalCatalog
    private let ports: [ServiceName: [CatalogEntry.Port]]

    init(attachments: RouteAttachments, catalog: ServiceCatalog, externals: ExternalCatalog) {
        self.attachments = attachments
        self.catalog = catalog
        self.externals = externals
        self.ports = Dictionary(catalog.entries.map { ($0.name, $0.ports) }) { first, _ in first }
    }

    /// By route.
    func statuses() -> [ResourceKey: [RouteParentStatus]] {
        var statuses: [ResourceKey: [RouteParentStatus]] = [:]
        for route in self.attachments.sources.routes {
            let references = self.references(of: route)
            statuses[route.key] = route.parents.map { parent in
                RouteParentStatus(
                    parent: Self.text(parent), conditions: [self.acceptance(of: route, parent), references])
            }
        }
        return statuses
    }

    /// What is not as its author meant it, for people.
    static func findings(
        _ statuses: [ResourceKey: [RouteParentStatus]], _ sources: RouteSources
    ) -> [Diagnostic] {
        sources.routes.flatMap { route -> [Diagnostic] in
            var seen: Set<RouteParentStatus.Condition> = []
            let provenance = route.metadata.provenance
            return (statuses[route.key] ?? []).flatMap { status in
                status.conditions.filter { !$0.isTrue && seen.insert($0).inserted }.map { condition in
                    Diagnostic(
                        .warning,
                        "\(condition.type.rawValue) is false, \(condition.reason.rawValue): \(condition.message)",
                        file: provenance?.file, line: provenance?.line, resource: route.key.description)
                }
            }
        }.sorted()
    }

    private static func text(_ parent: RouteParent) -> String {
        if let port = parent.port { return "\(parent.service):\(port)" }
        return parent.portName.map { "\(parent.service) (\($0))" } ?? parent.service.description
    }

    private func acceptance(of route: AttachedRoute, _ parent: RouteParent) -> RouteParentStatus.Condition {
        guard let ports = self.ports[parent.service] else {
            return .init(.accepted, false, .noMatchingParent, "there is no service \(parent.service)")
        }
        let covered = ports.filter { parent.covers(port: $0.number, named: $0.name) }
        guard !covered.isEmpty else {
            return .init(.accepted, false, .noMatchingParent, "the service \(parent.service) has no such port")
        }
        let consumer = route.metadata.namespace == parent.service.namespace ? nil : route.metadata.namespace
        var rival: ResourceKey?
        for port in covered {
            let servicePort = ServicePort(service: parent.service, port: port.number)
            let group = self.attachments.groups(of: servicePort, portName: port.name).first { $0.consumer == consumer }
            guard let winner = group?.routes.first else { continue }
            if winner.kind == route.kind { return .init(.accepted, true, .accepted) }
            rival = winner.key
        }
        return .init(
            .accepted, false, .conflicted, rival.map { "\($0) holds the port: a port has routes of one kind" } ?? "")
    }

    private func references(of route: AttachedRoute) -> RouteParentStatus.Condition {
        var missing: RouteParentStatus.Condition?
        for rule in route.rules.map(\.rule) {
            let mirrors = rule.mirrors + rule.backends.flatMap(\.mirrors)
            for reference in rule.backends.map(\.reference) + mirrors.map(\.backend) {
                let port = ServicePort(service: reference.service, port: reference.port)
                if !self.attachments.sources.permits(reference, from: route) {
                    return .init(
                        .resolvedRefs, false, .refNotPermitted,
                        "no ReferenceGrant in \(reference.service.namespace) allows \(port)")
                }
                if missing == nil, !self.exists(reference) {
                    missing = .init(
                        .resolvedRefs, false, .backendNotFound, "there is no \(reference.kind.rawValue) \(port)")
                }
            }
        }
        return missing ?? .init(.resolvedRefs, true, .resolvedRefs)
    }

    private func exists(_ reference: BackendReference) -> Bool {
        switch reference.kind {
        case .service: self.ports[reference.service]?.contains { $0.number == reference.port } ?? false
        case .externalService: self.externals.cluster(of: reference) != nil
        }
    }
}
