package import WeftModel

/// Finds what contradicts itself across resources, each of which is valid on its own.
package enum Linter {
    /// Looks at all resources of the mesh together. `registered` are services that exist because workloads registered
    /// for them, declared or not.
    package static func lint(_ resources: [Resource], registered: Set<ServiceName> = []) -> [Diagnostic] {
        let world = LintWorld(resources, registered: registered)
        return self.rules.flatMap { $0(world) }.sorted()
    }

    /// Every check; each looks at the whole configuration.
    private static let rules: [@Sendable (LintWorld) -> [Diagnostic]] =
        [
            { world in world.allRoutes.flatMap { RouteLint.findings($0, in: world) } },
            { world in world.policies.flatMap { PolicyLint.findings($0, in: world) } },
            { PolicyLint.rivals(in: $0) },
            { TimeoutLint.findings(in: $0) },
            { BalancingLint.findings(in: $0) },
            { ExternalLint.findings(in: $0) },
        ] + ContradictionLint.rules
}

/// The resources as the checks need them.
struct LintWorld {
    private(set) var services: [ServiceName: Service] = [:]
    private(set) var routes: [HTTPRoute] = []
    /// Routes of every kind.
    private(set) var allRoutes: [LintRoute] = []
    private(set) var externals: [ServiceName: ExternalService] = [:]
    private(set) var policies: [TrafficPolicy] = []
    private(set) var settings: MeshSettings?
    private(set) var registered: Set<ServiceName>

    init(_ resources: [Resource], registered: Set<ServiceName>) {
        self.registered = registered
        for resource in resources {
            switch resource {
            case .service(let service): self.services[service.metadata.serviceName] = service
            case .httpRoute(let route):
                self.routes.append(route)
                self.allRoutes.append(LintRoute(route))
            case .grpcRoute(let route): self.allRoutes.append(LintRoute(route))
            case .streamRoute(let route): self.allRoutes.append(LintRoute(route))
            case .externalService(let service): self.externals[service.metadata.serviceName] = service
            case .referenceGrant: continue
            case .trafficPolicy(let policy): self.policies.append(policy)
            case .meshSettings(let settings): self.settings = settings
            case .workload(let workload):
                // A declared workload brings its service with it, as a registered one does.
                guard let service = workload.service else { continue }
                self.registered.insert(ServiceName(namespace: workload.metadata.namespace, name: service))
            }
        }
    }

    func knows(_ service: ServiceName) -> Bool {
        self.services[service] != nil || self.registered.contains(service)
    }

    /// A remedy that names the nearest service of the namespace.
    func remedy(for service: ServiceName) -> String {
        let names = Set(self.services.keys).union(self.registered)
            .filter { $0.namespace == service.namespace }.map(\.name).sorted()
        if let nearest = Suggestion.nearest(to: service.name, among: names) { return "Did you mean \(nearest)?" }
        return "Apply a Service of that name, or start a workload that registers for it."
    }
}

/// A route of any kind, as far as checks look at it.
struct LintRoute {
    let kind: ResourceKind
    let metadata: Metadata
    let parents: [RouteParent]
    let rules: [HTTPRoute.Rule]

    init(_ route: HTTPRoute) {
        self.kind = .httpRoute
        self.metadata = route.metadata
        self.parents = route.parents
        self.rules = route.rules
    }

    init(_ route: GRPCRoute) {
        self.kind = .grpcRoute
        self.metadata = route.metadata
        self.parents = route.parents
        self.rules = route.rules.map { source in
            var rule = HTTPRoute.Rule(
                name: source.name, matches: source.matches.map(\.http), backends: source.backends, line: source.line)
            rule.mirrors = source.mirrors
            return rule
        }
    }

    init(_ route: StreamRoute) {
        self.kind = route.kind.resource
        self.metadata = route.metadata
        self.parents = route.parents
        self.rules = [HTTPRoute.Rule(name: route.ruleName, backends: route.backends)]
    }
}

extension Metadata {
    /// A finding about the resource that these metadata belong to.
    func finding(
        _ severity: Diagnostic.Severity, kind: ResourceKind, field: String?, _ message: String, remedy: String,
        line: Int? = nil
    ) -> Diagnostic {
        Diagnostic(
            severity, message, remedy: remedy, file: self.provenance?.file, line: line ?? self.provenance?.line,
            resource: ResourceKey(kind: kind, namespace: self.namespace, name: self.name).description, field: field)
    }
}
