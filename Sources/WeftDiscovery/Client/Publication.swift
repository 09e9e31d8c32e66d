internal import WeftModel

/// Decides what of the resources received may be used: everything that is whole, and in place of what is not, what was
/// used before.
struct Publication {
    private let subscribed: Set<String>
    private let types: [ResourceType: HeldResources]
    private let previous: DiscoveredConfiguration

    init(subscribed: Set<String>, types: [ResourceType: HeldResources], previous: DiscoveredConfiguration) {
        self.subscribed = subscribed
        self.types = types
        self.previous = previous
    }

    var configuration: DiscoveredConfiguration {
        var new = DiscoveredConfiguration()
        for name in self.subscribed { self.publish(listener: name, into: &new) }
        for routes in new.routes.values {
            for name in routes.clusterNames { self.publish(cluster: name, into: &new) }
        }
        return new
    }

    private func publish(listener name: String, into new: inout DiscoveredConfiguration) {
        switch self.types[.listener]?.resource(name) {
        case .listener(.inbound(let inbound), _): new.listeners[name] = .inbound(inbound)
        case .listener(.outbound(_, let routesName), _):
            let received = self.types.received(routesOf: name)
            if let received, self.isWhole(received) {
                new.listeners[name] = .outbound(name: name, routeConfiguration: routesName)
                new.routes[received.name] = received
            } else if received == nil, self.isAbsent(.route, routesName) {
                // A listener without routes answers that there is none.
                new.listeners[name] = .outbound(name: name, routeConfiguration: routesName)
            } else {
                self.keep(listener: name, in: &new)
            }
        case .route, .cluster, .endpoints, nil:
            if self.isAbsent(.listener, name) { new.absent.insert(name) } else { self.keep(listener: name, in: &new) }
        }
    }

    private func keep(listener name: String, in new: inout DiscoveredConfiguration) {
        guard let before = self.previous.listeners[name] else { return }
        new.listeners[name] = before
        if case .outbound(_, let used) = before { new.routes[used] = self.previous.routes[used] }
    }

    private func publish(cluster name: String, into new: inout DiscoveredConfiguration) {
        guard case .cluster(let cluster, let endpointsName, let inline) = self.types[.cluster]?.resource(name) else {
            // Routes in use outlive their clusters only while their successors are on the way.
            if !self.isAbsent(.cluster, name) || self.isSuperseded(naming: name, in: new) {
                new.clusters[name] = self.previous.clusters[name]
                new.endpoints[name] = self.previous.endpoints[name]
            }
            return
        }
        new.clusters[name] = cluster
        if let inline {
            new.endpoints[name] = inline
        } else if case .endpoints(var endpoints) = self.types[.endpoints]?.resource(endpointsName) {
            endpoints.cluster = name
            new.endpoints[name] = endpoints
        } else {
            new.endpoints[name] = ClusterEndpoints(cluster: name, endpoints: [])
        }
    }

    /// Whether routes in use that name a cluster have successors that are not whole yet.
    private func isSuperseded(naming cluster: String, in new: DiscoveredConfiguration) -> Bool {
        self.subscribed.contains { name in
            guard case .outbound(_, let routesName) = new.listeners[name], let used = new.routes[routesName],
                used.clusterNames.contains(cluster)
            else { return false }
            return self.types.received(routesOf: name).map { $0 != used } ?? false
        }
    }

    /// Whether every cluster that routes name has come, with its endpoints, or is known not to exist.
    private func isWhole(_ routes: RouteConfiguration) -> Bool {
        routes.clusterNames.allSatisfy { name in
            guard case .cluster(_, let endpoints, let inline) = self.types[.cluster]?.resource(name) else {
                return self.isAbsent(.cluster, name)
            }
            return inline != nil || self.types[.endpoints]?.resource(endpoints) != nil
                || self.isAbsent(.endpoints, endpoints)
        }
    }

    private func isAbsent(_ type: ResourceType, _ name: String) -> Bool { self.types[type]?.isAbsent(name) ?? false }
}

extension [ResourceType: HeldResources] {
    /// The newest routes that came for a listener.
    func received(routesOf listener: String) -> RouteConfiguration? {
        guard case .listener(.outbound(_, let name), let inline) = self[.listener]?.resource(listener) else {
            return nil
        }
        if let inline { return inline }
        guard case .route(let routes) = self[.route]?.resource(name) else { return nil }
        return routes
    }
}
