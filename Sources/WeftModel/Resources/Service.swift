/// A named set of workloads, with the ports that callers use. Kubernetes `v1 Service` in shape.
package struct Service: Hashable, Sendable {
    package var metadata: Metadata
    /// In document order; at least one, numbers and names unique.
    package var ports: [Port]
    /// The workloads behind it: those carrying all these labels, in the same namespace. Empty selects workloads that
    /// registered for the service by name.
    package var selector: [String: String]

    package init(metadata: Metadata, ports: [Port], selector: [String: String] = [:]) {
        self.metadata = metadata
        self.ports = ports
        self.selector = selector
    }

    package struct Port: Hashable, Sendable {
        /// Required when a service has several ports; empty otherwise allowed.
        package var name: String
        /// The port callers use, 1–65535.
        package var port: Int
        /// The application's port; equals `port` where unset.
        package var targetPort: TargetPort
        package var appProtocol: AppProtocol

        package init(
            name: String = "", port: Int, targetPort: TargetPort? = nil, appProtocol: AppProtocol = .detect
        ) {
            self.name = name
            self.port = port
            self.targetPort = targetPort ?? .number(port)
            self.appProtocol = appProtocol
        }
    }

    package enum TargetPort: Hashable, Sendable {
        case number(Int)
        /// The name of a workload's port.
        case name(String)
    }
}

/// What an application speaks on a port.
///
/// `http` (HTTP/1.1), `kubernetes.io/h2c`, `grpc` (HTTP/2 with prior knowledge), `tcp`, `tls`; found out where nobody says.
package enum AppProtocol: String, Hashable, Sendable, Codable, CaseIterable {
    case http
    case h2c = "kubernetes.io/h2c"
    case grpc
    /// Bytes, passed on as they are; either side may speak first.
    case tcp
    /// TLS of the application's own, passed on as it is.
    case tls
    /// Whatever comes: HTTP where it looks like that, bytes otherwise. The default.
    case detect

    /// Whether the application is spoken to in HTTP/2, whatever the request.
    package var isHTTP2: Bool { self == .h2c || self == .grpc }
    /// Whether bytes may pass that nobody has read as requests.
    package var allowsBytes: Bool { self == .tcp || self == .tls || self == .detect }
    /// Whether requests may pass.
    package var allowsRequests: Bool { self != .tcp && self != .tls }

    /// Whether routes of a kind can carry what is spoken: requests, or bytes.
    package func suits(_ kind: ResourceKind) -> Bool {
        switch kind {
        case .httpRoute, .grpcRoute: self.allowsRequests
        case .tcpRoute, .tlsRoute: self.allowsBytes
        case .service, .workload, .referenceGrant, .externalService, .trafficPolicy, .authorizationPolicy,
            .requestAuthentication, .peerAuthentication, .meshSettings:
            true
        case .trustDomainFederation: true
        case .registrationEntry, .serviceObjective: true
        }
    }
}

/// A running instance of an application. Normally made by its proxy's registration.
package struct Workload: Hashable, Sendable {
    package var metadata: Metadata
    /// The account in its SPIFFE ID.
    package var account: String
    /// The service it registered for; nil when a document describes it and selectors decide.
    package var service: String?
    /// IPv4 or IPv6 address that peers connect to.
    package var address: String
    package var ports: [Port]
    package var locality: Locality
    /// Relative share of traffic, 1–1 000 000; default 1.
    package var weight: Int

    package init(
        metadata: Metadata, account: String, service: String? = nil, address: String, ports: [Port],
        locality: Locality = Locality(), weight: Int = 1
    ) {
        self.metadata = metadata
        self.account = account
        self.service = service
        self.address = address
        self.ports = ports
        self.locality = locality
        self.weight = weight
    }

    package struct Port: Hashable, Sendable {
        package var name: String
        /// The application's own port.
        package var port: Int
        /// Where the sidecar takes this port's traffic from peers, over mutual TLS; nil when the workload has no sidecar
        /// and is called in the clear on `port`.
        package var inboundPort: Int?
        package var appProtocol: AppProtocol

        package init(name: String = "", port: Int, inboundPort: Int? = nil, appProtocol: AppProtocol = .detect) {
            self.name = name
            self.port = port
            self.inboundPort = inboundPort
            self.appProtocol = appProtocol
        }
    }
}

/// Where something runs; each part may be empty.
package struct Locality: Hashable, Sendable, Codable {
    package var region: String
    package var zone: String
    package var subZone: String

    package init(region: String = "", zone: String = "", subZone: String = "") {
        self.region = region
        self.zone = zone
        self.subZone = subZone
    }
}
