package import FoundationEssentials
package import WeftModel

/// Why a peer's certificates were refused. Each is the peer's doing, or its issuer's, never a reason to try others' roots.
package enum SVIDError: Error, Hashable, Sendable {
    /// The peer showed no certificate.
    case noCertificate
    case malformed(String)
    /// More certificates than `SVIDVerifier.maxPresented`.
    case tooManyCertificates(Int)
    /// The leaf names no URI, so no SPIFFE ID.
    case noURIName
    case severalURINames(Int)
    case notSPIFFEID(String)
    /// The leaf names a trust domain, not a workload.
    case noWorkloadPath(SPIFFEID)
    /// A signing certificate shown as a leaf.
    case leafIsAuthority(SPIFFEID)
    /// The leaf's key usage; the text says what is wrong with it.
    case keyUsage(SPIFFEID, String)
    /// The leaf has an extended key usage without both TLS roles.
    case extendedKeyUsage(SPIFFEID)
    /// A trust domain for which there is no bundle.
    case unknownTrustDomain(SPIFFEID)
    case expired(certificate: String, at: Date)
    case notYetValid(certificate: String, until: Date)
    /// No certificate shown and no root has the issuer's name.
    case unknownIssuer(certificate: String, issuer: String)
    /// An issuer of that name is known, but did not sign.
    case badSignature(certificate: String, issuer: String)
    /// The issuer may not sign; the text says why.
    case issuerMayNotSign(issuer: String, cause: String)
    /// More intermediates than an issuer allows, or than are tried.
    case pathTooLong(issuer: String)
    case unknownCriticalExtension(certificate: String, oid: String)
    /// Name constraints are not supported, and ignoring them would be unsafe.
    case nameConstraints(issuer: String)
    /// A key or signature algorithm that is not accepted.
    case weakAlgorithm(certificate: String, String)
    /// A valid peer, but not the one that must answer here.
    case wrongIdentity(expected: [SPIFFEID], found: SPIFFEID)
    /// A valid peer whose identity has been revoked.
    case revoked(SPIFFEID)
    /// No certificate shown has the fingerprint that the join token names.
    case rootNotPinned(fingerprint: String)

    /// The reason code of a request that failed for this.
    package var reason: Reason {
        switch self {
        case .wrongIdentity, .revoked: .peerIdentityMismatch
        default: .tlsFailed
        }
    }

    /// A short word for metrics' labels.
    package var label: String {
        switch self {
        case .noCertificate: "no_certificate"
        case .malformed, .tooManyCertificates: "malformed"
        case .noURIName, .severalURINames, .notSPIFFEID, .noWorkloadPath: "not_svid"
        case .leafIsAuthority, .keyUsage, .extendedKeyUsage: "wrong_usage"
        case .unknownTrustDomain: "foreign_trust_domain"
        case .expired: "expired"
        case .notYetValid: "not_yet_valid"
        case .unknownIssuer, .badSignature, .rootNotPinned: "unknown_issuer"
        case .issuerMayNotSign, .pathTooLong, .nameConstraints, .unknownCriticalExtension: "bad_path"
        case .weakAlgorithm: "weak_algorithm"
        case .wrongIdentity: "wrong_identity"
        case .revoked: "revoked"
        }
    }
}

extension SVIDError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noCertificate: "the peer showed no certificate"
        case .malformed(let cause): "a certificate cannot be read: \(cause)"
        case .tooManyCertificates(let count):
            "the peer showed \(count) certificates; at most \(SVIDVerifier.maxPresented) are read"
        case .noURIName: "the certificate names no URI, so it carries no SPIFFE ID"
        case .severalURINames(let count): "the certificate names \(count) URIs; an SVID has exactly one"
        case .notSPIFFEID(let text): "the certificate's URI \(text) is not a SPIFFE ID"
        case .noWorkloadPath(let id): "\(id) names a trust domain, not a workload"
        case .leafIsAuthority(let id): "the certificate of \(id) is a signing certificate, not a workload's"
        case .keyUsage(let id, let cause): "the certificate of \(id) \(cause)"
        case .extendedKeyUsage(let id):
            "the certificate of \(id) has an extended key usage that lacks server or client authentication"
        case .unknownTrustDomain(let id): "\(id) is of a trust domain that is not trusted here"
        case .expired(let certificate, let date):
            "the certificate of \(certificate) expired at \(date.formatted(.iso8601))"
        case .notYetValid(let certificate, let date):
            "the certificate of \(certificate) is not valid before \(date.formatted(.iso8601)); compare the clocks"
        case .unknownIssuer(let certificate, let issuer):
            "the certificate of \(certificate) was issued by \(issuer), which is not trusted here"
        case .badSignature(let certificate, let issuer):
            "the certificate of \(certificate) claims the issuer \(issuer), which did not sign it"
        case .issuerMayNotSign(let issuer, let cause): "the issuer \(issuer) may not sign: \(cause)"
        case .pathTooLong(let issuer): "too many certificates below \(issuer)"
        case .unknownCriticalExtension(let certificate, let oid):
            "the certificate of \(certificate) has the critical extension \(oid), which is not understood"
        case .nameConstraints(let issuer): "the issuer \(issuer) has name constraints, which are not supported"
        case .weakAlgorithm(let certificate, let cause): "the certificate of \(certificate) uses \(cause)"
        case .wrongIdentity(let expected, let found):
            "the peer proved to be \(found), expected \(expected.map(\.description).joined(separator: " or "))"
        case .revoked(let id): "the identity \(id) is revoked"
        case .rootNotPinned(let fingerprint):
            "the server's certificates do not include the root \(fingerprint) that the join token names"
        }
    }
}
