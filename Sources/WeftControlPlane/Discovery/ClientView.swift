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
        guard let cluster = self.snapshot.clusters[name] else { return nil }
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
        guard let listener = self.snapshot.listeners[name] else { return nil }
        if case .inbound = listener, !self.isOwnInbound(listener) { return nil }
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
                    name: name, of: Array(self.snapshot.routes.values), namespace: self.client.namespace))
        }
        guard let routes = self.snapshot.routes[name] else { return nil }
        return try self.cache.served(routes, .route, named: name, for: self.client.dialect) {
            ServedResource(name: name, body: try self.encoder.encode(routes))
        }
    }

    /// By the name, `inbound/<namespace>/<workload>/<port>`.
    private func isOwnInbound(_ listener: Listener) -> Bool {
        guard case .inbound(let inbound) = listener else { return false }
        let parts = inbound.name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 4 && self.ownWorkloads.contains("\(parts[1])/\(parts[2])")
    }
}
