internal import FoundationEssentials
internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// The secrets that one process may see, as Envoy asks for them.
///
/// `default` is its default identity and a SPIFFE ID is that identity, both as `tls_certificate`. `ROOTCA` is the roots of
/// the mesh's own trust domain and a trust domain's ID those of that domain, both as `validation_context`. Every other name
/// does not exist.
struct SecretView: WeftDiscovery.ResourceView {
    let version: String
    private let secrets: [String: ServedResource]

    /// - Parameter names: those that are asked for; nothing else is encoded.
    init(_ snapshot: AgentSnapshot, process: ProcessFacts, names: Set<String>) {
        let grants = snapshot.grants(of: process)
        var secrets: [String: ServedResource] = [:]
        for name in names where !grants.isEmpty {
            guard let secret = Self.secret(name, snapshot, grants) else { continue }
            // What cannot be encoded does not exist, which no message of ours can be.
            guard let bytes: [UInt8] = try? secret.serializedBytes() else { continue }
            var body = Google_Protobuf_Any()
            body.typeURL = ResourceType.secret.typeURL
            body.value = Data(bytes)
            secrets[name] = ServedResource(name: name, body: body)
        }
        self.secrets = secrets
        self.version = secrets.values.map(\.version).sorted().joined(separator: ".")
    }

    func resource(_ type: ResourceType, named name: String) -> ServedResource? {
        type == .secret ? self.secrets[name] : nil
    }

    /// Secrets are asked for by name.
    func names(of type: ResourceType) -> [String] { [] }

    private typealias Secret = Envoy_Extensions_TransportSockets_Tls_V3_Secret

    private static func secret(
        _ name: String, _ snapshot: AgentSnapshot, _ grants: [(entry: AgentEntry, identity: WorkloadIdentity?)]
    ) -> Secret? {
        if name == "ROOTCA" { return snapshot.trust.map { self.validation(name, $0.own) } }
        if name == "default" {
            // The first, unless it is one that will not come.
            let first = grants.first { $0.identity != nil || !snapshot.absent.contains($0.entry.id) }
            return first?.identity.map { self.certificate(name, $0) }
        }
        guard let id = SPIFFEID(name) else { return nil }
        if id.path.isEmpty {
            let domain = snapshot.trust?.all.first { $0.trustDomain == id.trustDomain }
            return domain.map { self.validation(name, $0) }
        }
        return grants.first { $0.entry.spiffeID == id }?.identity.map { self.certificate(name, $0) }
    }

    private static func certificate(_ name: String, _ identity: WorkloadIdentity) -> Secret {
        .with {
            $0.name = name
            $0.tlsCertificate.certificateChain.inlineBytes = Data(PEM.encode(identity.chain).utf8)
            $0.tlsCertificate.privateKey.inlineBytes = Data(
                PEM.encode([identity.keyDER], label: PEM.privateKeyLabel).utf8)
        }
    }

    private static func validation(_ name: String, _ domain: TrustedDomain) -> Secret {
        .with {
            $0.name = name
            $0.validationContext.trustedCa.inlineBytes = Data(PEM.encode(domain.roots).utf8)
        }
    }
}
