internal import WeftModel

/// A route of any kind, as far as checks look at it.
struct LintRoute {
    let kind: ResourceKind
    let metadata: Metadata
    let parents: [RouteParent]
    let rules: [HTTPRoute.Rule]
    /// Of a TLSRoute, in lower case.
    var hostnames: [String] = []

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
            rule.requestHeaders = source.requestHeaders
            rule.mirrors = source.mirrors
            rule.session = source.session
            return rule
        }
    }

    init(_ route: StreamRoute) {
        self.kind = route.kind.resource
        self.metadata = route.metadata
        self.parents = route.parents
        self.rules = [HTTPRoute.Rule(name: route.ruleName, backends: route.backends)]
        self.hostnames = route.hostnames.map { $0.lowercased() }
    }

    var key: ResourceKey {
        ResourceKey(kind: self.kind, namespace: self.metadata.namespace, name: self.metadata.name)
    }

    /// How a policy names it; nil for kinds that policies do not act on.
    var target: TrafficPolicy.Target? {
        switch self.kind {
        case .httpRoute: .route(namespace: self.metadata.namespace, name: self.metadata.name)
        case .grpcRoute: .grpcRoute(namespace: self.metadata.namespace, name: self.metadata.name)
        default: nil
        }
    }

    /// Each once.
    var services: [ServiceName] { Set(self.parents.map(\.service)).sorted() }

    /// The namespace whose callers it is for; nil is everyone's.
    func consumer(of service: ServiceName) -> String? {
        self.metadata.namespace == service.namespace ? nil : self.metadata.namespace
    }

    /// What callers notice where a destination is missing.
    var loss: Loss {
        switch self.kind {
        case .grpcRoute:
            Loss(
                traffic: "calls", all: "its calls end with UNAVAILABLE",
                share: "its share of the calls ends with UNAVAILABLE")
        case .tcpRoute, .tlsRoute:
            Loss(
                traffic: "connections", all: "its connections are closed",
                share: "its share of the connections is closed")
        default: Loss(traffic: "calls", all: "its calls get 500", share: "its share of the calls gets 500")
        }
    }

    /// In words.
    struct Loss {
        /// What the route takes.
        let traffic: String
        let all: String
        let share: String
    }
}
