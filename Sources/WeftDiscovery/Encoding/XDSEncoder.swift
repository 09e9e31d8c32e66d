package import SwiftProtobuf
package import WeftModel
internal import WeftProtos

/// Writes the mesh's configuration as xDS resources.
///
/// Equal values give equal bytes. Every method throws only where protobuf cannot hold the value (over 2 GiB).
package struct XDSEncoder: Sendable {
    package let dialect: Dialect

    package init(dialect: Dialect) { self.dialect = dialect }

    /// The name under which Envoy's bootstrap holds the proxy's own certificate.
    package static let identitySecretName = "weft-identity"
    /// The name under which Envoy's bootstrap holds the roots to trust.
    package static let trustSecretName = "weft-trust"
    /// The certificate provider in a gRPC bootstrap.
    package static let certificateProviderName = "default"

    /// A listener, or nil where the dialect has none for it: Envoy gets one for all services
    /// (`envoyOutboundListener`), and only Weft's proxy takes inbound ones.
    package func encode(_ listener: Listener) throws -> Google_Protobuf_Any? {
        switch (listener, self.dialect) {
        case (.outbound(let name, let routes), .weft), (.outbound(let name, let routes), .grpc):
            try pack(self.apiListener(name: name, routes: routes))
        case (.inbound(let inbound), .weft): try pack(self.inboundListener(inbound))
        case (.outbound, .envoy), (.inbound, .envoy), (.inbound, .grpc): nil
        }
    }

    package func encode(_ routes: RouteConfiguration) throws -> Google_Protobuf_Any {
        try pack(
            .with {
                $0.name = routes.name
                $0.virtualHosts = try routes.virtualHosts.map { try self.virtualHost($0, domains: $0.domains) }
            } as Envoy_Config_Route_V3_RouteConfiguration)
    }

    package func encode(_ cluster: Cluster) throws -> Google_Protobuf_Any { try pack(self.cluster(cluster)) }

    package func encode(_ endpoints: ClusterEndpoints) throws -> Google_Protobuf_Any {
        try pack(self.assignment(endpoints))
    }

    /// The one listener through which an Envoy's application reaches all services, as an HTTP proxy or by host name.
    package func envoyOutboundListener(
        name: String, address: String, port: Int, routeConfiguration: String
    ) throws -> Google_Protobuf_Any {
        let manager = try self.connectionManager(statPrefix: "outbound", routes: routeConfiguration)
        return try pack(
            .with {
                $0.name = name
                $0.address = socketAddress(address, port)
                $0.trafficDirection = .outbound
                $0.filterChains = [
                    .with {
                        $0.filters = [
                            .with {
                                $0.name = "http"
                                $0.typedConfig = manager
                            }
                        ]
                    }
                ]
            } as Envoy_Config_Listener_V3_Listener)
    }

    /// The routes of `envoyOutboundListener`: those of all services, each under the names its callers use.
    ///
    /// - Parameter namespace: whose services are also reached by their bare name.
    package func envoyOutboundRoutes(
        name: String, of configurations: [RouteConfiguration], namespace: String
    ) throws -> Google_Protobuf_Any {
        var taken: Set<String> = []
        var hosts: [Envoy_Config_Route_V3_VirtualHost] = []
        for configuration in configurations.sorted(by: { $0.name < $1.name }) {
            for host in configuration.virtualHosts {
                let domains =
                    host.domains == ["*"]
                    ? ServicePort(parsing: configuration.name)?.authorities(from: namespace) ?? [configuration.name]
                    : host.domains
                let free = domains.filter { $0 != "*" && taken.insert($0.lowercased()).inserted }
                if free.isEmpty { continue }
                var encoded = try self.virtualHost(host, domains: free)
                encoded.name = "\(configuration.name)/\(host.name)"
                hosts.append(encoded)
            }
        }
        return try pack(
            .with {
                $0.name = name
                $0.virtualHosts = hosts
            } as Envoy_Config_Route_V3_RouteConfiguration)
    }

    // MARK: Listeners

    private func apiListener(name: String, routes: String) throws -> Envoy_Config_Listener_V3_Listener {
        let manager = try self.connectionManager(statPrefix: name, routes: routes)
        return .with {
            $0.name = name
            $0.apiListener.apiListener = manager
        }
    }

    private func connectionManager(statPrefix: String, routes: String) throws -> Google_Protobuf_Any {
        let router = try pack(Envoy_Extensions_Filters_Http_Router_V3_Router())
        return try pack(
            .with {
                $0.statPrefix = statPrefix
                $0.rds.routeConfigName = routes
                $0.rds.configSource = adsSource
                $0.httpFilters = [
                    .with {
                        $0.name = "router"
                        $0.typedConfig = router
                    }
                ]
                if self.dialect == .envoy { $0.upgradeConfigs = [.with { $0.upgradeType = "websocket" }] }
            } as Envoy_Extensions_Filters_Network_HttpConnectionManager_V3_HttpConnectionManager)
    }

    private func inboundListener(_ inbound: InboundListener) throws -> Envoy_Config_Listener_V3_Listener {
        let filter = try pack(
            .with {
                $0.namespace = inbound.service.namespace
                $0.service = inbound.service.name
                $0.appPort = UInt32(clamping: inbound.appPort)
                $0.appProtocol = inbound.appProtocol.rawValue
                $0.mtls = inbound.mtls.rawValue
                if let concurrency = inbound.concurrency { $0.concurrency = Weft_V1_Concurrency(concurrency) }
                $0.rateLimits = inbound.rateLimits.map(Weft_V1_RateLimit.init)
                $0.trustDeadlines = inbound.trustsDeadlines
                $0.sources = wireSources(inbound.sources)
                if inbound.forwarding != ForwardingPolicy() { $0.forwarding = Weft_V1_Forwarding(inbound.forwarding) }
                if let idle = inbound.idleTimeout { $0.idleTimeout = Google_Protobuf_Duration(idle) }
                if !inbound.authorization.isEmpty { $0.authorization = Weft_V1_Authorization(inbound.authorization) }
                if let source = inbound.mtlsSource { $0.mtlsSource = Weft_V1_Provenance(source) }
            } as Weft_V1_InboundListener)
        return .with {
            $0.name = inbound.name
            $0.address = socketAddress(inbound.address, inbound.port)
            $0.trafficDirection = .inbound
            $0.filterChains = [
                .with {
                    $0.filters = [
                        .with {
                            $0.name = weftExtensionName
                            $0.typedConfig = filter
                        }
                    ]
                }
            ]
        }
    }
}
