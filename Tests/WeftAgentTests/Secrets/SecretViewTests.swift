import Foundation
import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftAgent

@Suite struct SecretViewTests {
    private let mint = TestMint()
    private let process = ProcessFacts(pid: 1, uid: 1000, gid: 1000)

    private func snapshot() throws -> AgentSnapshot {
        let mine = AgentEntry.test("mine", [.uid(1000), .gid(1000)])
        let more = AgentEntry.test("more", [.uid(1000)])
        let other = AgentEntry.test("other", [.uid(1)])
        var trust = try self.mint.trust
        let friend = try #require(TrustDomain("friend.example"))
        trust.federated = [TrustedDomain(trustDomain: friend, roots: try TestMint().authority.bundle, keySet: "{}")]
        return AgentSnapshot(
            entries: [mine, more, other],
            identities: try Dictionary(
                uniqueKeysWithValues: [mine, more, other].map {
                    ($0.id, try self.mint.identity($0.spiffeID, life: .seconds(100)))
                }), trust: trust)
    }

    private func secret(
        _ name: String, _ process: ProcessFacts? = nil
    ) throws -> Envoy_Extensions_TransportSockets_Tls_V3_Secret? {
        let view = SecretView(try self.snapshot(), process: process ?? self.process, names: [name])
        return try view.resource(.secret, named: name).map {
            try Envoy_Extensions_TransportSockets_Tls_V3_Secret(serializedBytes: $0.body.value)
        }
    }

    @Test(arguments: ["default", "spiffe://mesh.local/ns/default/sa/mine", "spiffe://mesh.local/ns/default/sa/more"])
    func `a process gets its own certificates`(name: String) throws {
        let secret = try #require(try self.secret(name))
        #expect(secret.name == name)
        let chain = String(decoding: secret.tlsCertificate.certificateChain.inlineBytes, as: UTF8.self)
        let key = String(decoding: secret.tlsCertificate.privateKey.inlineBytes, as: UTF8.self)
        #expect(chain.components(separatedBy: "BEGIN CERTIFICATE").count == 3)
        #expect(key.hasPrefix("-----BEGIN PRIVATE KEY-----"))
    }

    @Test(arguments: ["ROOTCA", "spiffe://mesh.local", "spiffe://friend.example"])
    func `a process gets the roots that it may believe`(name: String) throws {
        let secret = try #require(try self.secret(name))
        let roots = String(decoding: secret.validationContext.trustedCa.inlineBytes, as: UTF8.self)
        #expect(roots.components(separatedBy: "BEGIN CERTIFICATE").count == 2)
    }

    @Test(arguments: [
        "spiffe://mesh.local/ns/default/sa/other", "spiffe://stranger.example", "spiffe://mesh.local/", "mine", "",
    ])
    func `nothing else exists`(name: String) throws {
        #expect(try self.secret(name) == nil)
    }

    @Test(arguments: ["default", "ROOTCA", "spiffe://mesh.local"])
    func `a process without an entry gets nothing`(name: String) throws {
        #expect(try self.secret(name, ProcessFacts(pid: 2, uid: 2, gid: 2)) == nil)
    }
}
