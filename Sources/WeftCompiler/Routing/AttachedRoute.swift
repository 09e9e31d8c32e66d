internal import WeftModel

/// A route of any kind, as the compiler treats them all.
struct AttachedRoute: Sendable {
    /// In the order in which kinds win a port that several claim.
    ///
    /// Source: Gateway API for a mesh, route type conflicts.
    enum Kind: Int, Comparable, Sendable {
        case grpc, http, tls, tcp

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// One rule with the rank of each of its matches.
    struct Rule: Sendable {
        var rule: HTTPRoute.Rule
        /// As many as matches, at least one.
        var ranks: [RouteRank]
    }

    let kind: Kind
    let key: ResourceKey
    let metadata: Metadata
    let parents: [RouteParent]
    /// At least one; each with at least one match.
    let rules: [Rule]
    /// Server names, of a TLSRoute.
    var hostnames: [String] = []

    init(_ route: HTTPRoute) {
        self.kind = .http
        self.key = Resource.httpRoute(route).key
        self.metadata = route.metadata
        self.parents = route.parents
        // A route without rules has one that matches everything and has no backends.
        self.rules = (route.rules.isEmpty ? [HTTPRoute.Rule()] : route.rules).map { rule in
            var rule = rule
            if rule.matches.isEmpty { rule.matches = [RouteMatch()] }
            return Rule(rule: rule, ranks: rule.matches.map(RouteRank.init))
        }
    }

    init(_ route: GRPCRoute) {
        self.kind = .grpc
        self.key = Resource.grpcRoute(route).key
        self.metadata = route.metadata
        self.parents = route.parents
        self.rules = (route.rules.isEmpty ? [GRPCRoute.Rule()] : route.rules).map { source in
            let matches = source.matches.isEmpty ? [GRPCRouteMatch()] : source.matches
            var rule = HTTPRoute.Rule(
                name: source.name, matches: matches.map(\.http), requestHeaders: source.requestHeaders,
                responseHeaders: source.responseHeaders, backends: source.backends, line: source.line)
            rule.mirrors = source.mirrors
            rule.session = source.session
            return Rule(rule: rule, ranks: matches.map(RouteRank.init))
        }
    }

    init(_ route: StreamRoute) {
        self.kind = route.kind == .tls ? .tls : .tcp
        self.key = route.key
        self.metadata = route.metadata
        self.parents = route.parents
        let rule = HTTPRoute.Rule(name: route.ruleName, matches: [RouteMatch()], backends: route.backends)
        self.rules = [Rule(rule: rule, ranks: [RouteRank(RouteMatch())])]
        self.hostnames = route.hostnames.map { $0.lowercased() }
    }

    /// Whether the route takes calls of this port, as far as its own words go.
    func attaches(to port: CatalogEntry.Port, of service: ServiceName) -> Bool {
        port.appProtocol.suits(self.key.kind)
            && self.parents.contains { $0.service == service && $0.covers(port: port.number, named: port.name) }
    }

    /// `namespace/name[/rule]`, the `route` label.
    func name(ofRule index: Int) -> String {
        let name = "\(self.metadata.namespace)/\(self.metadata.name)"
        if let own = self.rules[index].rule.name { return "\(name)/\(own)" }
        return self.rules.count > 1 ? "\(name)/\(index)" : name
    }
}

/// The routes and grants that operators wrote.
struct RouteSources: Sendable {
    var routes: [AttachedRoute] = []
    var grants: [ReferenceGrant] = []
    var crossNamespace = CrossNamespaceBackends.any

    /// Whether a route may name a backend of another namespace.
    func permits(_ backend: BackendReference, from route: AttachedRoute) -> Bool {
        if self.crossNamespace == .any || backend.service.namespace == route.metadata.namespace { return true }
        return self.grants.contains { $0.allows(backend, from: route.key.kind, in: route.metadata.namespace) }
    }
}
