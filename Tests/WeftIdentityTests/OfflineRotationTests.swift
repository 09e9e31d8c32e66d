import Crypto
import Foundation
import SwiftASN1
import Testing
import WeftIdentity
import WeftModel
import X509

/// Rotations to a root that was made elsewhere and whose key stays there, with a crash after every step.
@Suite struct OfflineRotationTests {
    typealias Mesh = AuthorityRotationTests.Mesh

    /// A root and an intermediate under it, as their owner made them.
    struct Elsewhere {
        let root: (signer: Forge.Signer, certificate: String, key: String)
        let below: (certificate: String, key: String)
        let subject: String

        init(_ subject: String, _ change: (inout Forge.Spec) -> Void = { _ in }) throws {
            self.subject = subject
            self.root = try AuthorityImportTests.root {
                $0.subject = subject
                change(&$0)
            }
            self.below = try AuthorityImportTests.intermediate(by: self.root.signer)
        }

        var fingerprint: String { get throws { certificateFingerprint(try self.root.signer.der) } }

        /// As the one that is in force, its root's key elsewhere.
        func authority() throws -> CertificateAuthority {
            var random = SeededRandom(5)
            return try AuthorityImport.authority(
                .init(
                    rootCertificate: self.root.certificate, intermediateCertificate: self.below.certificate,
                    intermediateKey: self.below.key), trustDomain: nil, now: Forge.now, random: &random)
        }

        /// As the one to go to.
        func successor(cross: String? = nil) -> AuthorityImport.Successor {
            .init(
                rootCertificate: self.root.certificate, intermediateCertificate: self.below.certificate,
                intermediateKey: self.below.key, crossCertificate: cross)
        }

        /// This root's subject and key, signed by another.
        func cross(
            by old: Elsewhere, _ change: (inout Forge.Spec) -> Void = { _ in }
        ) throws -> String {
            var spec = Forge.Spec.authority("", pathLength: 1)
            spec.subject = self.subject
            spec.names = [AuthorityImportTests.domainName]
            spec.key = self.root.signer.key
            change(&spec)
            return PEM.encode([try Forge.make(spec, by: old.root.signer).der])
        }
    }

    /// A mesh whose root's key is elsewhere, and which begins to go to another such root.
    func begun(cross: Bool = false) throws -> (mesh: Mesh, old: Elsewhere, new: Elsewhere) {
        let (old, new) = (try Elsewhere("mesh root"), try Elsewhere(cross ? "mesh root" : "second root"))
        let mesh = try Mesh(members: 3, authority: try old.authority())
        var authority = try mesh.authority()
        try authority.beginRotation(
            to: new.successor(cross: cross ? try new.cross(by: old) : nil), now: mesh.now, random: &mesh.random)
        #expect(authority.newRootIsCrossSigned == cross)
        try authority.save(to: mesh.files)
        return (mesh, old, new)
    }

    /// How many keys the authority's file holds.
    func keys(_ mesh: Mesh) throws -> Int {
        let bytes = try #require(try mesh.files.read(CertificateAuthority.fileName))
        return try PEM.decode(String(decoding: bytes, as: UTF8.self)).count { $0.label == PEM.privateKeyLabel }
    }

    @Test func `a mesh moves from one offline root to another, and nobody refuses anybody at any step`() throws {
        let (mesh, old, new) = try self.begun()
        #expect(try mesh.authority().bundle.map { certificateFingerprint($0) } == [old.fingerprint, new.fingerprint])
        #expect(try mesh.authority().isRootOffline)
        #expect(try self.keys(mesh) == 2)
        mesh.pass(AuthorityRotationTests.moment)
        #expect(try !mesh.step(), "nobody trusts the new root yet")
        try mesh.publish()
        #expect(try mesh.step())
        var authority = try mesh.authority()
        #expect(authority.rotation?.phase == .issuing)
        #expect(try authority.rootFingerprint == new.fingerprint)
        mesh.members.append(try mesh.joined(authority))
        try mesh.everybodyAccepts()
        try mesh.renewAll()
        mesh.pass(AuthorityRotationTests.moment)
        #expect(try mesh.step())
        #expect(try mesh.authority().rotation?.phase == .settling)
        mesh.pass(AuthorityRotationTests.day - 3600)
        try mesh.renewAll()
        mesh.pass(3600)
        #expect(try mesh.step())
        authority = try mesh.authority()
        #expect(authority.rotation?.phase == .finished)
        #expect(try authority.bundle.map { certificateFingerprint($0) } == [new.fingerprint])
        #expect(authority.isRootOffline)
        #expect(try self.keys(mesh) == 1, "the old intermediate's key is gone")
        try mesh.publish()
        try mesh.renewAll()
        // And on to a third.
        try authority.beginRotation(to: try Elsewhere("third").successor(), now: mesh.now, random: &mesh.random)
    }

