internal import WeftModel

/// Makes the routes of one service port: each match a route of its own, in the order they are tried.
enum RouteCompiler {
    static func configuration(
        _ port: ServicePort, portName: String, attachments: RouteAttachments, policies: PolicyIndex
    ) -> RouteConfiguration {
        let attached = attachments.routes(of: port, portName: portName)
        let routes = attached.isEmpty ? [self.defaultRoute(port, policies)] : self.routes(attached, port, policies)
        return RouteConfiguration(
            name: port.description,
            virtualHosts: [VirtualHost(name: port.description, domains: ["*"], routes: routes)])
    }

    /// Where nobody attached a route, everything goes to the service itself.
    private static func defaultRoute(_ port: ServicePort, _ policies: PolicyIndex) -> Route {
        let traffic = policies.effective(service: port.service)
        var route = Route(
            name: "default", action: .forward([WeightedCluster(cluster: port.description)]), timeouts: traffic.timeouts,
            retry: traffic.retry, provenance: policies.narrowest(of: port.service))
        route.hashKey = self.hashKey(of: [port.service], policies)
        return route
    }

    private static func routes(_ attached: [HTTPRoute], _ port: ServicePort, _ policies: PolicyIndex) -> [Route] {
        var candidates: [(precedence: RoutePrecedence, route: Route)] = []
        for route in attached {
            // A route without rules has one that matches everything and has no backends.
            let rules = route.rules.isEmpty ? [HTTPRoute.Rule()] : route.rules
            for (index, rule) in rules.enumerated() {
                let template = self.template(rule, index: index, of: route, port: port, policies: policies)
                let matches = rule.matches.isEmpty ? [RouteMatch()] : rule.matches
                for (position, match) in matches.enumerated() {
                    var compiled = template
                    compiled.match = match
                    let precedence = RoutePrecedence(match, route: route.metadata, rule: index, match: position)
                    candidates.append((precedence, compiled))
                }
            }
        }
        candidates.sort { $0.precedence < $1.precedence }
        return candidates.map(\.route)
    }

    /// The rule as a route, its match still open.
    private static func template(
        _ rule: HTTPRoute.Rule, index: Int, of route: HTTPRoute, port: ServicePort, policies: PolicyIndex
    ) -> Route {
        let traffic = policies.effective(service: port.service, route: route, rule: rule)
        var compiled = Route(
            name: self.name(rule, index: index, of: route), action: self.action(rule, of: route),
            requestHeaders: rule.requestHeaders, responseHeaders: rule.responseHeaders, timeouts: traffic.timeouts,
            retry: traffic.retry, provenance: self.provenance(rule, of: route))
        if rule.backends.count > 1 { compiled.stickyCohort = traffic.stickyCohort.value }
        compiled.hashKey = self.hashKey(of: rule.backends.map(\.service), policies)
        return compiled
    }

    /// What the first backend with a hashing balancer takes the hash of: an Envoy looks for it in the route.
    private static func hashKey(of backends: [ServiceName], _ policies: PolicyIndex) -> AffinityKey? {
        for backend in backends {
            let traffic = policies.effective(service: backend)
            if traffic.loadBalancing.value.isHashing, let key = traffic.balancing.hashKey { return key }
        }
        return nil
    }

    private static func name(_ rule: HTTPRoute.Rule, index: Int, of route: HTTPRoute) -> String {
        let name = "\(route.metadata.namespace)/\(route.metadata.name)"
        if let own = rule.name { return "\(name)/\(own)" }
        return route.rules.count > 1 ? "\(name)/\(index)" : name
    }

    /// Backends that do not exist stay as clusters that nobody has, so that their share of the traffic, and no more, is
    /// answered with 500.
    private static func action(_ rule: HTTPRoute.Rule, of route: HTTPRoute) -> RouteAction {
        let name = "\(route.metadata.namespace)/\(route.metadata.name)"
        guard !rule.backends.isEmpty else {
            return .respond(status: 500, body: "The route \(name) takes this request and names no backend.")
        }
        guard rule.backends.contains(where: { $0.weight > 0 }) else {
            return .respond(status: 500, body: "All backends of the route \(name) have weight 0.")
        }
        return .forward(
            rule.backends.map { backend in
                WeightedCluster(
                    cluster: ServicePort(service: backend.service, port: backend.port).description,
                    weight: backend.weight, requestHeaders: backend.requestHeaders,
                    responseHeaders: backend.responseHeaders)
            })
    }

    private static func provenance(_ rule: HTTPRoute.Rule, of route: HTTPRoute) -> Provenance? {
        guard let whole = route.metadata.provenance, let line = rule.line else { return route.metadata.provenance }
        return Provenance(resource: whole.resource, revision: whole.revision, file: whole.file, line: line)
    }
}
