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
        var groups: [ServicePort: [RouteAttachments.Group]] = [:]
        for route in self.attachments.sources.routes {
            let references = self.references(of: route)
            statuses[route.key] = route.parents.map { parent in
                let acceptance = self.acceptance(of: route, parent, &groups)
                let resolution = references.isTrue ? self.mismatch(of: route, parent) ?? references : references
                return RouteParentStatus(
                    parent, observedRevision: route.metadata.provenance?.revision ?? .zero,
                    conditions: [acceptance, resolution])
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

    private func covered(by parent: RouteParent) -> [CatalogEntry.Port] {
        (self.ports[parent.service] ?? []).filter { parent.covers(port: $0.number, named: $0.name) }
    }

    /// What the ports of a parent speak, where the route can carry none of it.
    private func mismatch(of route: AttachedRoute, _ parent: RouteParent) -> RouteParentStatus.Condition? {
        let covered = self.covered(by: parent)
        guard let port = covered.first, !covered.contains(where: { $0.appProtocol.suits(route.key.kind) }) else {
            return nil
        }
        return .init(
            .resolvedRefs, false, .unsupportedProtocol,
            "\(ServicePort(service: parent.service, port: port.number)) speaks \(port.appProtocol.rawValue), which no "
                + "\(route.key.kind.rawValue) carries")
    }

    /// `groups` are those of the ports looked at so far.
    private func acceptance(
        of route: AttachedRoute, _ parent: RouteParent, _ groups: inout [ServicePort: [RouteAttachments.Group]]
    ) -> RouteParentStatus.Condition {
        guard self.ports[parent.service] != nil else {
            return .init(.accepted, false, .noMatchingParent, "there is no service \(parent.service)")
        }
        let covered = self.covered(by: parent)
        guard !covered.isEmpty else {
            return .init(.accepted, false, .noMatchingParent, "the service \(parent.service) has no such port")
        }
        let suitable = covered.filter { $0.appProtocol.suits(route.key.kind) }
        guard !suitable.isEmpty else {
            return .init(
                .accepted, false, .noMatchingParent,
                "no such port of \(parent.service) speaks what \(route.key.kind.rawValue)s carry")
        }
        let consumer = route.metadata.namespace == parent.service.namespace ? nil : route.metadata.namespace
        var rival: String?
        for port in suitable {
            let servicePort = ServicePort(service: parent.service, port: port.number)
            let rivals = groups[servicePort] ?? self.attachments.groups(of: parent.service, port: port)
            groups[servicePort] = rivals
            guard let group = rivals.first(where: { $0.consumer == consumer }), let winner = group.routes.first else {
                continue
            }
            guard winner.kind == route.kind else {
                rival = "\(winner.key) holds the port: a port has routes of one kind"
                continue
            }
            switch route.kind {
            case .grpc, .http: return .init(.accepted, true, .accepted)
            case .tcp where winner.key == route.key: return .init(.accepted, true, .accepted)
            case .tcp: rival = "\(winner.key) holds the port and is older"
            case .tls:
                if route.hostnames.contains(where: { group.holders[$0]?.key == route.key }) {
                    return .init(.accepted, true, .accepted)
                }
                let others = Set(route.hostnames.compactMap { group.holders[$0]?.key }).sorted()
                rival = "its server names belong to \(others.map(\.description).joined(separator: ", ")), older"
            }
        }
        return .init(.accepted, false, .conflicted, rival ?? "")
    }

    private func references(of route: AttachedRoute) -> RouteParentStatus.Condition {
        var missing: RouteParentStatus.Condition?
        var unsupported: RouteParentStatus.Condition?
        for rule in route.rules.map(\.rule) {
            let mirrors = rule.mirrors + rule.backends.flatMap(\.mirrors)
            for reference in rule.backends.map(\.reference) + mirrors.map(\.backend) {
                let port = ServicePort(service: reference.service, port: reference.port)
                if !self.attachments.sources.permits(reference, from: route) {
                    return .init(
                        .resolvedRefs, false, .refNotPermitted,
                        "no ReferenceGrant in \(reference.service.namespace) allows \(port)")
                }
                guard self.exists(reference) else {
                    missing =
                        missing
                        ?? .init(
                            .resolvedRefs, false, .backendNotFound, "there is no \(reference.kind.rawValue) \(port)")
                    continue
                }
                if let spoken = self.appProtocol(of: reference), !spoken.suits(route.key.kind) {
                    unsupported =
                        unsupported
                        ?? .init(
                            .resolvedRefs, false, .unsupportedProtocol,
                            "\(port) speaks \(spoken.rawValue), which no \(route.key.kind.rawValue) carries")
                }
            }
        }
        return missing ?? unsupported ?? .init(.resolvedRefs, true, .resolvedRefs)
    }

    private func exists(_ reference: BackendReference) -> Bool {
        switch reference.kind {
        case .service: self.ports[reference.service]?.contains { $0.number == reference.port } ?? false
        case .externalService: self.externals.cluster(of: reference) != nil
        }
    }

    private func appProtocol(of reference: BackendReference) -> AppProtocol? {
        switch reference.kind {
        case .service: self.ports[reference.service]?.first { $0.number == reference.port }?.appProtocol
        case .externalService: self.externals.appProtocol(of: reference)
        }
    }
}
