internal import WeftModel

/// Who may call what, by what the policies act on: AuthorizationPolicies and RequestAuthentications found by service,
/// port and route, and the modes that PeerAuthentications set.
struct AuthorizationIndex: Sendable {
    /// A service, with those of its ports that lead to the listener in question.
    struct Place: Hashable {
        let service: ServiceName
        let ports: [CatalogEntry.Port]
    }

    let modes: PeerModes
    private let unmatched: AuthorizationAction
    private let unmatchedSource: Provenance?
    private let policies: ByTarget<AuthorizationPolicy>
    private let tokens: ByTarget<RequestAuthentication>
    private let tokenKeys: [TokenKeySource: String]
    private let scopes: RouteScopes

    init(
        settings: MeshSettings, policies: [AuthorizationPolicy], tokens: [RequestAuthentication],
        peers: [PeerAuthentication], routes: RouteSources, tokenKeys: [TokenKeySource: String]
    ) {
        self.modes = PeerModes(settings: settings, policies: peers)
        self.unmatched = settings.authorization
        self.unmatchedSource = settings.authorization == .allow ? nil : settings.metadata.provenance
        self.tokenKeys = tokenKeys
        self.scopes = RouteScopes(routes)
        self.policies = ByTarget(policies) { ($0.metadata, $0.targets) }
        self.tokens = ByTarget(tokens) { ($0.metadata, $0.targets) }
    }

    /// What one listener enforces that stands behind these places.
    func authorization(_ places: [Place]) -> Authorization {
        var authorization = Authorization()
        authorization.unmatched = self.unmatched
        authorization.unmatchedSource = self.unmatchedSource
        let services = places.map(\.service)
        for policy in self.policies.candidates(services) {
            guard let scope = self.scope(policy.targets, places) else { continue }
            authorization.policies.append(
                AuthorizationRules(
                    source: Self.provenance(.authorizationPolicy(policy)), action: policy.action,
                    isAudit: policy.isAudit, scope: scope, rules: policy.rules))
        }
        for policy in self.tokens.candidates(services) {
            guard let scope = self.scope(policy.targets, places) else { continue }
            authorization.issuers += self.issuers(policy, scope: scope)
        }
        return authorization
    }

    /// What requests must look like for the policy to act on them here; empty is all, nil is none.
    private func scope(_ targets: [PolicyTarget], _ places: [Place]) -> [RouteMatch]? {
        if targets.isEmpty { return [] }
        for target in targets {
            guard case .service(let service, let section) = target else { continue }
            for place in places where place.service == service {
                guard let section else { return [] }
                if place.ports.contains(where: { section.covers(name: $0.name, number: $0.number) }) { return [] }
            }
        }
        var matches: [RouteMatch] = []
        for case .route(let key) in targets {
            for place in places where place.service.namespace == key.namespace {
                for match in self.scopes.matches(of: key, at: place) where !matches.contains(match) {
                    matches.append(match)
                }
            }
        }
        return matches.isEmpty ? nil : matches
    }

    private func issuers(_ policy: RequestAuthentication, scope: [RouteMatch]) -> [TokenIssuer] {
        let resource = Resource.requestAuthentication(policy)
        return policy.rules.enumerated().map { index, rule in
            let keys: String
            switch rule.keys {
            case .inline(let text): keys = text
            case .file, .url: keys = self.tokenKeys[TokenKeySource(policy: resource.key, rule: index)] ?? ""
            }
            return TokenIssuer(
                source: Self.provenance(resource), issuer: rule.issuer, audiences: rule.audiences, keys: keys,
                locations: rule.locations, isForwarded: rule.isForwarded, isRequired: rule.isRequired, scope: scope)
        }
    }

    private static func provenance(_ resource: Resource) -> Provenance {
        resource.metadata.provenance ?? Provenance(resource: resource.key)
    }
}

/// What requests look like that took a route, where they arrive.
///
/// A route's requests arrive at its backends, and at its parents where those are called without it; only at those of
/// the route's own namespace, because nobody says who may call the services of others.
struct RouteScopes: Sendable {
    private let routes: [ResourceKey: AttachedRoute]

    init(_ sources: RouteSources) {
        self.routes = Dictionary(sources.routes.map { ($0.key, $0) }) { first, _ in first }
    }

    /// Empty where the route's requests do not arrive.
    func matches(of key: ResourceKey, at place: AuthorizationIndex.Place) -> [RouteMatch] {
        guard let route = self.routes[key] else { return [] }
        let isParent = place.ports.contains { route.attaches(to: $0, of: place.service) }
        return route.rules.flatMap { entry -> [RouteMatch] in
            let isBackend = entry.rule.backends.contains { backend in
                backend.kind == .service && backend.service == place.service
                    && place.ports.contains { $0.number == backend.port }
            }
            return isParent || isBackend ? entry.rule.matches : []
        }
    }
}

/// Policies by what they may act on, in the order of their keys.
private struct ByTarget<Policy: Sendable>: Sendable {
    private let policies: [Policy]
    private var byService: [ServiceName: [Int]] = [:]
    /// By namespace: those without targets, and those that name routes.
    private var broad: [String: [Int]] = [:]

    init(_ policies: [Policy], _ parts: (Policy) -> (metadata: Metadata, targets: [PolicyTarget])) {
        self.policies = policies.sorted {
            let (left, right) = (parts($0).metadata, parts($1).metadata)
            return (left.namespace, left.name) < (right.namespace, right.name)
        }
        for (index, policy) in self.policies.enumerated() {
            let (metadata, targets) = parts(policy)
            var services: Set<ServiceName> = []
            var isBroad = targets.isEmpty
            for target in targets {
                switch target {
                case .service(let name, _): services.insert(name)
                case .route: isBroad = true
                }
            }
            if isBroad { self.broad[metadata.namespace, default: []].append(index) }
            for service in services { self.byService[service, default: []].append(index) }
        }
    }

    /// All that may act on one of the services, each once.
    func candidates(_ services: [ServiceName]) -> [Policy] {
        var indexes: Set<Int> = []
        for service in services {
            indexes.formUnion(self.byService[service] ?? [])
            indexes.formUnion(self.broad[service.namespace] ?? [])
        }
        return indexes.sorted().map { self.policies[$0] }
    }
}
