internal import Foundation
internal import WeftModel
internal import WeftProtos

extension Workload {
    /// What a proxy announced. Values are checked where the registry takes them.
    init(_ message: Weft_V1_Register) {
        let namespace = message.namespace.isEmpty ? "default" : message.namespace
        self.init(
            metadata: Metadata(name: message.name, namespace: namespace, labels: message.labels),
            account: message.account, service: message.service.isEmpty ? nil : message.service,
            address: message.address,
            ports: message.ports.map { port in
                Workload.Port(
                    name: port.name, port: Int(port.port),
                    inboundPort: port.inboundPort == 0 ? nil : Int(port.inboundPort),
                    appProtocol: AppProtocol(rawValue: port.appProtocol) ?? .detect)
            },
            locality: Locality(
                region: message.locality.region, zone: message.locality.zone, subZone: message.locality.subZone),
            weight: message.weight == 0 ? 1 : Int(message.weight))
    }
}

extension Registry.CertificateState {
    /// Texts and lists are cut to lengths no honest proxy needs.
    init(_ message: Weft_V1_CertificateState) {
        self.init(
            serial: String(message.serial.prefix(64)), expiresAt: message.expiresAtUnix,
            notBefore: message.notBeforeUnix, rootFingerprint: String(message.rootFingerprint.prefix(64)),
            trustedRoots: message.trustedRoots.prefix(TrustState.maxRoots).map { String($0.prefix(64)) },
            trustVersion: message.trustVersion)
    }
}

extension Weft_V1_TrustUpdate {
    init(_ trust: TrustState) {
        self.init()
        self.version = trust.version
        self.own = Bundle(trust.trustDomain, trust.roots)
        self.federated = trust.federated.sorted { $0.key.name < $1.key.name }.map { Bundle($0.key, $0.value) }
        self.revoked = trust.revoked.map(\.description).sorted()
        self.renewBeforeUnix = trust.renewBefore ?? 0
    }
}

extension Weft_V1_TrustUpdate.Bundle {
    fileprivate init(_ domain: TrustDomain, _ roots: [[UInt8]]) {
        self.init()
        self.trustDomain = domain.name
        self.rootsDer = roots.map { Data($0) }
    }
}

extension EdgeKey {
    /// Texts are cut to a length no honest name has.
    init(_ edge: Weft_V1_EdgeStats) {
        func short(_ text: String) -> String { text.utf8.count <= 512 ? text : String(text.prefix(128)) }
        self.init(
            source: short(edge.source), destination: short(edge.destination), version: short(edge.version),
            route: short(edge.route), direction: edge.direction == .inbound ? .inbound : .outbound,
            protocol: short(edge.protocol), tls: edge.tls,
            peerIdentity: edge.peerIdentity.isEmpty ? nil : short(edge.peerIdentity))
    }
}

extension PolicyUsageBook.Key {
    /// A text is cut to a length no honest name has.
    init(_ usage: Weft_V1_PolicyUsage) {
        self.init(
            policy: usage.policy.utf8.count <= 512 ? usage.policy : String(usage.policy.prefix(128)),
            rule: usage.rule == 0 ? nil : Int(usage.rule))
    }
}

extension PolicyUsageBook.Counts {
    init(_ usage: Weft_V1_PolicyUsage) {
        self.init(allowed: usage.allowed, denied: usage.denied, audited: usage.audited)
    }
}

extension EdgeCounters {
    init(_ edge: Weft_V1_EdgeStats) {
        self.init()
        self.requests = edge.requests
        for (digit, count) in edge.codeClasses where (1...5).contains(digit) { self.classes[Int(digit) - 1] = count }
        self.grpcFailures = edge.grpcFailures
        // Only names that are reasons: a proxy cannot grow this.
        for (name, count) in edge.failures {
            if let reason = Reason(rawValue: name) { self.reasons[reason] = count }
        }
        self.retries = edge.retries
        self.bytesIn = edge.bytesIn
        self.bytesOut = edge.bytesOut
        for (index, count) in edge.latencyBuckets.prefix(self.latency.count).enumerated() {
            self.latency[index] = count
        }
    }
}

extension Weft_V1_PlaintextCaller {
    /// Texts are cut to a length no honest name has.
    var counted: (PlaintextBook.Key, PlaintextBook.Counters) {
        (
            PlaintextBook.Key(
                address: String(self.address.prefix(64)), destination: String(self.destination.prefix(128)),
                port: Int(self.port)),
            PlaintextBook.Counters(requests: self.requests, refused: self.refused, lastSeen: self.lastSeenUnix)
        )
    }
}
