package import WeftModel

/// Finds what contradicts itself across resources, each of which is valid on its own.
package enum Linter {
    /// Looks at all resources of the mesh together. `registered` are services that exist because workloads registered
    /// for them, declared or not.
    package static func lint(_ resources: [Resource], registered: Set<ServiceName> = []) -> [Diagnostic] {
        let world = LintWorld(resources, registered: registered)
        var findings: [Diagnostic] = []
        for route in world.routes { findings += RouteLint.findings(route, in: world) }
        for policy in world.policies { findings += PolicyLint.findings(policy, in: world) }
        findings += PolicyLint.rivals(in: world)
        findings += TimeoutLint.findings(in: world)
        findings += BalancingLint.findings(in: world)
        return findings.sorted()
    }
}

/// The resources as the checks need them.
struct LintWorld {
    private(set) var services: [ServiceName: Service] = [:]
    private(set) var routes: [HTTPRoute] = []
    private(set) var policies: [TrafficPolicy] = []
    private(set) var settings: MeshSettings?
    private(set) var registered: Set<ServiceName>

    init(_ resources: [Resource], registered: Set<ServiceName>) {
        self.registered = registered
        for resource in resources {
            switch resource {
            case .service(let service): self.services[service.metadata.serviceName] = service
            case .httpRoute(let route): self.routes.append(route)
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
