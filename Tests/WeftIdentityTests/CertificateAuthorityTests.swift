import Crypto
import Foundation
import SwiftASN1
import Testing
import WeftIdentity
import WeftModel
import X509

@Suite struct CertificateAuthorityTests {
    var random = SeededRandom(42)

    func authority(now: Date = Forge.now) throws -> CertificateAuthority {
        var random = self.random
        return try CertificateAuthority(trustDomain: Forge.domain, now: now, random: &random)
    }

    @Test mutating func `a leaf holds one SPIFFE ID, both TLS roles and nothing that signs certificates`() throws {
        let key = P256.Signing.PrivateKey()
        let svid = try self.authority().issue(
            csrDER: SigningRequest.der(for: key), identity: Forge.id, now: Forge.now, random: &self.random)
        let leaf = try Certificate(derEncoded: svid.chain[0])
        #expect(try leaf.extensions.subjectAlternativeNames?.map { "\($0)" }.count == 1)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(leaf.extensions[oid: .X509ExtensionID.keyUsage]?.critical == true)
        #expect(leaf.extensions[oid: .X509ExtensionID.subjectAlternativeName]?.critical == true)
        #expect(leaf.notValidBefore == Forge.now.addingTimeInterval(-60))
        #expect(leaf.notValidAfter == Forge.now.addingTimeInterval(24 * 3600))
        #expect(leaf.serialNumber.bytes.count >= 8)
        #expect(svid.chain.count == 2)
        let identity = try WorkloadIdentity(
            key: key, chain: svid.chain, bundle: svid.bundle, expecting: Forge.id, now: Forge.now)
        #expect(identity.id == Forge.id)
        #expect(identity.serial == svid.serial)
    }

