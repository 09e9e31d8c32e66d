internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import WeftModel
internal import X509

/// What the mesh's certificates contain.
///
/// Source: X.509-SVID specification, and RFC 5280 where it is silent.
enum CertificateProfile {
    /// How far `notBefore` lies in the past, for peers whose clocks are behind.
    static let backdate: TimeInterval = 60

    /// A signing certificate: the trust domain's own ID, `keyCertSign` and `cRLSign`.
    static func authorityExtensions(
        _ key: Certificate.PublicKey, issuerKeyIdentifier: ArraySlice<UInt8>, trustDomain: TrustDomain, pathLength: Int
    ) throws -> Certificate.Extensions {
        try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: pathLength))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://\(trustDomain)")])
            SubjectKeyIdentifier(hash: key)
            AuthorityKeyIdentifier(keyIdentifier: issuerKeyIdentifier)
        }
    }

    /// What an issuer calls its key: others may have chosen another identifier than ours.
    static func keyIdentifier(of issuer: Certificate) -> ArraySlice<UInt8> {
        let own = try? issuer.extensions.subjectKeyIdentifier
        return own?.keyIdentifier ?? SubjectKeyIdentifier(hash: issuer.publicKey).keyIdentifier
    }

    /// A leaf: exactly one URI name, both TLS roles. Its subject is empty, so the names are critical.
    static func leafExtensions(
        _ key: P256.Signing.PublicKey, issuer: Certificate, identity: SPIFFEID, dnsNames: [String],
        ipAddresses: [[UInt8]]
    ) throws -> Certificate.Extensions {
        var names: [GeneralName] = [.uniformResourceIdentifier(identity.description)]
        names += dnsNames.map { .dnsName($0) }
        names += ipAddresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            Critical(SubjectAlternativeNames(names))
            SubjectKeyIdentifier(hash: Certificate.PublicKey(key))
            AuthorityKeyIdentifier(keyIdentifier: Self.keyIdentifier(of: issuer))
        }
    }

    /// 126 random bits or so, positive as RFC 5280 asks. The last bit of the first octet says whether its holder joined, and
    /// may renew what it holds: it is set in all but those that were handed on.
    static func serialNumber(
        handedOn: Bool = false, using random: inout some RandomNumberGenerator
    ) -> Certificate.SerialNumber {
        var bytes: [UInt8] = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        bytes[0] = handedOn ? bytes[0] & 0x7e | 0x40 : bytes[0] & 0x7f | 0x01
        return Certificate.SerialNumber(bytes: bytes)
    }

    /// An authority's name, told apart from its predecessors' by its key.
    static func authorityName(_ role: String, _ key: Certificate.PublicKey) throws -> DistinguishedName {
        let mark = Hex.encode(SubjectKeyIdentifier(hash: key).keyIdentifier.prefix(4))
        return try DistinguishedName {
            OrganizationName("Weft")
            CommonName("\(role) \(mark)")
        }
    }
}
