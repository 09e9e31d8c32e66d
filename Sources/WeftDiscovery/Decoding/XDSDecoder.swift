package import SwiftProtobuf
package import WeftModel
internal import WeftProtos

/// Reads xDS resources as the mesh's configuration: our own control plane's, and a foreign one's as far as Weft can
/// honour it. What it cannot honour is an error, so that the response is refused rather than half followed.
package enum XDSDecoder {
    /// One resource that came over discovery.
    package enum Resource: Hashable, Sendable {
        /// A listener; `inlineRoutes` when it carried its routes itself, under the listener's own name.
        case listener(Listener, inlineRoutes: RouteConfiguration?)
        case route(RouteConfiguration)
        /// A cluster; its endpoints are asked for as `endpoints`, unless it carried them itself.
        case cluster(Cluster, endpoints: String, inlineEndpoints: ClusterEndpoints?)
        case endpoints(ClusterEndpoints)

        /// The resource's own name.
        package var name: String {
            switch self {
            case .listener(let listener, _): listener.name
            case .route(let routes): routes.name
            case .cluster(let cluster, _, _): cluster.name
            case .endpoints(let endpoints): endpoints.cluster
            }
        }
    }

    /// Reads `body` as a resource of `type`. Throws `XDSDecodingError`.
    package static func decode(_ type: ResourceType, _ body: Google_Protobuf_Any) throws(XDSDecodingError) -> Resource {
        guard body.typeURL == type.typeURL else {
            throw XDSDecodingError(resource: "", field: "type_url", cause: "\(body.typeURL) is not \(type.typeURL)")
        }
        switch type {
        case .listener: return try self.listener(unpack(body))
        case .route: return .route(try self.routes(unpack(body)))
        case .cluster: return try self.cluster(unpack(body))
        case .endpoints: return .endpoints(try self.endpoints(unpack(body)))
        case .secret:
            throw XDSDecodingError(resource: "", field: "type_url", cause: "secrets are not taken over discovery")
        }
    }

    // MARK: Listeners

    private static func listener(_ listener: Envoy_Config_Listener_V3_Listener) throws(XDSDecodingError) -> Resource {
        func refuse(_ field: String, _ cause: String) -> XDSDecodingError {
            XDSDecodingError(resource: listener.name, field: field, cause: cause)
        }
        if listener.hasApiListener {
            let manager: Envoy_Extensions_Filters_Network_HttpConnectionManager_V3_HttpConnectionManager =
                try unpack(listener.apiListener.apiListener, of: listener.name)
            switch manager.routeSpecifier {
            case .rds(let rds):
                guard !rds.routeConfigName.isEmpty else {
                    throw refuse("api_listener.rds.route_config_name", "is empty")
                }
                return .listener(
                    .outbound(name: listener.name, routeConfiguration: rds.routeConfigName), inlineRoutes: nil)
            case .routeConfig(var inline):
                inline.name = listener.name
                return .listener(
                    .outbound(name: listener.name, routeConfiguration: listener.name),
                    inlineRoutes: try self.routes(inline))
            case nil: throw refuse("api_listener", "names no routes")
            }
        }
        let filters = listener.filterChains.flatMap(\.filters)
        guard let filter = filters.first(where: { $0.typedConfig.typeURL == typeURL(of: Weft_V1_InboundListener.self) })
        else { throw refuse("api_listener", "is absent, and so is a filter that Weft knows") }
        let inbound: Weft_V1_InboundListener = try unpack(filter.typedConfig, of: listener.name)
        guard let appProtocol = AppProtocol(rawValue: inbound.appProtocol) else {
            throw refuse("app_protocol", "'\(inbound.appProtocol)' is unknown")
        }
        guard let mtls = MTLSMode(rawValue: inbound.mtls) else {
            throw refuse("mtls", "'\(inbound.mtls)' is unknown")
        }
        var model = InboundListener(
            name: listener.name, service: ServiceName(namespace: inbound.namespace, name: inbound.service),
            address: listener.address.socketAddress.address, port: Int(listener.address.socketAddress.portValue),
            appPort: Int(inbound.appPort), appProtocol: appProtocol, mtls: mtls)
        model.concurrency = inbound.hasConcurrency ? inbound.concurrency.model : nil
        for limit in inbound.rateLimits.prefix(16) { model.rateLimits.append(try limit.model(of: listener.name)) }
        model.trustsDeadlines = inbound.trustDeadlines
        model.sources = modelSources(inbound.sources)
        model.forwarding = inbound.forwarding.model
        model.idleTimeout = inbound.hasIdleTimeout ? inbound.idleTimeout.swiftDuration : nil
        if inbound.hasAuthorization { model.authorization = try inbound.authorization.model(of: listener.name) }
        model.mtlsSource = inbound.hasMtlsSource ? inbound.mtlsSource.model : nil
        return .listener(.inbound(model), inlineRoutes: nil)
    }

    // MARK: Endpoints

    static func endpoints(
        _ assignment: Envoy_Config_Endpoint_V3_ClusterLoadAssignment
    ) throws(XDSDecodingError) -> ClusterEndpoints {
        // Weft spreads over one priority: the first that has endpoints.
        let populated = assignment.endpoints.filter { !$0.lbEndpoints.isEmpty }
        let priority = populated.map(\.priority).min()
        var endpoints: [Endpoint] = []
        for locality in populated where locality.priority == priority {
            for lb in locality.lbEndpoints {
                switch lb.healthStatus {
                case .unhealthy, .draining, .timeout: continue
                case .unknown, .healthy, .degraded, .UNRECOGNIZED: break
                }
                endpoints.append(try self.endpoint(lb, in: locality, of: assignment.clusterName))
            }
        }
        endpoints.sort { ($0.workload, $0.address, $0.port) < ($1.workload, $1.address, $1.port) }
        return ClusterEndpoints(cluster: assignment.clusterName, endpoints: endpoints)
    }

    private static func endpoint(
        _ lb: Envoy_Config_Endpoint_V3_LbEndpoint, in locality: Envoy_Config_Endpoint_V3_LocalityLbEndpoints,
        of cluster: String
    ) throws(XDSDecodingError) -> Endpoint {
        let socket = lb.endpoint.address.socketAddress
        guard !socket.address.isEmpty, (1...65535).contains(socket.portValue) else {
            throw XDSDecodingError(resource: cluster, field: "endpoint.address", cause: "is not an IP address and port")
        }
        let known: Weft_V1_EndpointExtension? = try weftExtension(of: lb.metadata, resource: cluster)
        var identity: SPIFFEID?
        if let text = known?.identity, !text.isEmpty {
            identity = SPIFFEID(text)
            if identity == nil {
                throw XDSDecodingError(resource: cluster, field: "identity", cause: "'\(text)' is not a SPIFFE ID")
            }
        }
        return Endpoint(
            workload: known?.workload ?? "\(socket.address):\(socket.portValue)", address: socket.address,
            port: Int(socket.portValue), identity: identity,
            locality: Locality(
                region: locality.locality.region, zone: locality.locality.zone, subZone: locality.locality.subZone),
            weight: lb.hasLoadBalancingWeight ? Int(max(1, lb.loadBalancingWeight.value)) : 1,
            version: known?.version ?? "")
    }
}

/// Why a resource was refused.
package struct XDSDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Empty when the name could not be read.
    package var resource: String
    package var field: String
    package var cause: String

    package var description: String {
        (self.resource.isEmpty ? "" : "\(self.resource): ") + "\(self.field): \(self.cause)"
    }
}

/// Reads the message inside `body`.
func unpack<M: Message>(_ body: Google_Protobuf_Any, of resource: String = "") throws(XDSDecodingError) -> M {
    guard body.typeURL == typeURL(of: M.self) else {
        throw XDSDecodingError(resource: resource, field: M.protoMessageName, cause: "got \(body.typeURL)")
    }
    do {
        return try M(serializedBytes: body.value)
    } catch {
        throw XDSDecodingError(resource: resource, field: M.protoMessageName, cause: "does not decode: \(error)")
    }
}

/// Weft's own part of a resource, or nil where a foreign control plane left it out.
func weftExtension<M: Message>(
    of metadata: Envoy_Config_Core_V3_Metadata, resource: String
) throws(XDSDecodingError) -> M? {
    guard let body = metadata.typedFilterMetadata[weftExtensionName] else { return nil }
    return try unpack(body, of: resource)
}