    @Test mutating func `a clock set back before the authority began is told, for nobody could use what it signs`()
        throws
    {
        let authority = try self.authority()
        let csr = try SigningRequest.der(for: P256.Signing.PrivateKey())
        let beginning = Forge.now.addingTimeInterval(-60)
        #expect(throws: AuthorityError.notYetValid(beginning)) {
            try authority.issue(
                csrDER: csr, identity: Forge.id, now: Forge.now.addingTimeInterval(-61), random: &self.random)
        }
        _ = try authority.issue(csrDER: csr, identity: Forge.id, now: beginning, random: &self.random)
    }

    @Test mutating func `names in a request are ignored`() throws {
        let key = P256.Signing.PrivateKey()
        let wanted = try Certificate.Extensions {
            SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://mesh.local/ns/default/sa/admin")])
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
        }
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("admin") }, privateKey: .init(key),
            attributes: .init([.init(ExtensionRequest(extensions: wanted))]), signatureAlgorithm: .ecdsaWithSHA256)
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        let svid = try self.authority().issue(
            csrDER: serializer.serializedBytes, identity: Forge.id, now: Forge.now, random: &self.random)
        let leaf = try Certificate(derEncoded: svid.chain[0])
        #expect(leaf.subject.isEmpty)
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(Array(names) == [.uniformResourceIdentifier(Forge.id.description)])
    }

    @Test func `a request must be signed by its own key`() throws {
        var der = try SigningRequest.der(for: P256.Signing.PrivateKey())
        der[der.count - 1] ^= 1
        let error = #expect(throws: SigningRequestError.self) { try SigningRequest(der: der) }
        #expect(error == .badSignature)
        #expect(throws: SigningRequestError.self) { try SigningRequest(der: []) }
        #expect(throws: SigningRequestError.self) { try SigningRequest(der: der + [0]) }
        #expect(throws: SigningRequestError.self) {
            try SigningRequest(der: Array(repeating: 0x30, count: 100_000))
        }
    }

    @Test func `only P-256 keys are signed`() throws {
        let other = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), privateKey: .init(P384.Signing.PrivateKey()),
            attributes: .init(), signatureAlgorithm: .ecdsaWithSHA384)
        var serializer = DER.Serializer()
        try serializer.serialize(other)
        let der = serializer.serializedBytes
        #expect(throws: SigningRequestError.unsupportedKey("P384.PublicKey")) { try SigningRequest(der: der) }
    }

    @Test(
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")),
        arguments: ["rsa:1024", "rsa:2048"])
    func `RSA keys are refused`(kind: String) throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let (status, output) = try openssl([
            "req", "-new", "-newkey", kind, "-nodes", "-keyout", "/dev/null", "-subj", "/CN=x", "-outform", "DER",
            "-out", files.path(of: "csr.der"),
        ])
        #expect(status == 0, "\(output)")
        let der = try Array(Data(contentsOf: URL(fileURLWithPath: files.path(of: "csr.der"))))
        #expect(throws: SigningRequestError.self) { try SigningRequest(der: der) }
    }

    @Test mutating func `an identity of another trust domain, or without a path, is not signed`() throws {
        let authority = try self.authority()
        let csr = try SigningRequest.der(for: P256.Signing.PrivateKey())
        for text in ["spiffe://other.example/ns/default/sa/billing", "spiffe://mesh.local"] {
            let identity = try #require(SPIFFEID(text))
            #expect(throws: AuthorityError.self) {
                try authority.issue(csrDER: csr, identity: identity, now: Forge.now, random: &self.random)
            }
        }
    }

    @Test mutating func `a leaf never outlives its issuer`() throws {
        let authority = try self.authority()
        let late = authority.intermediateExpiry.addingTimeInterval(-3600)
        let csr = try SigningRequest.der(for: P256.Signing.PrivateKey())
        let svid = try authority.issue(csrDER: csr, identity: Forge.id, now: late, random: &self.random)
        #expect(svid.notAfter == authority.intermediateExpiry)
        let tooLate = authority.intermediateExpiry
        #expect(throws: AuthorityError.expired(tooLate)) {
            try authority.issue(csrDER: csr, identity: Forge.id, now: tooLate, random: &self.random)
        }
    }

    @Test mutating func `the first start makes an authority and the next loads it`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let first = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        let second = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        #expect(try first.rootFingerprint == second.rootFingerprint)
        #expect(first.intermediateExpiry == second.intermediateExpiry)
        let attributes = try FileManager.default.attributesOfItem(
            atPath: files.path(of: CertificateAuthority.fileName))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let directoryAttributes = try FileManager.default.attributesOfItem(atPath: directory.path)
        #expect(directoryAttributes[.posixPermissions] as? Int == 0o700)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["authority.pem"])
    }

    @Test func `authorities made at once agree on one`() async throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let fingerprints = try await withThrowingTaskGroup(of: String.self) { group in
            for seed in 0..<8 {
                group.addTask {
                    var random = SeededRandom(UInt64(seed))
                    return try CertificateAuthority.open(
                        in: files, trustDomain: Forge.domain, now: Forge.now, random: &random
                    ).rootFingerprint
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(fingerprints.count == 1)
    }

    @Test mutating func `an intermediate with a third of its life left is renewed under the same root`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let first = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        let later = Forge.now.addingTimeInterval(250 * 24 * 3600)
        let renewed = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: later, random: &self.random)
        #expect(try first.rootFingerprint == renewed.rootFingerprint)
        #expect(renewed.intermediateExpiry > first.intermediateExpiry)
        let loaded = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: later, random: &self.random)
        #expect(loaded.intermediateExpiry == renewed.intermediateExpiry)
    }

    @Test mutating func `a saved authority of another trust domain, or a damaged one, is not taken`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        _ = try CertificateAuthority.open(in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
        let other = try #require(TrustDomain("other.example"))
        #expect(throws: AuthorityError.wrongTrustDomain(expected: other, found: Forge.domain)) {
            try CertificateAuthority.open(in: files, trustDomain: other, now: Forge.now, random: &self.random)
        }
        let saved = try #require(try files.read(CertificateAuthority.fileName))
        for bytes in [[], Array(saved.prefix(saved.count / 2)), Array("hello".utf8)] {
            try files.write(CertificateAuthority.fileName, bytes)
            let error = #expect(throws: AuthorityError.self) {
                try CertificateAuthority.open(
                    in: files, trustDomain: Forge.domain, now: Forge.now, random: &self.random)
            }
            #expect("\(try #require(error))".contains("damaged"))
        }
    }

    @Test func `a key that others may read is refused`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        try files.write("identity.pem", [1])
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: files.path(of: "identity.pem"))
        let error = #expect(throws: CredentialStorageError.self) { try files.read("identity.pem") }
        #expect(error?.remedy.contains("chmod 600") == true)
    }

    @Test mutating func `the control plane's chain carries names and the root`() throws {
        let authority = try self.authority()
        let server = try authority.issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [[127, 0, 0, 1]], now: Forge.now, random: &self.random)
        #expect(server.id.description == "spiffe://mesh.local/ns/weft/sa/control")
        #expect(server.chain.count == 3)
        #expect(try certificateFingerprint(server.chain[2]) == authority.rootFingerprint)
        #expect(!"\(server)".contains("PRIVATE"))
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
    mutating func `openssl accepts the chain for both roles`() throws {
        let directory = TemporaryDirectory()
        let files = try PrivateDirectory(path: directory.path)
        let server = try self.authority().issueControlPlane(
            dnsNames: ["localhost"], ipAddresses: [[127, 0, 0, 1]], now: Forge.now, random: &self.random)
        try files.write("root.pem", Array(PEM.encode(server.bundle).utf8))
        try files.write("leaf.pem", Array(PEM.encode([server.chain[0]]).utf8))
        try files.write("others.pem", Array(PEM.encode([server.chain[1]]).utf8))
        for purpose in ["sslserver", "sslclient"] {
            let (status, output) = try openssl([
                "verify", "-x509_strict", "-purpose", purpose, "-verify_ip", "127.0.0.1", "-attime",
                "\(Int(Forge.now.timeIntervalSince1970))", "-CAfile", files.path(of: "root.pem"), "-untrusted",
                files.path(of: "others.pem"), files.path(of: "leaf.pem"),
            ])
            #expect(status == 0, "\(output)")
        }
    }
}
