internal import FoundationEssentials
package import WeftModel

/// What a sidecar without a control plane knows, as a JSON document: services with fixed endpoints.
///
/// ```json
/// {"services": [{"name": "billing.default:80", "protocol": "http", "tls": true,
///                "endpoints": [{"address": "127.0.0.1", "port": 15006,
///                               "identity": "spiffe://mesh.local/ns/default/sa/billing"}]}],
///  "inbound": [{"service": "billing.default", "appPort": 8080, "protocol": "http"}]}
/// ```
package struct StaticSnapshot: Hashable, Sendable, Codable {
    package var services: [Service]
    /// What holds for the sidecar's own ports; without an entry, mutual TLS and the configured protocol.
    package var inbound: [Inbound]?

    package struct Service: Hashable, Sendable, Codable {
        /// Canonical: `name.namespace:port`.
        package var name: String
        /// What the application speaks. Default `http`.
        package var `protocol`: AppProtocol?
        /// Mutual TLS to the endpoints. Default: where an endpoint names an identity.
        package var tls: Bool?
        package var balancing: LoadBalancing?
        package var endpoints: [Endpoint]
        /// Routes besides the default one, for measurements: this many exact paths `/route/N` to the same endpoints.
        package var pathRoutes: Int?
        /// The same of three kinds in turn, none of which takes the usual request: a prefix, a header, an expression.
        package var mixedRoutes: Int?
    }

    package struct Endpoint: Hashable, Sendable, Codable {
        package var address: String
        package var port: Int
        package var identity: String?
        package var weight: Int?
        package var version: String?
    }

    package struct Inbound: Hashable, Sendable, Codable {
        package var service: String
        package var appPort: Int
        package var `protocol`: AppProtocol?
        /// Default `strict`.
        package var mtls: MTLSMode?
    }

    /// Reads a document. Throws `StaticConfigurationError`.
    package init(contentsOf path: String) throws {
        do {
            let bytes = try Data(contentsOf: URL(filePath: path))
            self = try JSONDecoder().decode(StaticSnapshot.self, from: bytes)
        } catch {
            throw StaticConfigurationError(path: path, cause: "\(error)")
        }
    }

    /// The snapshot it stands for. Throws `StaticConfigurationError` when a name or an identity is malformed.
    package func snapshot(isComplete: Bool = true) throws -> ProxySnapshot {
        var listeners: [String: Listener] = [:]
        var routes: [String: RouteConfiguration] = [:]
        var clusters: [String: Cluster] = [:]
        var endpoints: [String: ClusterEndpoints] = [:]
        for service in self.services {
            guard case .service(let port) = AuthorityResolution(authority: service.name, namespace: "default") else {
                throw StaticConfigurationError(path: service.name, cause: "a service is named name.namespace:port")
            }
            let name = port.description
            let members = try service.endpoints.enumerated().map { try $1.model(number: $0, of: name) }
            let peers = Set(members.compactMap(\.identity)).sorted { $0.description < $1.description }
            let isTLS = service.tls ?? !peers.isEmpty
            listeners[name] = .outbound(name: name, routeConfiguration: name)
            let action = RouteAction.forward([WeightedCluster(cluster: name)])
            var table = (0..<(service.pathRoutes ?? 0)).map {
                Route(name: "path-\($0)", match: RouteMatch(path: .exact("/route/\($0)")), action: action)
            }
            table += (0..<(service.mixedRoutes ?? 0)).map { number in
                let match =
                    switch number % 3 {
                    case 0: RouteMatch(path: .prefix("/api/v1/resource\(number)"))
                    case 1:
                        RouteMatch(
                            path: .prefix("/"), headers: [HeaderMatch(name: "x-version", value: .exact("v\(number)"))])
                    default: RouteMatch(path: .regularExpression("/items/[0-9]+/variant\(number)(/.*)?"))
                    }
                return Route(name: "mixed-\(number)", match: match, action: action)
            }
            table.append(Route(name: "default", action: action))
            routes[name] = RouteConfiguration(
                name: name, virtualHosts: [VirtualHost(name: name, domains: ["*"], routes: table)])
            clusters[name] = Cluster(
                name: name, service: port.service, loadBalancing: service.balancing ?? .peakEWMA,
                transport: isTLS ? .mutualTLS(peers: peers) : .plaintext, appProtocol: service.protocol ?? .http)
            endpoints[name] = ClusterEndpoints(cluster: name, endpoints: members)
        }
        for inbound in self.inbound ?? [] {
            guard case .service(let port) = AuthorityResolution(authority: inbound.service, namespace: "default") else {
                throw StaticConfigurationError(path: inbound.service, cause: "a service is named name.namespace")
            }
            let name = InboundListener.name(
                namespace: port.service.namespace, workload: port.service.name, appPort: inbound.appPort)
            listeners[name] = .inbound(
                InboundListener(
                    name: name, service: port.service, address: "", port: 0, appPort: inbound.appPort,
                    appProtocol: inbound.protocol ?? .http, mtls: inbound.mtls ?? .strict))
        }
        return ProxySnapshot(
            listeners: listeners, routes: routes, clusters: clusters, endpoints: endpoints, isComplete: isComplete)
    }
}

extension StaticSnapshot.Endpoint {
    fileprivate func model(number: Int, of service: String) throws -> WeftModel.Endpoint {
        var identity: SPIFFEID?
        if let text = self.identity {
            guard let id = SPIFFEID(text) else {
                throw StaticConfigurationError(path: service, cause: "\(text) is not a SPIFFE ID")
            }
            identity = id
        }
        return WeftModel.Endpoint(
            workload: "static/\(number)", address: self.address, port: self.port, identity: identity,
            weight: self.weight ?? 1, version: self.version ?? "")
    }
}

/// Why a static configuration cannot be used.
package struct StaticConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, or the service within it.
    package let path: String
    package let cause: String

    package var description: String { "\(self.path): \(self.cause)" }
}
