import Crypto
import Foundation
import SwiftASN1
import Testing
import WeftIdentity
import WeftModel
import X509

@Suite struct SVIDVerifierTests {
    let root: Forge.Signer
    let intermediate: Forge.Signer

    init() throws {
        self.root = try Forge.make(.authority("root"))
        self.intermediate = try Forge.make(.authority("intermediate", pathLength: 0), by: self.root)
    }

    /// The cause's label when a leaf of this spec is shown with the intermediate.
    func label(_ change: (inout Forge.Spec) throws -> Void) throws -> String {
        var spec = Forge.Spec()
        try change(&spec)
        return try self.label(showing: [Forge.make(spec, by: self.intermediate), self.intermediate])
    }

    func label(showing chain: [Forge.Signer], roots: [Forge.Signer]? = nil) throws -> String {
        do throws(SVIDError) {
            let presented: [[UInt8]]
            let verifier: SVIDVerifier
            do {
                presented = try chain.map { try $0.der }
                verifier = try Forge.verifier(roots ?? [self.root])
            } catch { throw .malformed("\(error)") }
            _ = try verifier.verify(presented, now: Forge.now)
            return "valid"
        } catch {
            return error.label
        }
    }

    @Test func `a leaf signed under the trust domain's root proves its SPIFFE ID`() throws {
        let leaf = try Forge.make(Forge.Spec(), by: self.intermediate)
        let presented = [try leaf.der, try self.intermediate.der]
        let peer = try Forge.verifier([self.root]).verify(presented, expecting: [Forge.id], now: Forge.now)
        #expect(peer.id == Forge.id)
        #expect(peer.notAfter == leaf.certificate.notValidAfter)
    }

    @Test func `the leaf names exactly one URI, a SPIFFE ID with a path`() throws {
        #expect(try self.label { _ in } == "valid")
        #expect(try self.label { $0.names = [] } == "not_svid")
        #expect(try self.label { $0.names = [.dnsName("billing")] } == "not_svid")
        #expect(try self.label { $0.names.append(.uniformResourceIdentifier("https://mesh.local/x")) } == "not_svid")
        #expect(try self.label { $0.names = [.uniformResourceIdentifier("https://mesh.local/x")] } == "not_svid")
        #expect(try self.label { $0.names = [.uniformResourceIdentifier("spiffe://mesh.local")] } == "not_svid")
        #expect(try self.label { $0.names.append(.dnsName("billing")) } == "valid")
    }

