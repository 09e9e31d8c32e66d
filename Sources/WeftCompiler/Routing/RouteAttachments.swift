internal import WeftModel

/// Which routes are attached to which service ports, and for whose calls.
struct RouteAttachments {
    /// The routes of one port that serve the same callers.
    struct Group {
        /// Nil is every namespace without a group of its own: the service's owner's word.
        let consumer: String?
        /// Those of the kind that wins the port.
        let routes: [AttachedRoute]
    }

    let sources: RouteSources
    private let byService: [ServiceName: [AttachedRoute]]

    init(_ sources: RouteSources) {
        self.sources = sources
        var byService: [ServiceName: [AttachedRoute]] = [:]
        for route in sources.routes {
            for service in Set(route.parents.map(\.service)) { byService[service, default: []].append(route) }
        }
        self.byService = byService
    }

    /// The groups of one port, the owner's first, then by namespace. `portName` is the port's own name.
    ///
    /// Source: Gateway API for a mesh: a route in the service's namespace is its producer's and serves every caller; one
    /// in another namespace is a consumer's and serves the callers of that namespace, instead of the producer's.
    func groups(of port: ServicePort, portName: String) -> [Group] {
        var byConsumer: [String: [AttachedRoute]] = [:]
        for route in self.byService[port.service] ?? []
        where route.parents.contains(where: {
            $0.service == port.service && $0.covers(port: port.port, named: portName)
        }) {
            byConsumer[route.metadata.namespace, default: []].append(route)
        }
        let owner = byConsumer.removeValue(forKey: port.service.namespace) ?? []
        return [Group(consumer: nil, routes: Self.winners(owner))]
            + byConsumer.sorted { $0.key < $1.key }.map { Group(consumer: $0.key, routes: Self.winners($0.value)) }
    }

    private static func winners(_ routes: [AttachedRoute]) -> [AttachedRoute] {
        guard let kind = routes.map(\.kind).min() else { return [] }
        return routes.filter { $0.kind == kind }
    }
}
