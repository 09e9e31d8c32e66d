import Crypto
import Foundation
import SwiftASN1
import WeftIdentity
import WeftModel
import X509

/// Makes certificates of every shape, good and bad.
struct Forge {
    /// A moment all tests agree on.
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let domain = TrustDomain.standard
    static let id = SPIFFEID(trustDomain: domain, namespace: "default", account: "billing")

    /// A certificate with its key.
    struct Signer {
        var certificate: Certificate
        var key: Certificate.PrivateKey

        var der: [UInt8] { get throws { try Forge.der(self.certificate) } }
    }

    /// What a certificate says. The defaults make a valid leaf.
    struct Spec {
        var names: [GeneralName] = [.uniformResourceIdentifier(Forge.id.description)]
        var constraints: BasicConstraints? = .notCertificateAuthority
        var usage: KeyUsage? = KeyUsage(digitalSignature: true)
        var extendedUsage: [ExtendedKeyUsage.Usage]? = [.serverAuth, .clientAuth]
        var notBefore = Forge.now.addingTimeInterval(-60)
        var notAfter = Forge.now.addingTimeInterval(3600)
        var more: [Certificate.Extension] = []
        var subject = ""
        var key = Certificate.PrivateKey(P256.Signing.PrivateKey())

        static func authority(_ subject: String, pathLength: Int? = nil) -> Spec {
            var spec = Spec()
            spec.names = []
            spec.constraints = .isCertificateAuthority(maxPathLength: pathLength)
            spec.usage = KeyUsage(keyCertSign: true)
            spec.extendedUsage = nil
            spec.notAfter = Forge.now.addingTimeInterval(365 * 24 * 3600)
            spec.subject = subject
            return spec
        }
    }

    /// Signs what the spec says; with no issuer it signs itself.
    static func make(_ spec: Spec, by issuer: Signer? = nil) throws -> Signer {
        let subject = try DistinguishedName { if !spec.subject.isEmpty { CommonName(spec.subject) } }
        var extensions: [Certificate.Extension] = []
        if let constraints = spec.constraints { extensions.append(try .init(constraints, critical: true)) }
        if let usage = spec.usage { extensions.append(try .init(usage, critical: true)) }
        if let usages = spec.extendedUsage { extensions.append(try .init(ExtendedKeyUsage(usages), critical: false)) }
        if !spec.names.isEmpty { extensions.append(try .init(SubjectAlternativeNames(spec.names), critical: true)) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: spec.key.publicKey, notValidBefore: spec.notBefore,
            notValidAfter: spec.notAfter, issuer: issuer?.certificate.subject ?? subject, subject: subject,
            extensions: Certificate.Extensions(extensions + spec.more), issuerPrivateKey: issuer?.key ?? spec.key)
        return Signer(certificate: certificate, key: spec.key)
    }

    static func der(_ certificate: Certificate) throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return serializer.serializedBytes
    }

    /// A verifier that trusts `roots` for the standard trust domain.
    static func verifier(_ roots: [Signer]) throws -> SVIDVerifier {
        SVIDVerifier(bundles: [try TrustBundle(trustDomain: domain, der: roots.map { try $0.der })])
    }
}

/// A generator that repeats itself for a seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// A directory that goes away with the value.
final class TemporaryDirectory {
    let path: String

    init() { self.path = NSTemporaryDirectory() + "weft-test-\(UUID().uuidString)" }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