    @Test func `a leaf is no authority and its key signs handshakes only`() throws {
        #expect(
            try self.label { $0.constraints = .isCertificateAuthority(maxPathLength: nil) } == "wrong_usage")
        #expect(try self.label { $0.constraints = nil } == "valid")
        #expect(try self.label { $0.usage = nil } == "wrong_usage")
        #expect(try self.label { $0.usage = KeyUsage(keyAgreement: true) } == "wrong_usage")
        #expect(try self.label { $0.usage = KeyUsage(digitalSignature: true, keyCertSign: true) } == "wrong_usage")
        #expect(try self.label { $0.usage = KeyUsage(digitalSignature: true, cRLSign: true) } == "wrong_usage")
        #expect(try self.label { $0.extendedUsage = [.serverAuth] } == "wrong_usage")
        #expect(try self.label { $0.extendedUsage = nil } == "valid")
    }

    @Test func `clocks may differ by twenty seconds`() throws {
        #expect(try self.label { $0.notAfter = Forge.now.addingTimeInterval(-19) } == "valid")
        #expect(try self.label { $0.notAfter = Forge.now.addingTimeInterval(-21) } == "expired")
        #expect(try self.label { $0.notBefore = Forge.now.addingTimeInterval(19) } == "valid")
        #expect(try self.label { $0.notBefore = Forge.now.addingTimeInterval(21) } == "not_yet_valid")
    }

    @Test func `another trust domain is judged by its own bundle or not at all`() throws {
        let foreign = "spiffe://other.example/ns/default/sa/billing"
        #expect(try self.label { $0.names = [.uniformResourceIdentifier(foreign)] } == "foreign_trust_domain")
    }

    @Test func `every certificate of the path must be valid`() throws {
        let leaf = Forge.Spec()
        func shown(_ spec: Forge.Spec) throws -> String {
            let issuer = try Forge.make(spec, by: self.root)
            return try self.label(showing: [Forge.make(leaf, by: issuer), issuer])
        }
        var spec = Forge.Spec.authority("issuer")
        #expect(try shown(spec) == "valid")
        spec.notAfter = Forge.now.addingTimeInterval(-30)
        #expect(try shown(spec) == "expired")
        spec = .authority("issuer")
        spec.constraints = .notCertificateAuthority
        #expect(try shown(spec) == "bad_path")
        spec.constraints = nil
        #expect(try shown(spec) == "bad_path")
        spec = .authority("issuer")
        spec.usage = KeyUsage(cRLSign: true)
        #expect(try shown(spec) == "bad_path")
        spec.usage = nil
        #expect(try shown(spec) == "bad_path")
        spec = .authority("issuer")
        spec.more = [try .init(NameConstraints(permittedDNSDomains: ["mesh.local"]), critical: true)]
        #expect(try shown(spec) == "bad_path")
        spec.more = [.init(oid: [2, 5, 29, 54], critical: true, value: [2, 1, 0])]
        #expect(try shown(spec) == "bad_path")
        spec.more = [.init(oid: [2, 5, 29, 54], critical: false, value: [2, 1, 0])]
        #expect(try shown(spec) == "valid")
    }

    @Test func `an issuer's path length counts the intermediates below it`() throws {
        let short = try Forge.make(.authority("short", pathLength: 0), by: self.root)
        let below = try Forge.make(.authority("below"), by: short)
        let leaf = try Forge.make(Forge.Spec(), by: below)
        #expect(try self.label(showing: [leaf, below, short]) == "bad_path")
        let long = try Forge.make(.authority("long", pathLength: 1), by: self.root)
        let under = try Forge.make(.authority("under"), by: long)
        #expect(try self.label(showing: [Forge.make(Forge.Spec(), by: under), long, under]) == "valid")
    }

    @Test func `an issuer that is only named, or not shown, is unknown`() throws {
        let leaf = try Forge.make(Forge.Spec(), by: self.intermediate)
        #expect(try self.label(showing: [leaf]) == "unknown_issuer")
        let impostor = try Forge.make(.authority("root"))
        #expect(try self.label(showing: [leaf, self.intermediate], roots: [impostor]) == "unknown_issuer")
        let ownRoot = try Forge.make(.authority("evil"))
        let ownLeaf = try Forge.make(Forge.Spec(), by: ownRoot)
        #expect(try self.label(showing: [ownLeaf, ownRoot]) == "unknown_issuer")
        #expect(try self.label(showing: [Forge.make(Forge.Spec())]) == "unknown_issuer")
        #expect(try self.label(showing: [leaf, self.intermediate], roots: []) == "unknown_issuer")
    }

    @Test func `a second issuer of the same name is tried when the first did not sign`() throws {
        let namesake = try Forge.make(.authority("intermediate"), by: self.root)
        let leaf = try Forge.make(Forge.Spec(), by: self.intermediate)
        #expect(try self.label(showing: [leaf, namesake, self.intermediate]) == "valid")
        let oldRoot = try Forge.make(.authority("root"))
        #expect(try self.label(showing: [leaf, self.intermediate], roots: [oldRoot, self.root]) == "valid")
    }

    @Test func `a root cross-signed by its predecessor is reached through it`() throws {
        let oldRoot = try Forge.make(.authority("old"))
        var crossSpec = Forge.Spec.authority("root")
        crossSpec.key = self.root.key
        let cross = try Forge.make(crossSpec, by: oldRoot)
        let leaf = try Forge.make(Forge.Spec(), by: self.intermediate)
        #expect(try self.label(showing: [leaf, self.intermediate, cross], roots: [oldRoot]) == "valid")
    }

    @Test func `a peer cannot make the search long`() throws {
        var spec = Forge.Spec.authority("loop")
        let first = try Forge.make(spec)
        var ring = [first]
        for _ in 0..<6 {
            spec.key = first.key
            spec.notAfter += 1
            ring.append(try Forge.make(spec, by: first))
        }
        #expect(try self.label(showing: [Forge.make(Forge.Spec(), by: first)] + ring) != "valid")
        #expect(try self.label(showing: Array(repeating: first, count: 9)) == "malformed")
    }

    @Test func `bytes that are no certificate are refused, whatever they are`() throws {
        let verifier = try Forge.verifier([self.root])
        #expect(throws: SVIDError.noCertificate) { try verifier.verify([], now: Forge.now) }
        let leaf = try Forge.make(Forge.Spec(), by: self.intermediate).der
        var random = SeededRandom(7)
        for _ in 0..<2000 {
            var bytes = leaf
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            let intermediate = try self.intermediate.der
            #expect(throws: SVIDError.self) { try verifier.verify([bytes, intermediate], now: Forge.now) }
        }
    }

    @Test func `a valid peer that is not the expected one is refused by name`() throws {
        let other = SPIFFEID(trustDomain: Forge.domain, namespace: "default", account: "catalog")
        let presented = [try Forge.make(Forge.Spec(), by: self.intermediate).der, try self.intermediate.der]
        let verifier = try Forge.verifier([self.root])
        let error = #expect(throws: SVIDError.self) {
            try verifier.verify(presented, expecting: [other], now: Forge.now)
        }
        #expect(error == .wrongIdentity(expected: [other], found: Forge.id))
        #expect(error?.reason == .peerIdentityMismatch)
    }

    @Test func `a joining workload trusts only the root its token names, and only the control plane`() throws {
        var random = SeededRandom(1)
        let authority = try CertificateAuthority(trustDomain: Forge.domain, now: Forge.now, random: &random)
        let server = try authority.issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [[127, 0, 0, 1]], now: Forge.now, random: &random)
        let pin = try authority.rootFingerprint
        let (peer, bundle) = try SVIDVerifier.verifyPinned(server.chain, rootFingerprint: pin, now: Forge.now)
        #expect(peer.id == authority.controlPlaneID)
        #expect(bundle.der == [try authority.rootDER])
        let elsewhere = String(repeating: "0", count: 64)
        #expect(throws: SVIDError.rootNotPinned(fingerprint: elsewhere)) {
            try SVIDVerifier.verifyPinned(server.chain, rootFingerprint: elsewhere, now: Forge.now)
        }
        let workload = try authority.issue(
            csrDER: SigningRequest.der(for: .init()), identity: Forge.id, now: Forge.now, random: &random)
        #expect(throws: SVIDError.self) {
            try SVIDVerifier.verifyPinned(workload.chain + workload.bundle, rootFingerprint: pin, now: Forge.now)
        }
    }
}
