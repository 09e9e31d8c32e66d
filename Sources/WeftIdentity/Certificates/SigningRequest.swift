package import Crypto
internal import SwiftASN1
internal import X509

/// A certificate signing request that has been checked: a P-256 key, and proof that the sender holds it.
///
/// Nothing else is taken from a request. Names, usages and lifetime come from whoever signs.
///
/// Source: RFC 2986.
package struct SigningRequest: Sendable {
    package let publicKey: P256.Signing.PublicKey

    /// The largest request that is read, in bytes.
    package static let maxBytes = 16 * 1024

    /// Reads and checks a DER request.
    package init(der: [UInt8]) throws(SigningRequestError) {
        guard der.count <= Self.maxBytes else { throw .malformed("\(der.count) bytes; at most \(Self.maxBytes)") }
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: der)
        } catch {
            throw .malformed("\(error)")
        }
        guard let key = P256.Signing.PublicKey(request.publicKey) else {
            throw .unsupportedKey("\(request.publicKey)")
        }
        guard request.signatureAlgorithm == .ecdsaWithSHA256 else {
            throw .unsupportedSignature("\(request.signatureAlgorithm)")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else { throw .badSignature }
        self.publicKey = key
    }

    /// The DER of a request for `key`: no names, no attributes, signed with ECDSA and SHA-256.
    package static func der(for key: P256.Signing.PrivateKey) throws -> [UInt8] {
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(), privateKey: .init(key),
            attributes: CertificateSigningRequest.Attributes(), signatureAlgorithm: .ecdsaWithSHA256)
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        return serializer.serializedBytes
    }
}

/// Why a signing request was refused. The requester's mistake in every case.
package enum SigningRequestError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case unsupportedKey(String)
    case unsupportedSignature(String)
    case badSignature

    package var description: String {
        switch self {
        case .malformed(let cause): "the signing request cannot be read: \(cause)"
        case .unsupportedKey(let key): "the signing request has a \(key); only ECDSA P-256 keys are signed"
        case .unsupportedSignature(let algorithm):
            "the signing request is signed with \(algorithm); use ECDSA with SHA-256"
        case .badSignature: "the signing request is not signed by the key it names"
        }
    }
}
