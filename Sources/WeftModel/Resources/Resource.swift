/// What operators write, read and checked: one document of one kind.
package enum Resource: Hashable, Sendable {
    case service(Service)
    case workload(Workload)
    case httpRoute(HTTPRoute)
    case grpcRoute(GRPCRoute)
    /// A TCPRoute or TLSRoute.
    case streamRoute(StreamRoute)
    case referenceGrant(ReferenceGrant)
    case externalService(ExternalService)
    case trafficPolicy(TrafficPolicy)
    case authorizationPolicy(AuthorizationPolicy)
    case requestAuthentication(RequestAuthentication)
    case peerAuthentication(PeerAuthentication)
    case meshSettings(MeshSettings)
    case trustDomainFederation(TrustDomainFederation)
    case registrationEntry(RegistrationEntry)
    case serviceObjective(ServiceObjective)

    package var metadata: Metadata {
        switch self {
        case .service(let value): value.metadata
        case .workload(let value): value.metadata
        case .httpRoute(let value): value.metadata
        case .grpcRoute(let value): value.metadata
        case .streamRoute(let value): value.metadata
        case .referenceGrant(let value): value.metadata
        case .externalService(let value): value.metadata
        case .trafficPolicy(let value): value.metadata
        case .authorizationPolicy(let value): value.metadata
        case .requestAuthentication(let value): value.metadata
        case .peerAuthentication(let value): value.metadata
        case .meshSettings(let value): value.metadata
        case .trustDomainFederation(let value): value.metadata
        case .registrationEntry(let value): value.metadata
        case .serviceObjective(let value): value.metadata
        }
    }

    package var kind: ResourceKind {
        switch self {
        case .service: .service
        case .workload: .workload
        case .httpRoute: .httpRoute
        case .grpcRoute: .grpcRoute
        case .streamRoute(let value): value.kind.resource
        case .referenceGrant: .referenceGrant
        case .externalService: .externalService
        case .trafficPolicy: .trafficPolicy
        case .authorizationPolicy: .authorizationPolicy
        case .requestAuthentication: .requestAuthentication
        case .peerAuthentication: .peerAuthentication
        case .meshSettings: .meshSettings
        case .trustDomainFederation: .trustDomainFederation
        case .registrationEntry: .registrationEntry
        case .serviceObjective: .serviceObjective
        }
    }

    package var key: ResourceKey {
        ResourceKey(kind: self.kind, namespace: self.metadata.namespace, name: self.metadata.name)
    }
}

/// What every resource has: a name, a namespace, labels.
package struct Metadata: Hashable, Sendable {
    /// A DNS label or subdomain.
    package var name: String
    /// `default` where the document names none. `MeshSettings` always lives in `default`.
    package var namespace: String
    package var labels: [String: String]
    package var annotations: [String: String]
    /// When the resource was first stored, seconds since 1970; breaks ties between routes. Zero before it is stored.
    package var createdAt: Int64
    /// Which document this was read from.
    package var provenance: Provenance?

    package init(
        name: String, namespace: String = "default", labels: [String: String] = [:],
        annotations: [String: String] = [:], createdAt: Int64 = 0, provenance: Provenance? = nil
    ) {
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
        self.createdAt = createdAt
        self.provenance = provenance
    }

    package var serviceName: ServiceName { ServiceName(namespace: self.namespace, name: self.name) }
}
