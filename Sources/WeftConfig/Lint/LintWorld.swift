internal import WeftModel

/// The resources as the checks need them, found by what they act on.
struct LintWorld {
    let scope: Linter.Scope
    /// Seconds since 1970; nil is not known.
    let now: Int64?
    /// The mesh's own; nil is not known.
    let trustDomain: TrustDomain?
    private(set) var services: [ServiceName: Service] = [:]
    /// Of every kind.
    private(set) var routes: [LintRoute] = []
    private(set) var externals: [ServiceName: ExternalService] = [:]
    private(set) var policies: [TrafficPolicy] = []
    private(set) var settings: MeshSettings?
    private(set) var security = LintSecurity()
    /// Services that exist because workloads say that they belong to them.
    private(set) var registered: Set<ServiceName> = []
    /// How many workloads are known behind each service; none is absent.
    private(set) var members: [ServiceName: Int] = [:]
    /// What holds where no policy acts.
    private(set) var base = LintTraffic()
    private(set) var objectives: [ServiceObjective] = []
    /// The policies of each target, the one that counts most last.
    private(set) var layers: [TrafficPolicy.Target: [LintLayer]] = [:]
    /// All that policies act on, each once.
    private(set) var targets: [TrafficPolicy.Target] = []
    private var traffic: [TrafficPolicy.Target: LintTraffic] = [:]
    private var routeByTarget: [TrafficPolicy.Target: Int] = [:]
    private var routesByService: [ServiceName: [Int]] = [:]
    private var routeNames: [ResourceKind: [String: [String]]] = [:]
    private var serviceNames: [String: [String]] = [:]

    init(
        _ resources: [Resource], registered: [Workload], now: Int64?, trustDomain: TrustDomain?, scope: Linter.Scope
    ) {
        self.scope = scope
        self.now = now
        self.trustDomain = trustDomain
        var workloads: [ResourceKey: Workload] = [:]
        for resource in resources {
            switch resource {
            case .service(let service): self.services[service.metadata.serviceName] = service
            case .httpRoute(let route): self.routes.append(LintRoute(route))
            case .grpcRoute(let route): self.routes.append(LintRoute(route))
            case .streamRoute(let route): self.routes.append(LintRoute(route))
            case .externalService(let service): self.externals[service.metadata.serviceName] = service
            case .referenceGrant: continue
            case .registrationEntry: continue
            case .serviceObjective(let objective): self.objectives.append(objective)
            case .trafficPolicy(let policy): self.policies.append(policy)
            case .authorizationPolicy(let policy): self.security.policies.append(policy)
            case .requestAuthentication(let policy): self.security.tokens.append(policy)
            case .peerAuthentication(let policy): self.security.peers.append(policy)
            case .meshSettings(let settings): self.settings = settings
            case .trustDomainFederation(let other): self.security.federated.insert(other.trustDomain.name)
            case .workload(let workload): workloads[resource.key] = workload
            }
        }
        // One that registers takes the place of a described one of the same name.
        for workload in registered { workloads[Resource.workload(workload).key] = workload }
        self.count(Array(workloads.values))
        self.security.learn(Array(workloads.values), services: self.services, settings: self.settings)
        self.indexRoutes()
        self.indexPolicies()
        let names = Set(self.services.keys).union(self.registered)
        self.serviceNames = Dictionary(grouping: names, by: \.namespace).mapValues { $0.map(\.name).sorted() }
    }

    // MARK: Indexes

    private struct Label: Hashable {
        let namespace: String
        let key: String
        let value: String
    }

    private mutating func count(_ workloads: [Workload]) {
        var byLabel: [Label: [[String: String]]] = [:]
        for workload in workloads {
            let namespace = workload.metadata.namespace
            var labels = workload.metadata.labels
            if let service = workload.service {
                let name = ServiceName(namespace: namespace, name: service)
                self.registered.insert(name)
                self.members[name, default: 0] += 1
                labels["app"] = labels["app"] ?? service
            }
            for (key, value) in labels {
                byLabel[Label(namespace: namespace, key: key, value: value), default: []].append(labels)
            }
        }
        for (name, service) in self.services where !service.selector.isEmpty {
            let candidates = service.selector.map {
                byLabel[Label(namespace: name.namespace, key: $0.key, value: $0.value)] ?? []
            }
            // The rarest label leaves the fewest to check.
            let fewest = candidates.min { $0.count < $1.count } ?? []
            let count = fewest.count { labels in service.selector.allSatisfy { labels[$0.key] == $0.value } }
            self.members[name] = count == 0 ? nil : count
        }
    }

