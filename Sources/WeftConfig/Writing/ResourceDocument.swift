package import WeftModel

/// Writes resources as the documents they are read from.
package enum ResourceDocument {
    /// The resource's document; reading it gives an equal resource.
    package static func json(_ resource: Resource) -> JSONValue {
        .object([
            .init("apiVersion", .text(resource.kind.apiVersion)),
            .init("kind", .text(resource.kind.rawValue)),
            .init("metadata", self.metadata(resource.metadata)),
            .init("spec", self.spec(resource)),
        ])
    }

    private static func metadata(_ metadata: Metadata) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", .text(metadata.name))
        object.add("namespace", .text(metadata.namespace))
        if !metadata.labels.isEmpty { object.add("labels", self.sorted(metadata.labels)) }
        if !metadata.annotations.isEmpty { object.add("annotations", self.sorted(metadata.annotations)) }
        return object.value
    }

    private static func sorted(_ texts: [String: String]) -> JSONValue {
        .object(texts.sorted { $0.key < $1.key }.map { .init($0.key, .text($0.value)) })
    }

    private static func spec(_ resource: Resource) -> JSONValue {
        switch resource {
        case .service(let service): self.service(service)
        case .workload(let workload): self.workload(workload)
        case .httpRoute(let route): HTTPRouteDocument.spec(route)
        case .grpcRoute(let route): RouteDocument.spec(route)
        case .streamRoute(let route): RouteDocument.spec(route)
        case .referenceGrant(let grant): RouteDocument.spec(grant)
        case .externalService(let service): ExternalServiceDocument.spec(service)
        case .trafficPolicy(let policy): TrafficDocument.spec(policy)
        case .authorizationPolicy(let policy): AuthorizationDocument.spec(policy)
        case .requestAuthentication(let policy): AuthorizationDocument.spec(policy)
        case .peerAuthentication(let policy): AuthorizationDocument.spec(policy)
        case .meshSettings(let settings): TrafficDocument.spec(settings)
        case .trustDomainFederation(let federation): TrustDomainFederationDocument.spec(federation)
        case .registrationEntry(let entry): RegistrationEntryDocument.spec(entry)
        case .serviceObjective(let objective): ServiceObjectiveDocument.spec(objective)
        }
    }

    private static func service(_ service: Service) -> JSONValue {
        var object = ObjectBuilder()
        object.add(
            "ports",
            .list(
                service.ports.map { port in
                    var item = ObjectBuilder()
                    if !port.name.isEmpty { item.add("name", .text(port.name)) }
                    item.add("port", .integer(port.port))
                    switch port.targetPort {
                    case .number(let number): item.add("targetPort", .integer(number))
                    case .name(let name): item.add("targetPort", .text(name))
                    }
                    if port.appProtocol != .detect { item.add("appProtocol", .text(port.appProtocol.rawValue)) }
                    return item.value
                }))
        if !service.selector.isEmpty { object.add("selector", self.sorted(service.selector)) }
        return object.value
    }

    private static func workload(_ workload: Workload) -> JSONValue {
        var object = ObjectBuilder()
        object.add("account", .text(workload.account))
        object.add("service", workload.service.map(JSONValue.text))
        object.add("address", .text(workload.address))
        object.add(
            "ports",
            .list(
                workload.ports.map { port in
                    var item = ObjectBuilder()
                    if !port.name.isEmpty { item.add("name", .text(port.name)) }
                    item.add("port", .integer(port.port))
                    item.add("inboundPort", port.inboundPort.map(JSONValue.integer))
                    if port.appProtocol != .detect { item.add("appProtocol", .text(port.appProtocol.rawValue)) }
                    return item.value
                }))
        if workload.locality != Locality() {
            object.add(
                "locality",
                .object([
                    .init("region", .text(workload.locality.region)), .init("zone", .text(workload.locality.zone)),
                    .init("subZone", .text(workload.locality.subZone)),
                ]))
        }
        object.add("weight", .integer(workload.weight))
        return object.value
    }
}

/// Gathers the members of an object, leaving out what is absent.
struct ObjectBuilder {
    private var members: [JSONValue.Member] = []

    mutating func add(_ name: String, _ value: JSONValue?) {
        if let value { self.members.append(.init(name, value)) }
    }

    var isEmpty: Bool { self.members.isEmpty }
    var value: JSONValue { .object(self.members) }
    /// Nil when nothing was added.
    var valueIfAny: JSONValue? { self.members.isEmpty ? nil : self.value }
}
