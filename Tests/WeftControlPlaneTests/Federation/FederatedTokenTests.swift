import Crypto
import Foundation
import GRPCCore
import SwiftProtobuf
import Testing
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

/// Keys of another trust domain's tokens, from its bundle to the agents.
@Suite struct FederatedTokenTests {
    private let partner = TrustDomain("partner.example") ?? .standard

    /// The federation, with what the partner's endpoint would serve.
    private func federation(_ keys: [P256.Signing.PublicKey], sequence: UInt64) throws -> String {
        var random = SystemRandomNumberGenerator()
        let roots = try CertificateAuthority(trustDomain: self.partner, now: Date(), random: &random).bundle
        let named = try keys.map {
            (JWTSVIDSigner.keyID(of: $0), try StrictJSON(Array(JWTSVIDSigner.jsonWebKey($0).text.utf8)))
        }
        let document = SPIFFEBundleDocument(
            roots: roots, jwtKeys: Dictionary(named, uniquingKeysWith: { $1 }), sequence: sequence)
        return """
            apiVersion: weft.dev/v1
            kind: TrustDomainFederation
            metadata: {name: partner}
            spec:
              trustDomain: \(self.partner)
              bundle: |
                \(String(decoding: try document.encoded(), as: UTF8.self))
            """
    }

    private func agent(of plane: RunningControlPlane) async throws -> WorkloadIdentity {
        let made = try await plane.call("POST", "/v1/tokens", body: TokenRequest(purpose: .agent, host: "db-1"))
        let token = try JSONDecoder().decode(CreatedToken.self, from: made.body).token
        let key = P256.Signing.PrivateKey()
        let csr = try SigningRequest.der(for: key)
        let answer = try await plane.client { client in
            try await Weft_V1_AgentService.Client(wrapping: client).attest(
                .with {
                    $0.token = token
                    $0.csrDer = Data(csr)
                    $0.host = "db-1"
                })
        }
        return try WorkloadIdentity(
            key: key, chain: answer.certificateChainDer.map { [UInt8]($0) },
            bundle: answer.bundleDer.map { [UInt8]($0) }, now: Date())
    }

    /// The names of the partner's keys that an agent is told of, as they change; nil while the partner is not believed.
    private func follow(
        _ client: MeshClient, until isEnough: @Sendable @escaping ([String]?) -> Bool
    ) async throws -> String? {
        let partner = self.partner
        return try await Weft_V1_AgentService.Client(wrapping: client).entries(.with { $0.version = "test" }) {
            response in
            for try await state in response.messages {
                let keySet = state.federated.first { $0.name == partner.name }.map {
                    String(decoding: $0.jwks, as: UTF8.self)
                }
                let names = try keySet.map { try JSONWebKeySet($0, requiresUse: true).keys.compactMap(\.id) }
                if isEnough(names) { return keySet }
            }
            throw CancellationError()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `agents are told of the keys, of every change of them, and that they are gone`() async throws {
        let (one, two) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let agent = try await self.agent(of: plane)
                try await plane.client(agent) { client in
                    for (sequence, key) in [(UInt64(1), one), (2, two)] {
                        let text = try self.federation([key.publicKey], sequence: sequence)
                        let answer = try await plane.apply(text)
                        #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
                        let name = JWTSVIDSigner.keyID(of: key.publicKey)
                        let keySet = try #require(try await self.follow(client) { $0 == [name] })
                        // What the partner signs is believed with them, for its own identities.
                        let id = SPIFFEID(trustDomain: self.partner, namespace: "default", account: "shop")
                        let token = try JWTSVIDSigner(key: key).issue(
                            subject: id, audiences: ["ledger"], lifetime: .seconds(60), now: Date())
                        let found = try JWTSVID.validate(token, audience: "ledger", now: Date()) { domain in
                            domain == self.partner ? try? JSONWebKeySet(keySet, requiresUse: true) : nil
                        }
                        #expect(found.id == id)
                    }
                    let deleted = try await plane.call(
                        "DELETE", "/v1/resources/TrustDomainFederation/default/partner")
                    #expect(deleted.status == 200)
                    #expect(try await self.follow(client) { $0 == nil } == nil)
                }
            }
        }
    }
}
