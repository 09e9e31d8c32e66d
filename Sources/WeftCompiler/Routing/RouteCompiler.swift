internal import WeftModel

/// Makes the routes of one service port: each match a route of its own, in the order they are tried.
struct RouteCompiler {
    let attachments: RouteAttachments
    let policies: PolicyIndex
    /// The clusters of external services, by the resource's name and port.
    let externals: ExternalCatalog

    /// The route configurations of one port: the one for all callers, and one for each namespace whose callers have
    /// routes of their own.
    func configurations(of service: ServiceName, port entry: CatalogEntry.Port) -> [RouteConfiguration] {
        let port = ServicePort(service: service, port: entry.number)
        return self.attachments.groups(of: service, port: entry).map { group in
            let name = RouteConfiguration.name(of: port.description, consumer: group.consumer)
            return RouteConfiguration(name: name, virtualHosts: self.hosts(group, port))
        }
    }

    private func hosts(_ group: RouteAttachments.Group, _ port: ServicePort) -> [VirtualHost] {
        let name = port.description
        guard let kind = group.routes.first?.kind else {
            return [VirtualHost(name: name, domains: ["*"], routes: [self.defaultRoute(port)])]
        }
        guard kind == .tls else {
            return [VirtualHost(name: name, domains: ["*"], routes: self.routes(group.routes, port))]
        }
        return group.holders.sorted { $0.key < $1.key }.map { hostname, route in
            VirtualHost(name: hostname, domains: [hostname], routes: self.routes([route], port))
        }
    }

    /// Where nobody attached a route, everything goes to the service itself.
    private func defaultRoute(_ port: ServicePort) -> Route {
        let traffic = self.policies.effective(service: port.service)
        var route = Route(
            name: "default", action: .forward([WeightedCluster(cluster: port.description)]), timeouts: traffic.timeouts,
            retry: traffic.retry)
        route.hashKey = traffic.routeHashKey
        Self.apply(traffic, to: &route)
        return route
    }

    private func routes(_ attached: [AttachedRoute], _ port: ServicePort) -> [Route] {
        var candidates: [(precedence: RoutePrecedence, route: Route)] = []
        for route in attached {
            for (index, entry) in route.rules.enumerated() {
                let template = self.template(entry.rule, index: index, of: route, port: port)
                for (position, match) in entry.rule.matches.enumerated() {
                    var compiled = template
                    compiled.match = match
                    let precedence = RoutePrecedence(
                        entry.ranks[position], route: route.metadata, rule: index, match: position)
                    candidates.append((precedence, compiled))
                }
            }
        }
        candidates.sort { $0.precedence < $1.precedence }
        return candidates.map(\.route)
    }

    /// The rule as a route, its match still open.
    private func template(_ rule: HTTPRoute.Rule, index: Int, of route: AttachedRoute, port: ServicePort) -> Route {
        let traffic = self.policies.effective(
            service: port.service, route: route.key, metadata: route.metadata, rule: rule)
        var compiled = Route(
            name: route.name(ofRule: index), action: self.action(rule, of: route, port: port),
            requestHeaders: rule.requestHeaders, responseHeaders: rule.responseHeaders, timeouts: traffic.timeouts,
            retry: traffic.retry, provenance: Self.provenance(rule, of: route))
        compiled.rewrite = rule.rewrite.map(Self.normalized)
        compiled.mirrors = self.mirrors(rule.mirrors, of: route)
        compiled.session = rule.session
        if rule.backends.count > 1 { compiled.stickyCohort = traffic.stickyCohort.value }
        compiled.hashKey = rule.backends.lazy.compactMap { self.policies.effective($0.reference).routeHashKey }.first
        Self.apply(traffic, to: &compiled)
        return compiled
    }

    /// What else the policies say about calls that take the route, and who said it.
    static func apply(_ traffic: EffectiveTraffic, to route: inout Route) {
        route.hedging = traffic.hedging.value
        route.fault = traffic.fault.value
        route.sources = traffic.routeSources
    }

    /// Backends that do not exist, or that the route may not name, stay as clusters that nobody has, so that their share of
    /// the traffic, and no more, is answered with 500.
    private func action(_ rule: HTTPRoute.Rule, of route: AttachedRoute, port: ServicePort) -> RouteAction {
        if var redirect = rule.redirect {
            // Gateway API: the scheme's own port where a scheme is named, else the one that was called.
            redirect.port = redirect.port ?? redirect.scheme.map { $0 == "https" ? 443 : 80 } ?? port.port
            redirect.path = redirect.path.map(Self.normalized)
            return .redirect(redirect)
        }
        let name = "\(route.metadata.namespace)/\(route.metadata.name)"
        guard !rule.backends.isEmpty else {
            return .respond(status: 500, body: "The route \(name) takes this request and names no backend.")
        }
        guard rule.backends.contains(where: { $0.weight > 0 }) else {
            return .respond(status: 500, body: "All backends of the route \(name) have weight 0.")
        }
        return .forward(
            rule.backends.map { backend in
                var cluster = WeightedCluster(
                    cluster: self.cluster(of: backend.reference, from: route), weight: backend.weight,
                    requestHeaders: backend.requestHeaders, responseHeaders: backend.responseHeaders)
                cluster.rewrite = self.rewrite(backend, of: rule)
                cluster.mirrors = self.mirrors(backend.mirrors, of: route)
                return cluster
            })
    }

    /// A destination outside the mesh has to be asked by its own name, whatever the caller wrote.
    private func rewrite(_ backend: RouteBackend, of rule: HTTPRoute.Rule) -> URLRewrite? {
        var rewrite = backend.rewrite.map(Self.normalized)
        guard backend.kind == .externalService, let host = self.externals.host(of: backend.service) else {
            return rewrite
        }
        let path = rewrite?.path ?? rule.rewrite?.path.map(Self.normalized)
        rewrite = URLRewrite(hostname: rewrite?.hostname ?? rule.rewrite?.hostname ?? host, path: path)
        return rewrite
    }

    private func mirrors(_ mirrors: [RouteMirror], of route: AttachedRoute) -> [MirroredCluster] {
        mirrors.map { MirroredCluster(cluster: self.cluster(of: $0.backend, from: route), fraction: $0.fraction) }
    }

    private func cluster(of reference: BackendReference, from route: AttachedRoute) -> String {
        let port = ServicePort(service: reference.service, port: reference.port)
        guard self.attachments.sources.permits(reference, from: route) else { return "not permitted: \(port)" }
        switch reference.kind {
        case .service: return port.description
        case .externalService: return self.externals.cluster(of: reference) ?? "not external: \(port)"
        }
    }

    // MARK: Spelling

    private static func normalized(_ rewrite: URLRewrite) -> URLRewrite {
        URLRewrite(hostname: rewrite.hostname, path: rewrite.path.map(self.normalized))
    }

    /// A prefix has one spelling: without a slash at its end, `/` for none.
    private static func normalized(_ path: PathModifier) -> PathModifier {
        guard case .prefix(let text) = path else { return path }
        let elements = text.hasSuffix("/") ? String(text.dropLast()) : text
        return .prefix(elements.isEmpty ? "/" : elements)
    }

    private static func provenance(_ rule: HTTPRoute.Rule, of route: AttachedRoute) -> Provenance? {
        guard let whole = route.metadata.provenance, let line = rule.line else { return route.metadata.provenance }
        return Provenance(resource: whole.resource, revision: whole.revision, file: whole.file, line: line)
    }
}
