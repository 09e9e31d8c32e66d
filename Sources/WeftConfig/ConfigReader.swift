package import WeftModel

/// What reading gave: the resources that are valid on their own, and everything that is wrong or doubtful.
package struct Reading: Hashable, Sendable {
    /// In the order of the files. Apply them only when no diagnostic is an error.
    package var resources: [ParsedResource]
    /// Sorted by place.
    package var diagnostics: [Diagnostic]

    package init(resources: [ParsedResource], diagnostics: [Diagnostic]) {
        self.resources = resources
        self.diagnostics = diagnostics
    }
}

/// One resource as it was read.
package struct ParsedResource: Hashable, Sendable {
    package var resource: Resource
    /// The same resource in one spelling, which reads back as an equal one: what the store keeps.
    package var canonicalJSON: String
    package var provenance: Provenance

    package init(resource: Resource, canonicalJSON: String, provenance: Provenance) {
        self.resource = resource
        self.canonicalJSON = canonicalJSON
        self.provenance = provenance
    }
}

/// Reads resources from YAML or JSON text, and says everything that is wrong with it at once.
package enum ConfigReader {
    /// Reads all documents of all files as one apply. The same resource twice is a mistake.
    package static func read(_ sources: [SourceDocument], limits: YAMLLimits = YAMLLimits()) -> Reading {
        var reading = Reading(resources: [], diagnostics: [])
        var seen: [ResourceKey: Provenance] = [:]
        for source in sources {
            let (documents, unreadable) = YAMLReader(limits: limits).read(source)
            let collector = DiagnosticCollector(file: source.file.isEmpty ? nil : source.file)
            for node in documents.flatMap(self.items) {
                collector.resource = nil
                let document = Field(node: node, collector: collector)
                guard let parsed = self.resource(document) else { continue }
                if let first = seen[parsed.resource.key] {
                    document.refuse(
                        "this resource is described twice in one apply, first at \(self.place(first))",
                        remedy: "Keep one of them.")
                    continue
                }
                seen[parsed.resource.key] = parsed.provenance
                reading.resources.append(parsed)
            }
            reading.diagnostics += unreadable + collector.diagnostics
        }
        reading.diagnostics.sort()
        return reading
    }

    /// Reads one stored document back, with where it came from and when it was first stored (seconds since 1970).
    ///
    /// `lines` are what `Resource.lines` said when the document was read from its file.
    /// Throws the first mistake, as a `ConfigError`, for a document that another version wrote and this one cannot read.
    package static func restore(
        document: String, provenance: Provenance, createdAt: Int64, lines: [String: Int] = [:]
    ) throws(ConfigError) -> Resource {
        let reading = self.read([SourceDocument(file: provenance.file ?? "", text: document)])
        if let error = reading.diagnostics.first(where: { $0.severity == .error }) {
            throw ConfigError(diagnostic: error)
        }
        guard let parsed = reading.resources.first, reading.resources.count == 1 else {
            throw ConfigError(
                diagnostic: Diagnostic(.error, "the stored document of \(provenance.resource) is no single resource"))
        }
        var metadata = parsed.resource.metadata
        metadata.provenance = provenance
        metadata.createdAt = createdAt
        return parsed.resource.with(metadata).with(lines: lines)
    }

    /// The documents that a `List` holds; any other document is itself.
    private static func items(of node: YAMLNode) -> [YAMLNode] {
        guard case .object(let entries) = node.value,
            entries.contains(where: { $0.key == "kind" && $0.value.value == .text("List") }),
            case .list(let items)? = entries.first(where: { $0.key == "items" })?.value.value
        else { return [node] }
        return items
    }

    private static func resource(_ document: Field) -> ParsedResource? {
        guard let kind = KindTable.kind(of: document) else { return nil }
        document.collector.resource = self.subject(of: document, kind: kind)
        guard let fields = document.object(known: ["apiVersion", "kind", "metadata", "spec"], ignored: ["status"])
        else { return nil }
        let before = document.collector.diagnostics.count
        let read: Resource? =
            switch kind {
            case .service: ServiceReader.read(fields).map(Resource.service)
            case .workload: WorkloadReader.read(fields).map(Resource.workload)
            case .httpRoute: HTTPRouteReader.read(fields).map(Resource.httpRoute)
            case .grpcRoute: GRPCRouteReader.read(fields).map(Resource.grpcRoute)
            case .tcpRoute: StreamRouteReader.read(fields, .tcp).map(Resource.streamRoute)
            case .tlsRoute: StreamRouteReader.read(fields, .tls).map(Resource.streamRoute)
            case .referenceGrant: ReferenceGrantReader.read(fields).map(Resource.referenceGrant)
            case .externalService: ExternalServiceReader.read(fields).map(Resource.externalService)
            case .trafficPolicy: TrafficPolicyReader.read(fields).map(Resource.trafficPolicy)
            case .authorizationPolicy: AuthorizationPolicyReader.read(fields).map(Resource.authorizationPolicy)
            case .requestAuthentication: RequestAuthenticationReader.read(fields).map(Resource.requestAuthentication)
            case .peerAuthentication: PeerAuthenticationReader.read(fields).map(Resource.peerAuthentication)
            case .meshSettings: MeshSettingsReader.read(fields).map(Resource.meshSettings)
            case .trustDomainFederation:
                TrustDomainFederationReader.read(fields).map(Resource.trustDomainFederation)
            case .registrationEntry: RegistrationEntryReader.read(fields).map(Resource.registrationEntry)
            case .serviceObjective: ServiceObjectiveReader.read(fields).map(Resource.serviceObjective)
            }
        guard let read, !document.collector.diagnostics[before...].hasErrors else { return nil }
        var metadata = read.metadata
        let provenance = Provenance(resource: read.key, file: document.collector.file, line: document.node.line)
        metadata.provenance = provenance
        let resource = read.with(metadata)
        return ParsedResource(
            resource: resource, canonicalJSON: ResourceDocument.json(resource).compact, provenance: provenance)
    }

    /// The resource's key as far as the document gives it, for diagnostics.
    private static func subject(of document: Field, kind: ResourceKind) -> String {
        func text(_ node: YAMLNode?, _ key: String) -> YAMLNode? {
            guard case .object(let entries)? = node?.value else { return nil }
            return entries.first { $0.key == key }?.value
        }
        let metadata = text(document.node, "metadata")
        let name = text(metadata, "name")?.source ?? "?"
        let namespace = text(metadata, "namespace")?.source ?? "default"
        return "\(kind.rawValue)/\(YAMLNode.shortened(namespace))/\(YAMLNode.shortened(name))"
    }

    private static func place(_ provenance: Provenance) -> String {
        let line = provenance.line.map { "line \($0)" } ?? "another place"
        return provenance.file.map { "\($0), \(line)" } ?? line
    }
}

