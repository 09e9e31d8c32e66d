internal import Logging
internal import WeftDiscovery
internal import WeftModel

/// What one client sees of one snapshot: every service by name, and of inbound sides only its own.
struct ClientView: WeftDiscovery.ResourceView {
    let snapshot: MeshSnapshot
    let client: DiscoveryClientIdentity
    /// `namespace/name` of the workloads that this identity registered.
    let ownWorkloads: Set<String>
    let cache: EncodingCache
    let logger: Logger

    /// The one listener and the one route configuration of an Envoy.
    static let envoyOutbound = "weft-outbound"

    var version: String { "\(self.snapshot.revision)" }

    func resource(_ type: ResourceType, named name: String) -> ServedResource? {
        do {
            return switch type {
            case .cluster: try self.cluster(name)
            case .endpoints: try self.endpoints(name)
            case .listener: try self.listener(name)
            case .route: try self.route(name)
            // Certificates never come from here: keys do not leave their workloads.
            case .secret: nil
            }
        } catch {
            self.logger.error("a resource could not be encoded", metadata: ["name": "\(name)", "cause": "\(error)"])
            return nil
        }
    }

    func names(of type: ResourceType) -> [String] {
        switch (self.client.dialect, type) {
        case (.envoy, .listener): [Self.envoyOutbound]
        case (.envoy, .cluster): self.snapshot.clusters.keys.sorted()
        // Weft's proxies and gRPC ask for services by name; unasked they get their own inbound side.
        case (.weft, .listener): self.snapshot.listeners.values.filter(self.isOwnInbound).map(\.name).sorted()
        default: []
        }
    }

    private var encoder: XDSEncoder { XDSEncoder(dialect: self.client.dialect) }

    private func cluster(_ name: String) throws -> ServedResource? {
        guard let cluster = self.snapshot.clusters[name] ?? self.outside(name)?.cluster else { return nil }
        return try self.cache.served(cluster, .cluster, named: name, for: self.client.dialect) {
            ServedResource(name: name, body: try self.encoder.encode(cluster))
        }
    }

    private func endpoints(_ name: String) throws -> ServedResource? {
        // A cluster without endpoints is told so; silence would leave old ones in use.
        let known = self.snapshot.endpoints[name]
        guard
            let endpoints = known
                ?? (self.snapshot.clusters[name] == nil ? nil : ClusterEndpoints(cluster: name, endpoints: []))
        else { return nil }
        return try self.cache.served(endpoints, .endpoints, named: name, for: self.client.dialect) {
            ServedResource(name: name, body: try self.encoder.encode(endpoints))
        }
    }

    private func listener(_ name: String) throws -> ServedResource? {
        if self.client.dialect == .envoy {
            guard name == Self.envoyOutbound else { return nil }
            return ServedResource(
                name: name,
                body: try self.encoder.envoyOutboundListener(
                    name: name, address: "127.0.0.1", port: self.client.outboundPort,
                    routeConfiguration: Self.envoyOutbound))
        }
        guard let listener = self.snapshot.listeners[name] ?? self.outside(name)?.listener else { return nil }
        if case .inbound = listener, !self.isOwnInbound(listener) { return nil }
        if let own = self.consumerListener(listener) {
            return try self.cache.served(own, .listener, named: own.routeName, for: self.client.dialect) {
                try self.encoder.encode(own.listener).map { ServedResource(name: name, body: $0) }
            }
        }
        return try self.cache.served(listener, .listener, named: name, for: self.client.dialect) {
            try self.encoder.encode(listener).map { ServedResource(name: name, body: $0) }
        }
    }

    private func route(_ name: String) throws -> ServedResource? {
        if self.client.dialect == .envoy {
            guard name == Self.envoyOutbound else { return nil }
            return ServedResource(
                name: name,
                body: try self.encoder.envoyOutboundRoutes(
                    name: name, of: self.routesForEnvoy, namespace: self.client.namespace))
        }
        guard let routes = self.snapshot.routes[name] ?? self.outside(name)?.routes else { return nil }
        if let consumer = RouteConfiguration.parts(of: name).consumer, consumer != self.client.namespace { return nil }
        return try self.cache.served(routes, .route, named: name, for: self.client.dialect) {
            ServedResource(name: name, body: try self.encoder.encode(routes))
        }
    }

    /// What an unknown name stands for, where calls out of the mesh are allowed.
    private func outside(_ name: String) -> (listener: Listener, routes: RouteConfiguration, cluster: Cluster)? {
        guard self.snapshot.listeners[name] == nil, self.snapshot.clusters[name] == nil else { return nil }
        return self.snapshot.openEgress?.destination(name)
    }

    private struct ConsumerListener: Hashable, Sendable {
        let listener: Listener
        let routeName: String
    }

    /// The listener with the routes that callers of the client's namespace have of their own; nil where they have none.
    private func consumerListener(_ listener: Listener) -> ConsumerListener? {
        guard case .outbound(let name, let routes) = listener else { return nil }
        let own = RouteConfiguration.name(of: routes, consumer: self.client.namespace)
        guard self.snapshot.routes[own] != nil else { return nil }
        return ConsumerListener(listener: .outbound(name: name, routeConfiguration: own), routeName: own)
    }

    /// Every service's routes as callers of the client's namespace take them, under the services' own names.
    private var routesForEnvoy: [RouteConfiguration] {
        self.snapshot.routes.values.compactMap { routes in
            let parts = RouteConfiguration.parts(of: routes.name)
            let own = RouteConfiguration.name(of: parts.port, consumer: self.client.namespace)
            if parts.consumer == nil { return self.snapshot.routes[own] == nil ? routes : nil }
            guard parts.consumer == self.client.namespace else { return nil }
            return RouteConfiguration(name: parts.port, virtualHosts: routes.virtualHosts)
        }
    }

    /// By the name, `inbound/<namespace>/<workload>/<port>`.
    private func isOwnInbound(_ listener: Listener) -> Bool {
        guard case .inbound(let inbound) = listener else { return false }
        let parts = inbound.name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 4 && self.ownWorkloads.contains("\(parts[1])/\(parts[2])")
    }
}
