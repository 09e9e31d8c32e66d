import Crypto
import Foundation
import SwiftASN1
import Testing
import WeftIdentity
import WeftModel
import X509

@Suite struct AuthorityImportTests {
    var random = SeededRandom(3)

    static let domainName = GeneralName.uniformResourceIdentifier("spiffe://mesh.local")

    /// A root, and its key in PEM.
    static func root(
        pathLength: Int? = 1, _ change: (inout Forge.Spec) -> Void = { _ in }
    ) throws -> (signer: Forge.Signer, certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        var spec = Forge.Spec.authority("corporate root", pathLength: pathLength)
        spec.names = [Self.domainName]
        spec.key = Certificate.PrivateKey(key)
        change(&spec)
        let signer = try Forge.make(spec)
        return (signer, PEM.encode([try signer.der]), key.pemRepresentation)
    }

    static func intermediate(
        by root: Forge.Signer, _ change: (inout Forge.Spec) -> Void = { _ in }
    ) throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        var spec = Forge.Spec.authority("mesh intermediate", pathLength: 0)
        spec.names = [Self.domainName]
        spec.key = Certificate.PrivateKey(key)
        change(&spec)
        return (PEM.encode([try Forge.make(spec, by: root).der]), key.pemRepresentation)
    }

    mutating func take(
        _ material: AuthorityImport.Material, trustDomain: TrustDomain? = nil
    ) throws -> CertificateAuthority {
        try AuthorityImport.authority(material, trustDomain: trustDomain, now: Forge.now, random: &self.random)
    }

    mutating func refusal(
        _ material: AuthorityImport.Material, trustDomain: TrustDomain? = nil
    ) throws -> String {
        do {
            _ = try self.take(material, trustDomain: trustDomain)
        } catch let error as AuthorityImportError {
            return "\(error)"
        }
        return "taken"
    }

    @Test mutating func `a root with its key is taken, and outlives being saved`() throws {
        let root = try Self.root()
        let authority = try self.take(.init(rootCertificate: root.certificate, rootKey: root.key))
        #expect(!authority.isRootOffline)
        let files = try PrivateDirectory(path: TemporaryDirectory().path)
        try authority.save(to: files)
        let opened = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        #expect(try opened.rootFingerprint == certificateFingerprint(try root.signer.der))
    }

    @Test mutating func `an offline root of P-384 signs through its intermediate, and makes no others`() throws {
        let key = P384.Signing.PrivateKey()
        let root = try Self.root { $0.key = Certificate.PrivateKey(key) }
        let below = try Self.intermediate(by: root.signer)
        var authority = try self.take(
            .init(
                rootCertificate: root.certificate, intermediateCertificate: below.certificate,
                intermediateKey: below.key))
        #expect(authority.isRootOffline)
        #expect(throws: AuthorityError.rootKeyElsewhere) {
            try authority.renewIntermediate(now: Forge.now, random: &self.random)
        }
        #expect(throws: AuthorityError.rootKeyElsewhere) {
            try authority.beginRotation(now: Forge.now, random: &self.random)
        }
        let files = try PrivateDirectory(path: TemporaryDirectory().path)
        try authority.save(to: files)
        let opened = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        #expect(opened.isRootOffline)
        _ = try opened.issue(
            csrDER: SigningRequest.der(for: P256.Signing.PrivateKey()), identity: Forge.id, now: Forge.now,
            random: &self.random)
    }

    @Test mutating func `a root that names no trust domain needs one said, and remembers it`() throws {
        let root = try Self.root { $0.names = [] }
        let material = AuthorityImport.Material(rootCertificate: root.certificate, rootKey: root.key)
        #expect(try self.refusal(material).contains("--trust-domain"))
        let files = try PrivateDirectory(path: TemporaryDirectory().path)
        try self.take(material, trustDomain: Forge.domain).save(to: files)
        _ = try CertificateAuthority.open(in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
    }

    @Test mutating func `every mistake is told with what, why and what to do`() throws {
        let root = try Self.root()
        let stranger = try Self.root()
        let below = try Self.intermediate(by: root.signer)
        func of(_ root: (signer: Forge.Signer, certificate: String, key: String)) -> AuthorityImport.Material {
            .init(rootCertificate: root.certificate, rootKey: root.key)
        }
        func with(_ below: (certificate: String, key: String)) -> AuthorityImport.Material {
            .init(
                rootCertificate: root.certificate, intermediateCertificate: below.certificate,
                intermediateKey: below.key)
        }
        let cases: [(AuthorityImport.Material, String)] = [
            (.init(rootCertificate: "hello", rootKey: root.key), "root certificate"),
            (.init(rootCertificate: root.certificate, rootKey: "hello"), "root key"),
            (.init(rootCertificate: root.certificate, rootKey: stranger.key), "does not belong"),
            (.init(rootCertificate: root.certificate), "neither the root's key nor an intermediate"),
            (.init(rootCertificate: root.certificate, intermediateCertificate: below.certificate), "together"),
            (with((below.certificate, root.key)), "does not belong"),
            (with(try Self.intermediate(by: stranger.signer)), "did not sign it"),
            (of(try Self.root(pathLength: 0)), "path length"),
            (of(try Self.root { $0.constraints = .notCertificateAuthority }), "no certificate authority"),
            (of(try Self.root { $0.usage = KeyUsage(digitalSignature: true) }), "key usage"),
            (of(try Self.root { $0.notAfter = Forge.now.addingTimeInterval(10) }), "expires"),
            (of(try Self.root { $0.notBefore = Forge.now.addingTimeInterval(10) }), "not valid before"),
            (with(try Self.intermediate(by: root.signer) { $0.notAfter = Forge.now }), "expires"),
            (
                with(
                    try Self.intermediate(by: root.signer) {
                        $0.names = [.uniformResourceIdentifier("spiffe://other.example")]
                    }), "other.example"
            ),
            (.init(rootCertificate: below.certificate, rootKey: below.key), "not signed by itself"),
        ]
        for (material, expected) in cases {
            let text = try self.refusal(material)
            #expect(text.contains(expected), "\(text)")
        }
        let other = try #require(TrustDomain("other.example"))
        #expect(try self.refusal(of(root), trustDomain: other).contains("mesh.local"))
    }

    @Test mutating func `an intermediate is requested here, signed elsewhere and installed`() throws {
        let root = try Self.root()
        let below = try Self.intermediate(by: root.signer)
        let authority = try self.take(
            .init(
                rootCertificate: root.certificate, intermediateCertificate: below.certificate,
                intermediateKey: below.key))
        let made = try AuthorityImport.requestIntermediate(in: Forge.domain)
        let request = try CertificateSigningRequest(pemEncoded: made.request)
        #expect(request.publicKey.isValidSignature(request.signature, for: request))
        let signed = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: request.publicKey, notValidBefore: Forge.now,
            notValidAfter: Forge.now.addingTimeInterval(90 * 86_400), issuer: root.signer.certificate.subject,
            subject: request.subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: root.signer.key)
        let text = PEM.encode([try Forge.der(signed)])
        let next = try AuthorityImport.install(
            certificate: text, key: made.key, in: authority, now: Forge.now, random: &self.random)
        #expect(next.intermediateExpiry == signed.notValidAfter)
        #expect(throws: AuthorityImportError.self) {
            try AuthorityImport.install(
                certificate: below.certificate, key: made.key, in: authority, now: Forge.now, random: &self.random)
        }
    }
}
