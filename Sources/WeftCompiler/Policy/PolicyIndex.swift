package import WeftModel

/// All traffic policies by what they act on. Wider to narrower: built-in, `MeshSettings`, the service's policies, the
/// route's policies, the rule itself.
package struct PolicyIndex: Sendable {
    private let settings: MeshSettings
    private let base: EffectiveTraffic
    private let byService: [ServiceName: [TrafficPolicy]]
    private let byExternal: [ServiceName: [TrafficPolicy]]
    private let byRoute: [ResourceKey: [TrafficPolicy]]

    init(settings: MeshSettings, policies: [TrafficPolicy]) {
        self.settings = settings
        var base = EffectiveTraffic()
        base.apply(settings.traffic, from: settings.metadata.provenance)
        self.base = base
        var byService: [ServiceName: [TrafficPolicy]] = [:]
        var byExternal: [ServiceName: [TrafficPolicy]] = [:]
        var byRoute: [ResourceKey: [TrafficPolicy]] = [:]
        // Of several policies on one target the oldest counts, so it is applied last.
        for policy in policies.sorted(by: { $0.metadata.precedes($1.metadata) }).reversed() {
            for target in policy.targets {
                switch target {
                case .service(let name): byService[name, default: []].append(policy)
                case .route(let namespace, let name):
                    let key = ResourceKey(kind: .httpRoute, namespace: namespace, name: name)
                    byRoute[key, default: []].append(policy)
                case .grpcRoute(let namespace, let name):
                    let key = ResourceKey(kind: .grpcRoute, namespace: namespace, name: name)
                    byRoute[key, default: []].append(policy)
                case .externalService(let name): byExternal[name, default: []].append(policy)
                }
            }
        }
        self.byService = byService
        self.byExternal = byExternal
        self.byRoute = byRoute
    }

    /// What holds for calls to a service that take no route of its own.
    package func effective(service: ServiceName) -> EffectiveTraffic {
        var traffic = self.base
        for policy in self.byService[service] ?? [] { traffic.apply(policy.settings, from: policy.metadata.provenance) }
        return traffic
    }

    /// What holds for what a route names as its destination.
    func effective(_ reference: BackendReference) -> EffectiveTraffic {
        switch reference.kind {
        case .service: self.effective(service: reference.service)
        case .externalService: self.effective(external: reference.service)
        }
    }

    /// What holds for calls to a destination outside the mesh.
    package func effective(external: ServiceName) -> EffectiveTraffic {
        var traffic = self.base
        for policy in self.byExternal[external] ?? [] {
            traffic.apply(policy.settings, from: policy.metadata.provenance)
        }
        return traffic
    }

    /// What holds for calls to a service that take this rule of this route.
    package func effective(
        service: ServiceName, route key: ResourceKey, metadata: Metadata, rule: HTTPRoute.Rule
    ) -> EffectiveTraffic {
        var traffic = self.effective(service: service)
        for policy in self.byRoute[key] ?? [] { traffic.apply(policy.settings, from: policy.metadata.provenance) }
        traffic.apply(rule.settings, from: metadata.provenance?.at(line: rule.line))
        return traffic
    }

    /// The policy that counts most for a service; nil where only defaults hold.
    func narrowest(of service: ServiceName) -> Provenance? {
        self.byService[service]?.last?.metadata.provenance
    }
}

extension Metadata {
    /// Gateway API's order between equals: the older first, then by namespace and name. What is not stored yet is newest.
    func precedes(_ other: Metadata) -> Bool {
        let mine = self.createdAt == 0 ? Int64.max : self.createdAt
        let theirs = other.createdAt == 0 ? Int64.max : other.createdAt
        return (mine, self.namespace, self.name) < (theirs, other.namespace, other.name)
    }
}