    @Test(arguments: [RootRotation.Phase.publishing, .issuing, .settling])
    func `it is called off in any phase, back to the intermediate that was`(phase: RootRotation.Phase) throws {
        let (mesh, old, _) = try self.begun()
        let before = try mesh.authority().intermediateIssued
        while try mesh.authority().rotation?.phase != phase {
            mesh.pass(AuthorityRotationTests.moment)
            try mesh.publish()
            if try mesh.authority().rotation?.phase == .issuing { try mesh.renewAll() }
            #expect(try mesh.step())
        }
        try mesh.order(.abort)
        #expect(try mesh.authority().rootFingerprint == old.fingerprint)
        #expect(try mesh.authority().intermediateIssued == before)
        try mesh.everybodyAccepts()
        if phase != .publishing {
            #expect(try mesh.authority().rotation?.phase == .aborting)
            try mesh.renewAll()
            mesh.pass(AuthorityRotationTests.day - 3600)
            try mesh.renewAll()
            mesh.pass(3600)
            #expect(try mesh.step())
        }
        #expect(try mesh.authority().rotation?.phase == .aborted)
        #expect(try mesh.authority().bundle.map { certificateFingerprint($0) } == [old.fingerprint])
        #expect(try self.keys(mesh) == 1, "the new intermediate's key is gone")
        try mesh.publish()
        try mesh.everybodyAccepts()
    }