/// A document that should have been readable was not.
package struct ConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    package let diagnostic: Diagnostic

    package init(diagnostic: Diagnostic) { self.diagnostic = diagnostic }

    package var description: String { self.diagnostic.description }
}

extension Resource {
    /// The resource under other metadata.
    package func with(_ metadata: Metadata) -> Resource {
        switch self {
        case .service(var value):
            value.metadata = metadata
            return .service(value)
        case .workload(var value):
            value.metadata = metadata
            return .workload(value)
        case .httpRoute(var value):
            value.metadata = metadata
            return .httpRoute(value)
        case .grpcRoute(var value):
            value.metadata = metadata
            return .grpcRoute(value)
        case .streamRoute(var value):
            value.metadata = metadata
            return .streamRoute(value)
        case .referenceGrant(var value):
            value.metadata = metadata
            return .referenceGrant(value)
        case .externalService(var value):
            value.metadata = metadata
            return .externalService(value)
        case .trafficPolicy(var value):
            value.metadata = metadata
            return .trafficPolicy(value)
        case .authorizationPolicy(var value):
            value.metadata = metadata
            return .authorizationPolicy(value)
        case .requestAuthentication(var value):
            value.metadata = metadata
            return .requestAuthentication(value)
        case .peerAuthentication(var value):
            value.metadata = metadata
            return .peerAuthentication(value)
        case .meshSettings(var value):
            value.metadata = metadata
            return .meshSettings(value)
        case .trustDomainFederation(var value):
            value.metadata = metadata
            return .trustDomainFederation(value)
        case .registrationEntry(var value):
            value.metadata = metadata
            return .registrationEntry(value)
        case .serviceObjective(var value):
            value.metadata = metadata
            return .serviceObjective(value)
        }
    }
}
