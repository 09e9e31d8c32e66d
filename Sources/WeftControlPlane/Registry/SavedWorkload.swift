internal import NIOCore
package import WeftModel

/// A workload as the control plane remembers it over a restart.
package struct SavedWorkload: Hashable, Sendable, Codable {
    var namespace: String
    var name: String
    var labels: [String: String]
    var account: String
    var service: String?
    var address: String
    var ports: [Port]
    var locality: Locality
    var weight: Int
    var trustDomain: String
    var isReady: Bool
    var proxyVersion: String
    /// Absent where the control plane that wrote it knew of none.
    var grants: LabelGrants?

    struct Port: Hashable, Sendable, Codable {
        var name: String
        var port: Int
        var inboundPort: Int?
        var appProtocol: AppProtocol
    }

    /// `namespace/name`.
    package var id: String { "\(self.namespace)/\(self.name)" }

    package init(_ entry: Registry.Entry) {
        let workload = entry.workload
        self.namespace = workload.metadata.namespace
        self.name = workload.metadata.name
        self.labels = workload.metadata.labels
        self.account = workload.account
        self.service = workload.service
        self.address = workload.address
        self.ports = workload.ports.map {
            Port(name: $0.name, port: $0.port, inboundPort: $0.inboundPort, appProtocol: $0.appProtocol)
        }
        self.locality = workload.locality
        self.weight = workload.weight
        self.trustDomain = entry.identity.trustDomain.name
        self.isReady = entry.readiness == .ready
        self.proxyVersion = entry.proxyVersion
        self.grants = entry.grants.isEmpty ? nil : entry.grants
    }

    package var workload: Workload {
        Workload(
            metadata: Metadata(name: self.name, namespace: self.namespace, labels: self.labels),
            account: self.account, service: self.service, address: self.address,
            ports: self.ports.map {
                Workload.Port(
                    name: $0.name, port: $0.port, inboundPort: $0.inboundPort, appProtocol: $0.appProtocol)
            }, locality: self.locality, weight: self.weight)
    }

    package var identity: SPIFFEID {
        SPIFFEID(
            trustDomain: TrustDomain(self.trustDomain) ?? .standard, namespace: self.namespace, account: self.account)
    }

    package var readiness: RegisteredWorkload.Readiness {
        self.isReady ? .ready : .notReady("not heard of since the control plane started")
    }
}

/// Tells IP literals from everything else.
enum IPAddress {
    static func isLiteral(_ text: String) -> Bool {
        text.utf8.count <= 64 && (try? SocketAddress(ipAddress: text, port: 1)) != nil
    }
}