    @Test func `who was away and knows only the old root comes back by the cross certificate`() throws {
        let (mesh, old, _) = try self.begun(cross: true)
        mesh.pass(AuthorityRotationTests.moment)
        try mesh.publish()
        #expect(try mesh.step())
        let authority = try mesh.authority()
        let fresh = try mesh.joined(authority)
        #expect(fresh.chain.count == 3)
        var away = fresh
        away.roots = [try old.root.signer.der]
        try away.accepts(fresh, now: mesh.now)
        let server = try authority.issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [], now: mesh.now, random: &mesh.random)
        #expect(server.chain.count <= SVIDVerifier.maxPresented)
        _ = try SVIDVerifier.verifyPinned(server.chain, rootFingerprint: try old.fingerprint, now: mesh.now)
    }

    @Test(arguments: [true, false])
    func `a root whose key is here gives way to one made elsewhere, and vouches for it where names allow`(
        sameName: Bool
    ) throws {
        let mesh = try Mesh(members: 2)
        var authority = try mesh.authority()
        let old = try authority.rootFingerprint
        // The subject of a root that was made here.
        let subject = try Certificate(derEncoded: authority.rootDER).subject
        let new = try Elsewhere("other")
        guard sameName else {
            try authority.beginRotation(to: new.successor(), now: mesh.now, random: &mesh.random)
            return #expect(!authority.newRootIsCrossSigned)
        }
        let key = P256.Signing.PrivateKey()
        let root = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: Forge.now - 60,
            notValidAfter: Forge.now + 86_400 * 365, issuer: subject, subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1))
                Critical(KeyUsage(keyCertSign: true))
                SubjectAlternativeNames([AuthorityImportTests.domainName])
            }, issuerPrivateKey: .init(key))
        let below = try AuthorityImportTests.intermediate(by: Forge.Signer(certificate: root, key: .init(key)))
        try authority.beginRotation(
            to: .init(
                rootCertificate: PEM.encode([try Forge.der(root)]), intermediateCertificate: below.certificate,
                intermediateKey: below.key), now: mesh.now, random: &mesh.random)
        #expect(authority.newRootIsCrossSigned)
        try authority.save(to: mesh.files)
        mesh.pass(AuthorityRotationTests.moment)
        try mesh.publish()
        #expect(try mesh.step())
        #expect(try mesh.authority().isRootOffline)
        let fresh = try mesh.joined(try mesh.authority())
        mesh.members[0].roots = [try #require(try mesh.authority().bundle.last)]
        try mesh.members[0].accepts(fresh, now: mesh.now)
        // The old root's key is here, so that going back makes an intermediate anew.
        try mesh.order(.abort)
        #expect(try mesh.authority().rootFingerprint == old)
        #expect(try !mesh.authority().isRootOffline)
        try mesh.renewAll()
    }

    @Test func `an intermediate that has run out meanwhile is not put in force`() throws {
        let (mesh, _, _) = try self.begun()
        mesh.pass(366 * 86_400)
        var authority = try mesh.authority()
        #expect(throws: AuthorityError.self) {
            try authority.order(
                .advance(force: true), now: mesh.now, fleet: try mesh.fleet, random: &mesh.random)
        }
        #expect(authority.rotation?.phase == .publishing)
    }

    @Test func `every mistake is told with what, why and what to do, and changes nothing`() throws {
        let old = try Elsewhere("mesh root")
        let good = try Elsewhere("mesh root")
        let stranger = try Elsewhere("stranger")
        var random = SeededRandom(9)
        let authority = try old.authority()
        func of(_ root: Elsewhere) -> AuthorityImport.Successor { root.successor() }
        func with(
            root: String? = nil, _ below: (certificate: String, key: String)? = nil, cross: String? = nil
        ) -> AuthorityImport.Successor {
            .init(
                rootCertificate: root ?? good.root.certificate,
                intermediateCertificate: below?.certificate ?? good.below.certificate,
                intermediateKey: below?.key ?? good.below.key, crossCertificate: cross)
        }
        func below(_ change: (inout Forge.Spec) -> Void) throws -> AuthorityImport.Successor {
            with(try AuthorityImportTests.intermediate(by: good.root.signer, change))
        }
        let oldKey = old.root.signer.key
        let constraints = Certificate.Extension(
            oid: .X509ExtensionID.nameConstraints, critical: true, value: [0x30, 0])
        let p521 = Certificate.PrivateKey(P521.Signing.PrivateKey())
        let cases: [(AuthorityImport.Successor, String)] = [
            (with(root: "hello"), "root certificate"),
            (with(root: good.below.certificate), "not signed by itself"),
            (with(root: good.root.key), "0 certificates instead of one"),
            (of(old), "the root that is in force"),
            (of(try Elsewhere("mesh root") { $0.key = oldKey }), "its key is that of the root in force"),
            (
                of(try Elsewhere("r") { $0.names = [.uniformResourceIdentifier("spiffe://other.example")] }),
                "a mesh keeps its trust domain"
            ),
            (
                of(try Elsewhere("r") { $0.names = [.uniformResourceIdentifier("spiffe://mesh.local/a")] }),
                "is a workload's"
            ),
            (of(try Elsewhere("r") { $0.constraints = .isCertificateAuthority(maxPathLength: 0) }), "path length"),
            (of(try Elsewhere("r") { $0.constraints = .notCertificateAuthority }), "no certificate authority"),
            (of(try Elsewhere("r") { $0.usage = KeyUsage(digitalSignature: true) }), "key usage"),
            (of(try Elsewhere("r") { $0.notAfter = Forge.now.addingTimeInterval(10) }), "expires"),
            (of(try Elsewhere("r") { $0.notBefore = Forge.now.addingTimeInterval(10) }), "not valid before"),
            (of(try Elsewhere("r") { $0.key = p521 }), "use ECDSA keys on P-256"),
            (of(try Elsewhere("r") { $0.more = [constraints] }), "name constraints"),
            (with(stranger.below), "did not sign it"),
            (with((good.below.certificate, stranger.below.key)), "does not belong"),
            (with((good.below.certificate, "hello")), "no ECDSA key"),
            (with((good.root.certificate, good.root.key)), "it is the root itself"),
            (try below { $0.constraints = .notCertificateAuthority }, "no certificate authority"),
            (try below { $0.notAfter = Forge.now.addingTimeInterval(86_400) }, "before a rotation is sure to be over"),
            (
                try below { $0.names = [.uniformResourceIdentifier("spiffe://other.example")] }, "other.example"
            ),
            (try below { $0.more = [constraints] }, "name constraints"),
            (with(cross: "hello"), "cross certificate"),
            (with(cross: try stranger.cross(by: old)), "subject or key"),
            (with(cross: try good.cross(by: stranger)), "the present root did not sign it"),
            (with(cross: good.root.certificate), "not the new one"),
            (with(cross: try good.cross(by: old) { $0.usage = KeyUsage(digitalSignature: true) }), "key usage"),
            (
                stranger.successor(cross: try stranger.cross(by: old)),
                "let the new root have the present one's subject"
            ),
        ]
        for (material, expected) in cases {
            var next = authority
            do {
                try next.beginRotation(to: material, now: Forge.now, random: &random)
                Issue.record("taken: \(expected)")
            } catch .material(let error) {
                #expect("\(error)".contains(expected), "\(error)")
                #expect(!error.remedy.isEmpty && !"\(error)".contains("PRIVATE"))
            } catch {
                Issue.record("\(error)")
            }
            #expect(next.rotation == nil)
        }
        var next = authority
        try next.beginRotation(to: of(good), now: Forge.now, random: &random)
        #expect(throws: AuthorityError.rotation(.alreadyRunning(.publishing))) {
            try next.beginRotation(to: of(stranger), now: Forge.now, random: &random)
        }
        #expect("\(of(good))" == "a root made elsewhere")
    }
}
