internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// Searches a path from a leaf over the certificates a peer showed to a root, and checks every certificate on it.
///
/// Depth first, roots preferred. The number of signature checks is bounded, because certificates of equal names would
/// otherwise let a peer make the search as long as it likes.
///
/// Source: RFC 5280 §6.1.
struct CertificationPath {
    let candidates: [Certificate]
    let roots: [Certificate]
    let now: Date
    let skew: TimeInterval
    /// How long before its time a certificate is taken.
    let early: TimeInterval

    /// Signature checks left before the search gives up.
    private var checksLeft = 24

    init(candidates: [Certificate], roots: [Certificate], now: Date, skew: TimeInterval, early: TimeInterval) {
        self.candidates = candidates
        self.roots = roots
        self.now = now
        self.skew = skew
        self.early = early
    }

    /// Finds the root, by its place in `roots`. Throws the most telling cause when no path holds: one found further
    /// along beats an unknown issuer.
    mutating func verify(_ leaf: Certificate) throws(SVIDError) -> Int {
        try self.checkCommon(leaf)
        return try self.findIssuer(of: leaf, path: [leaf])
    }

    private mutating func findIssuer(of certificate: Certificate, path: [Certificate]) throws(SVIDError) -> Int {
        var cause: SVIDError?
        for (index, root) in self.roots.enumerated() where root.subject == certificate.issuer {
            do {
                try self.check(root, signed: certificate, path: path)
                return index
            } catch {
                cause = cause ?? error
            }
        }
        for candidate in self.candidates
        where candidate.subject == certificate.issuer && !path.contains(candidate) && !self.roots.contains(candidate) {
            do {
                try self.check(candidate, signed: certificate, path: path)
                return try self.findIssuer(of: candidate, path: path + [candidate])
            } catch {
                // A later candidate's cause replaces "did not sign": it came further.
                if case .badSignature? = cause { cause = error } else { cause = cause ?? error }
            }
        }
        throw cause ?? .unknownIssuer(certificate: certificate.displayName, issuer: "\(certificate.issuer)")
    }

    /// Whether `issuer` signed `certificate` and was allowed to. `path` runs from the leaf to `certificate`.
    private mutating func check(
        _ issuer: Certificate, signed certificate: Certificate, path: [Certificate]
    ) throws(SVIDError) {
        guard self.checksLeft > 0 else { throw .pathTooLong(issuer: issuer.displayName) }
        self.checksLeft -= 1
        guard issuer.publicKey.isValidSignature(certificate.signature, for: certificate) else {
            throw .badSignature(certificate: certificate.displayName, issuer: issuer.displayName)
        }
        try self.checkCommon(issuer)
        // The leaf and certificates issued to oneself do not count towards the limit.
        let below = path.dropFirst().count { $0.subject != $0.issuer }
        try Self.checkAuthority(issuer, intermediatesBelow: below)
    }

    /// What holds for every certificate on the path.
    private func checkCommon(_ certificate: Certificate) throws(SVIDError) {
        guard certificate.version == .v3 else {
            throw .malformed("\(certificate.displayName) is an X.509 \(certificate.version) certificate, not v3")
        }
        if self.now.addingTimeInterval(self.early) < certificate.notValidBefore {
            throw .notYetValid(certificate: certificate.displayName, until: certificate.notValidBefore)
        }
        if self.now.addingTimeInterval(-self.skew) > certificate.notValidAfter {
            throw .expired(certificate: certificate.displayName, at: certificate.notValidAfter)
        }
        for present in certificate.extensions where present.critical && !Self.understood.contains(present.oid) {
            throw .unknownCriticalExtension(certificate: certificate.displayName, oid: "\(present.oid)")
        }
        guard Self.isAccepted(certificate.publicKey) else {
            throw .weakAlgorithm(
                certificate: certificate.displayName, "a key that is not accepted: \(certificate.publicKey)")
        }
        guard Self.acceptedSignatures.contains(certificate.signatureAlgorithm) else {
            throw .weakAlgorithm(
                certificate: certificate.displayName,
                "a signature that is not accepted: \(certificate.signatureAlgorithm)")
        }
    }

    /// What holds for every issuer.
    private static func checkAuthority(_ issuer: Certificate, intermediatesBelow: Int) throws(SVIDError) {
        let name = issuer.displayName
        do {
            guard case .isCertificateAuthority(let limit) = try issuer.extensions.basicConstraints else {
                throw SVIDError.issuerMayNotSign(issuer: name, cause: "it is not a certificate authority")
            }
            if let limit, intermediatesBelow > limit { throw SVIDError.pathTooLong(issuer: name) }
            guard let usage = try issuer.extensions.keyUsage else {
                throw SVIDError.issuerMayNotSign(issuer: name, cause: "it states no key usage")
            }
            guard usage.keyCertSign else {
                throw SVIDError.issuerMayNotSign(issuer: name, cause: "its key may not sign certificates")
            }
            if try issuer.extensions.nameConstraints != nil { throw SVIDError.nameConstraints(issuer: name) }
        } catch let error as SVIDError {
            throw error
        } catch {
            throw .malformed("an extension of \(name): \(error)")
        }
    }

    private static func isAccepted(_ key: Certificate.PublicKey) -> Bool {
        P256.Signing.PublicKey(key) != nil || P384.Signing.PublicKey(key) != nil || P521.Signing.PublicKey(key) != nil
            || Curve25519.Signing.PublicKey(key) != nil
    }

    private static let acceptedSignatures: Set<Certificate.SignatureAlgorithm> = [
        .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .ed25519,
    ]

    /// Critical extensions that are evaluated, here or by `SVIDVerifier`.
    private static let understood: Set<ASN1ObjectIdentifier> = [
        .X509ExtensionID.basicConstraints, .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
        .X509ExtensionID.subjectAlternativeName, .X509ExtensionID.nameConstraints,
    ]
}