    private mutating func indexRoutes() {
        for (index, route) in self.routes.enumerated() {
            for service in route.services { self.routesByService[service, default: []].append(index) }
            guard let target = route.target else { continue }
            self.routeByTarget[target] = index
            self.routeNames[route.kind, default: [:]][route.metadata.namespace, default: []].append(
                route.metadata.name)
        }
    }

    private mutating func indexPolicies() {
        if let settings = self.settings {
            self.base.apply(
                LintLayer(
                    .mesh, kind: .meshSettings, metadata: settings.metadata, path: "spec.traffic",
                    settings: settings.traffic))
        }
        for policy in self.policies.sorted(by: { $1.metadata.isOlder(than: $0.metadata) }) {
            func layer(_ width: LintLayer.Width) -> LintLayer {
                LintLayer(
                    width, kind: .trafficPolicy, metadata: policy.metadata, path: "spec", settings: policy.settings)
            }
            let (service, route) = (layer(.service), layer(.route))
            for (index, target) in policy.targets.enumerated() where !policy.targets[..<index].contains(target) {
                if self.layers[target] == nil { self.targets.append(target) }
                switch target {
                case .service, .externalService: self.layers[target, default: []].append(service)
                case .route, .grpcRoute: self.layers[target, default: []].append(route)
                }
            }
        }
        for (target, layers) in self.layers {
            var traffic = self.base
            for layer in layers { traffic.apply(layer) }
            self.traffic[target] = traffic
        }
    }

    // MARK: What holds

    /// What holds for calls to a service, or a destination outside, that take no route; of a route's target, what holds
    /// whichever service is called.
    func effective(_ target: TrafficPolicy.Target) -> LintTraffic { self.traffic[target] ?? self.base }

    func effective(_ reference: BackendReference) -> LintTraffic {
        switch reference.kind {
        case .service: self.effective(.service(reference.service))
        case .externalService: self.effective(.externalService(reference.service))
        }
    }

    /// What holds for calls to a service that take a route, before its rules are heard.
    func effective(_ service: ServiceName, through route: LintRoute) -> LintTraffic {
        var traffic = self.effective(.service(service))
        for layer in route.target.flatMap({ self.layers[$0] }) ?? [] { traffic.apply(layer) }
        return traffic
    }

    /// The routes that have the service as a parent.
    func routes(of service: ServiceName) -> [LintRoute] {
        (self.routesByService[service] ?? []).map { self.routes[$0] }
    }

    func knows(_ service: ServiceName) -> Bool {
        self.services[service] != nil || self.registered.contains(service)
    }

    /// The route that a policy's target names.
    func route(_ target: TrafficPolicy.Target) -> LintRoute? { self.routeByTarget[target].map { self.routes[$0] } }

    // MARK: Words

    /// That something is not there, with what follows from it.
    func absence(of what: String, _ consequence: String, separator: String = ", so ") -> String {
        switch self.scope {
        case .mesh: "there is no \(what) yet\(separator)\(consequence)"
        case .documents: "\(what) is not among these documents: unless the mesh has it, \(consequence)"
        }
    }

    /// Among more names than this nobody looks for the nearest.
    private static let mostSuggested = 500

    /// A remedy that names the nearest service of the namespace.
    func remedy(for service: ServiceName) -> String {
        let names = self.serviceNames[service.namespace] ?? []
        if let nearest = self.nearest(to: service.name, among: names) { return "Did you mean \(nearest)?" }
        return "Apply a Service of that name, or start a workload that registers for it."
    }

    func remedy(forRoute name: String, _ kind: ResourceKind, namespace: String) -> String {
        let names = (self.routeNames[kind]?[namespace] ?? []).sorted()
        return self.nearest(to: name, among: names).map { "Did you mean \($0)?" }
            ?? "Apply the route too, or remove the target."
    }

    private func nearest(to name: String, among names: [String]) -> String? {
        names.count > Self.mostSuggested ? nil : Suggestion.nearest(to: name, among: names)
    }
}
