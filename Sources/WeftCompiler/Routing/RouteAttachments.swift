internal import WeftModel

/// Which routes are attached to which service ports, and for whose calls.
struct RouteAttachments {
    /// The routes of one port that serve the same callers.
    struct Group {
        /// Nil is every namespace without a group of its own: the service's owner's word.
        let consumer: String?
        /// Those of the kind that wins the port, the oldest first; of TCPRoutes the oldest alone.
        let routes: [AttachedRoute]
        /// Which of them has each server name: of TLSRoutes that claim the same the oldest.
        let holders: [String: AttachedRoute]

        /// `attached` are all that claim the port.
        init(consumer: String?, attached: [AttachedRoute]) {
            let kind = attached.map(\.kind).min()
            let winners = attached.filter { $0.kind == kind }.sorted { $0.metadata.precedes($1.metadata) }
            self.consumer = consumer
            self.routes = kind == .tcp ? Array(winners.prefix(1)) : winners
            var holders: [String: AttachedRoute] = [:]
            for route in self.routes {
                for hostname in route.hostnames where holders[hostname] == nil { holders[hostname] = route }
            }
            self.holders = holders
        }
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

    /// The groups of one port, the owner's first, then by namespace. Routes that cannot carry what the port speaks are
    /// in none of them.
    ///
    /// Source: Gateway API for a mesh: a route in the service's namespace is its producer's and serves every caller; one
    /// in another namespace is a consumer's and serves the callers of that namespace, instead of the producer's.
    func groups(of service: ServiceName, port: CatalogEntry.Port) -> [Group] {
        var byConsumer: [String: [AttachedRoute]] = [:]
        for route in self.byService[service] ?? [] where route.attaches(to: port, of: service) {
            byConsumer[route.metadata.namespace, default: []].append(route)
        }
        let owner = byConsumer.removeValue(forKey: service.namespace) ?? []
        return [Group(consumer: nil, attached: owner)]
            + byConsumer.sorted { $0.key < $1.key }.map { Group(consumer: $0.key, attached: $0.value) }
    }
}
