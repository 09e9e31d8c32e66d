internal import WeftModel

/// Finds routes that take nothing because others hold what they claim.
///
/// Source: Gateway API for a mesh: a port has routes of one kind; of TCPRoutes, and of TLSRoutes for one server name, the
/// oldest counts.
enum RouteConflictLint {
    /// One port of a service; of a service that nobody declared, a number that some route names, or nil for all others.
    private struct Port {
        let number: Int?
        let name: String
        let appProtocol: AppProtocol

        func isCovered(by parent: RouteParent) -> Bool {
            (parent.port ?? self.number) == self.number && (parent.portName ?? self.name) == self.name
        }
    }

    /// A route's reference to a parent.
    private struct Claim: Hashable {
        let route: Int
        let parent: Int
    }

    /// Those that take the calls of one port for the same callers.
    private struct Winners {
        /// The oldest first.
        let routes: [Int]
        /// By server name.
        let holders: [String: Int]
    }

    static func findings(in world: LintWorld) -> [Diagnostic] {
        var services: Set<ServiceName> = []
        for route in world.routes { services.formUnion(route.services) }
        return services.sorted().flatMap { self.findings($0, world.routes(of: $0), world) }
    }

    private static func findings(_ service: ServiceName, _ routes: [LintRoute], _ world: LintWorld) -> [Diagnostic] {
        guard routes.count > 1 else { return [] }
        var taken: Set<Claim> = []
        var lost: [Claim: (holder: ResourceKey, why: String)] = [:]
        var lostNames: [Claim: [String: ResourceKey]] = [:]
        for port in self.ports(of: service, routes, world) {
            var claims: [String: [Claim]] = [:]
            for (index, route) in routes.enumerated() where port.appProtocol.suits(route.kind) {
                guard
                    let parent = route.parents.firstIndex(where: {
                        $0.service == service && port.isCovered(by: $0)
                    })
                else { continue }
                claims[route.consumer(of: service) ?? "", default: []].append(Claim(route: index, parent: parent))
            }
            for rivals in claims.values where rivals.count > 1 {
                let winners = self.winners(rivals.map(\.route), routes)
                guard let first = winners.routes.first else { continue }
                for claim in rivals {
                    let route = routes[claim.route]
                    if route.kind != routes[first].kind {
                        lost[claim] = (routes[first].key, "holds the port, and a port has routes of one kind")
                    } else if route.kind == .tcpRoute, claim.route != first {
                        lost[claim] = (routes[first].key, "holds the port and is older")
                    } else if route.kind == .tlsRoute {
                        for name in route.hostnames {
                            guard let holder = winners.holders[name], holder != claim.route else { continue }
                            lostNames[claim, default: [:]][name] = routes[holder].key
                        }
                        if route.hostnames.contains(where: { winners.holders[$0] == claim.route }) {
                            taken.insert(claim)
                        } else if let name = route.hostnames.first, let holder = winners.holders[name] {
                            lost[claim] = (routes[holder].key, "has the same server names and is older")
                        }
                    } else {
                        taken.insert(claim)
                    }
                }
            }
            for rivals in claims.values where rivals.count == 1 { taken.formUnion(rivals) }
        }
        return self.report(routes, taken, lost, lostNames)
    }

    private static func report(
        _ routes: [LintRoute], _ taken: Set<Claim>, _ lost: [Claim: (holder: ResourceKey, why: String)],
        _ lostNames: [Claim: [String: ResourceKey]]
    ) -> [Diagnostic] {
        var findings: [Diagnostic] = []
        for (claim, loss) in lost where !taken.contains(claim) {
            let route = routes[claim.route]
            findings.append(
                route.metadata.finding(
                    .warning, kind: route.kind, field: "spec.parentRefs[\(claim.parent)]",
                    "\(loss.holder) \(loss.why): the route takes no \(route.loss.traffic)",
                    remedy: "Remove one of the two, or name another port."))
        }
        for (claim, names) in lostNames where taken.contains(claim) {
            let route = routes[claim.route]
            let list = names.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
            findings.append(
                route.metadata.finding(
                    .warning, kind: route.kind, field: "spec.hostnames",
                    "older routes have these names already: \(list.joined(separator: ", "))",
                    remedy: "Remove the names from one of the routes."))
        }
        return findings
    }

    /// `candidates` are places in `routes`.
    private static func winners(_ candidates: [Int], _ routes: [LintRoute]) -> Winners {
        let kind = candidates.map { self.rank(routes[$0].kind) }.min()
        let sorted = candidates.filter { self.rank(routes[$0].kind) == kind }
            .sorted { routes[$0].metadata.isOlder(than: routes[$1].metadata) }
        var holders: [String: Int] = [:]
        for index in sorted { for name in routes[index].hostnames where holders[name] == nil { holders[name] = index } }
        return Winners(routes: sorted, holders: holders)
    }

    /// The order in which kinds win a port.
    private static func rank(_ kind: ResourceKind) -> Int {
        switch kind {
        case .grpcRoute: 0
        case .httpRoute: 1
        case .tlsRoute: 2
        default: 3
        }
    }

    private static func ports(of service: ServiceName, _ routes: [LintRoute], _ world: LintWorld) -> [Port] {
        if let declared = world.services[service] {
            return declared.ports.map { Port(number: $0.port, name: $0.name, appProtocol: $0.appProtocol) }
        }
        let numbers = Set(routes.flatMap(\.parents).filter { $0.service == service }.compactMap(\.port))
        return (numbers.sorted().map(Optional.some) + [nil]).map {
            Port(number: $0, name: "", appProtocol: .detect)
        }
    }
}
