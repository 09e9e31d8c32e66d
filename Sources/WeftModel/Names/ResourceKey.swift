/// What a resource is called: its kind, namespace and name.
package struct ResourceKey: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let kind: ResourceKind
    package let namespace: String
    package let name: String

    package init(kind: ResourceKind, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// `HTTPRoute/default/billing-canary`.
    package var description: String { "\(self.kind.rawValue)/\(self.namespace)/\(self.name)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.kind.rawValue, left.namespace, left.name) < (right.kind.rawValue, right.namespace, right.name)
    }
}

/// A kind of resource that the mesh understands.
package enum ResourceKind: String, Hashable, Sendable, Codable, CaseIterable {
    case service = "Service"
    case workload = "Workload"
    case httpRoute = "HTTPRoute"
    case grpcRoute = "GRPCRoute"
    case tcpRoute = "TCPRoute"
    case tlsRoute = "TLSRoute"
    case referenceGrant = "ReferenceGrant"
    case externalService = "ExternalService"
    case trafficPolicy = "TrafficPolicy"
    case authorizationPolicy = "AuthorizationPolicy"
    case requestAuthentication = "RequestAuthentication"
    case peerAuthentication = "PeerAuthentication"
    case meshSettings = "MeshSettings"
    case trustDomainFederation = "TrustDomainFederation"
    case registrationEntry = "RegistrationEntry"
    case serviceObjective = "ServiceObjective"

    /// The `apiVersion` a document of this kind carries.
    package var apiVersion: String {
        switch self {
        case .service: "v1"
        case .workload, .externalService, .trafficPolicy, .authorizationPolicy, .requestAuthentication,
            .peerAuthentication, .meshSettings:
            "weft.dev/v1"
        case .trustDomainFederation: "weft.dev/v1"
        case .registrationEntry: "weft.dev/v1"
        case .serviceObjective: "weft.dev/v1"
        case .httpRoute, .grpcRoute, .tcpRoute, .tlsRoute, .referenceGrant: "gateway.networking.k8s.io/v1"
        }
    }

    /// Names a person may type for this kind, singular, plural and short, in lower case.
    package var aliases: [String] {
        switch self {
        case .service: ["service", "services", "svc"]
        case .workload: ["workload", "workloads", "wl"]
        case .httpRoute: ["httproute", "httproutes", "route", "routes"]
        case .grpcRoute: ["grpcroute", "grpcroutes"]
        case .tcpRoute: ["tcproute", "tcproutes"]
        case .tlsRoute: ["tlsroute", "tlsroutes"]
        case .referenceGrant: ["referencegrant", "referencegrants", "grant", "grants"]
        case .externalService: ["externalservice", "externalservices", "external"]
        case .trafficPolicy: ["trafficpolicy", "trafficpolicies", "tp"]
        case .authorizationPolicy: ["authorizationpolicy", "authorizationpolicies", "ap", "authz"]
        case .requestAuthentication: ["requestauthentication", "requestauthentications", "ra"]
        case .peerAuthentication: ["peerauthentication", "peerauthentications", "pa"]
        case .meshSettings: ["meshsettings", "settings"]
        case .trustDomainFederation: ["trustdomainfederation", "trustdomainfederations", "federation", "federations"]
        case .registrationEntry: ["registrationentry", "registrationentries", "entry", "entries"]
        case .serviceObjective: ["serviceobjective", "serviceobjectives", "objective", "objectives", "slo"]
        }
    }
}

/// A position in the store's history: grows by one with every transaction; zero is the empty store.
package struct Revision: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }

    /// A bare number on the wire.
    package init(from decoder: any Decoder) throws {
        self.number = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.number)
    }

    package static let zero = Revision(0)

    package var next: Revision { Revision(self.number + 1) }
    package var description: String { "\(self.number)" }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// Where a value came from: which resource, at which revision, from which line of which file.
package struct Provenance: Hashable, Sendable, Codable, CustomStringConvertible {
    package let resource: ResourceKey
    /// The revision that wrote the resource; zero before it is stored.
    package let revision: Revision
    /// The file the document was read from; `nil` when it came without one.
    package let file: String?
    /// The document's first line in that file, from 1.
    package let line: Int?
    /// The rule in it that decided, from 1; `nil` where none did or the resource has no rules.
    package var rule: Int?

    package init(
        resource: ResourceKey, revision: Revision = .zero, file: String? = nil, line: Int? = nil, rule: Int? = nil
    ) {
        self.resource = resource
        self.revision = revision
        self.file = file
        self.line = line
        self.rule = rule
    }

    /// The same, of one of its rules, from 1.
    package func ofRule(_ rule: Int?) -> Provenance {
        var provenance = self
        provenance.rule = rule
        return provenance
    }

    package var description: String {
        var text = "\(self.resource)@\(self.revision)"
        if let rule = self.rule { text += " rule \(rule)" }
        if let file = self.file { text += " (\(file)\(self.line.map { ":\($0)" } ?? ""))" }
        return text
    }
}
