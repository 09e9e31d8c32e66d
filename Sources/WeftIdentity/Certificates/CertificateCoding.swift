internal import Crypto
internal import SwiftASN1
internal import X509

extension Certificate {
    /// Reads one DER certificate; trailing bytes are an error.
    init(der: [UInt8]) throws {
        try self.init(derEncoded: der)
    }

    /// The certificate's DER, byte for byte as it was read or signed.
    func der() throws -> [UInt8] {
        var serializer = DER.Serializer()
        try serializer.serialize(self)
        return serializer.serializedBytes
    }

    /// How messages name a certificate: its subject, or its URI name where the subject is empty.
    var displayName: String {
        guard self.subject.isEmpty else { return "\(self.subject)" }
        for case .uniformResourceIdentifier(let uri) in self.alternativeNames { return uri }
        return "serial \(Hex.encode(self.serialNumber.bytes))"
    }

    /// The subject alternative names; empty where there are none or they cannot be read.
    var alternativeNames: SubjectAlternativeNames {
        do { return try self.extensions.subjectAlternativeNames ?? SubjectAlternativeNames() } catch {
            return SubjectAlternativeNames()
        }
    }
}

/// PEM blocks with the labels that TLS libraries read.
package enum PEM {
    package static let certificateLabel = "CERTIFICATE"
    package static let privateKeyLabel = "PRIVATE KEY"

    /// One block per DER value, each ending in a newline.
    package static func encode(_ ders: [[UInt8]], label: String = PEM.certificateLabel) -> String {
        ders.map { PEMDocument(type: label, derBytes: $0).pemString + "\n" }.joined()
    }

    /// Every block of `text`, in order. Throws when a block is damaged.
    package static func decode(_ text: String) throws -> [(label: String, der: [UInt8])] {
        try PEMDocument.parseMultiple(pemString: text).map { ($0.discriminator, $0.derBytes) }
    }
}

/// The SHA-256 of a certificate's DER in lower-case hex: how a root is named in join tokens and by people.
package func certificateFingerprint(_ der: [UInt8]) -> String {
    Hex.encode(SHA256.hash(data: der))
}
