internal import WeftModel

/// One resource as it is stored, and as it would be.
struct ResourceChange: Sendable {
    let key: ResourceKey
    /// Nil: it is new, or cannot be read.
    let old: Resource?
    /// Nil: it is deleted.
    let new: Resource?
}

/// Says which changes need an admin though operators may change their kind: those of what a policy reaches that only an
/// admin may change. Whoever could point a policy elsewhere could as well delete it.
///
/// A route's weights, filters and timeouts, and backends that it gains, are not what policies reach.
struct GuardedReach: Sendable {
    /// Why a change needs an admin.
    struct Reason: Hashable, Sendable {
        let cause: String
        /// What to leave as it is.
        let part: String
    }

    private var byTarget: [ResourceKey: ResourceKey] = [:]
    /// Services that are there because workloads say that they belong to them.
    private let registered: Set<ServiceName>

    init(_ stored: [Resource], registered: [Workload]) {
        let workloads = stored.compactMap { resource in
            if case .workload(let workload) = resource { workload } else { nil }
        }
        self.registered = Set((registered + workloads).compactMap { Self.service(of: $0) })
        for resource in stored {
            switch resource {
            case .authorizationPolicy(let policy): self.note(resource.key, policy.targets)
            case .requestAuthentication(let policy): self.note(resource.key, policy.targets)
            case .peerAuthentication(let policy): self.note(resource.key, policy.targets)
            case .service, .workload, .httpRoute, .grpcRoute, .streamRoute, .referenceGrant, .externalService,
                .trafficPolicy, .meshSettings, .trustDomainFederation, .registrationEntry, .serviceObjective:
                continue
            }
        }
    }

    /// Nil where an operator may make the change.
    func reason(_ change: ResourceChange) -> Reason? {
        switch change.key.kind {
        case .service, .httpRoute, .grpcRoute, .tcpRoute, .tlsRoute:
            guard let policy = self.byTarget[change.key], let part = self.part(change) else { return nil }
            return Reason(cause: "\(policy) acts on it, and its \(part) decide what the policy reaches", part: part)
        case .trafficPolicy: return Self.forwarding(change)
        case .workload, .referenceGrant, .externalService, .authorizationPolicy, .requestAuthentication,
            .peerAuthentication, .meshSettings, .trustDomainFederation, .registrationEntry, .serviceObjective:
            return nil
        }
    }

    private mutating func note(_ policy: ResourceKey, _ targets: [PolicyTarget]) {
        for target in targets {
            let key =
                switch target {
                case .service(let name, _): ResourceKey(kind: .service, namespace: name.namespace, name: name.name)
                case .route(let key): key
                }
            self.byTarget[key] = min(self.byTarget[key] ?? policy, policy)
        }
    }

    private static func service(of workload: Workload) -> ServiceName? {
        workload.service.map { ServiceName(namespace: workload.metadata.namespace, name: $0) }
    }

    // MARK: What changes

    /// What of a resource changes that policies on it depend on, as a plural.
    private func part(_ change: ResourceChange) -> String? {
        switch (change.old, change.new) {
        case (.service(let old), .service(let new)):
            old.selector != new.selector ? "selector's labels" : old.ports != new.ports ? "ports" : nil
        case (.service, _): "selector and ports"
        // It takes the place of the one that its workloads registered for.
        case (nil, .service(let new)): self.registered.contains(new.metadata.serviceName) ? "selector and ports" : nil
        case (let old?, let new): Shape(old).flatMap { $0.difference(new.flatMap(Shape.init)) }
        case (nil, _): nil
        }
    }

    /// What of a route says which requests it takes, and where those arrive.
    private struct Shape {
        let parents: Set<RouteParent>
        var hostnames: Set<String> = []
        var matches: Set<RouteMatch> = []
        let backends: Set<BackendReference>

        init?(_ resource: Resource) {
            switch resource {
            case .httpRoute(let route):
                self.parents = Set(route.parents)
                self.matches = Set(route.rules.flatMap { $0.matches.isEmpty ? [RouteMatch()] : $0.matches })
                self.backends = Set(route.rules.flatMap(\.backends).map(\.reference))
            case .grpcRoute(let route):
                self.parents = Set(route.parents)
                self.matches = Set(
                    route.rules.flatMap { $0.matches.isEmpty ? [RouteMatch()] : $0.matches.map(\.http) })
                self.backends = Set(route.rules.flatMap(\.backends).map(\.reference))
            case .streamRoute(let route):
                self.parents = Set(route.parents)
                self.hostnames = Set(route.hostnames)
                self.backends = Set(route.backends.map(\.reference))
            default: return nil
            }
        }

        func difference(_ new: Shape?) -> String? {
            guard let new else { return "parents and matches" }
            if self.parents != new.parents { return "parentRefs" }
            if self.hostnames != new.hostnames { return "hostnames" }
            if self.matches != new.matches { return "matches" }
            // Policies follow a route's requests to its backends; one that is left behind is reached without it.
            return self.backends.isSubset(of: new.backends) ? nil : "backends"
        }
    }

    /// Which paths reach policies at all, and whose word counts for an address, is part of what decides who may call.
    private static func forwarding(_ change: ResourceChange) -> Reason? {
        func part(_ resource: Resource?) -> (ForwardingSettings, [TrafficPolicy.Target])? {
            guard case .trafficPolicy(let policy) = resource, let forwarding = policy.settings.forwarding else {
                return nil
            }
            return (forwarding, policy.targets)
        }
        let (old, new) = (part(change.old), part(change.new))
        guard old?.0 != new?.0 || old?.1 != new?.1 else { return nil }
        return Reason(
            cause: "its forwarding settings decide which paths and addresses authorization policies are asked about",
            part: "forwarding settings")
    }
}

/// What the caller of a change may do.
struct ChangePermission: Sendable {
    let caller: APICall.Caller
    /// `apply` or `delete`.
    let verb: String

    /// By kind alone.
    func check(_ keys: [ResourceKey]) throws(APIError) {
        for key in keys {
            try APIPermissions.check(
                self.caller, has: APIPermissions.change(of: key.kind), to: "\(self.verb) it", location: "\(key)")
        }
    }

    /// By what the changes do to policies that only an admin may change.
    func check(_ changes: [ResourceChange], stored: [Resource], registered: [Workload]) throws(APIError) {
        if let role = self.caller.role, role >= .admin { return }
        let reach = GuardedReach(stored, registered: registered)
        for change in changes {
            guard let reason = reach.reason(change) else { continue }
            throw APIError(
                status: 403, code: .forbidden, message: "you may not \(self.verb) it",
                location: "\(change.key)",
                cause: "\(reason.cause): that needs an admin, and \(self.caller) is "
                    + (self.caller.role?.rawValue ?? "nobody"),
                remedy: change.new == nil
                    ? "have an admin delete it"
                    : "have an admin apply it, or leave its \(reason.part) as they are")
        }
    }
}
