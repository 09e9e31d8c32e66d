internal import Crypto
package import FoundationEssentials
internal import SwiftASN1
package import WeftModel
internal import X509

/// Takes up an authority that was made elsewhere, and intermediates that were signed elsewhere, after checking
/// everything that could make its certificates be refused later.
package enum AuthorityImport {
    /// PEM texts, as files have them.
    package struct Material: Sendable {
        package var rootCertificate: String
        /// Nil leaves the root's key where it is.
        package var rootKey: String?
        package var intermediateCertificate: String?
        package var intermediateKey: String?

        package init(
            rootCertificate: String, rootKey: String? = nil, intermediateCertificate: String? = nil,
            intermediateKey: String? = nil
        ) {
            self.rootCertificate = rootCertificate
            self.rootKey = rootKey
            self.intermediateCertificate = intermediateCertificate
            self.intermediateKey = intermediateKey
        }
    }

    /// Puts an authority together.
    ///
    /// - Parameter trustDomain: needed where the root names none, and refused where it names another.
    package static func authority(
        _ material: Material, trustDomain: TrustDomain?, lifetimes: CertificateLifetimes = CertificateLifetimes(),
        now: Date, random: inout some RandomNumberGenerator
    ) throws -> CertificateAuthority {
        let root = try Self.selfSigned(material.rootCertificate, now: now)
        let named = CertificateAuthority.trustDomain(of: root)
        guard let domain = named ?? trustDomain else {
            throw AuthorityImportError(
                "the root certificate", "it names no trust domain (no URI spiffe://… among its names)",
                "say which with --trust-domain")
        }
        if let trustDomain, trustDomain != domain {
            throw AuthorityImportError(
                "the root certificate", "it is of the trust domain \(domain), not \(trustDomain)",
                "leave --trust-domain out, or give the root of \(trustDomain)")
        }
        let rootKey = try material.rootKey.map { try Self.key($0, "the root key", for: root) }
        let intermediate: CertificateAuthority.Signer
        switch (material.intermediateCertificate, material.intermediateKey, rootKey) {
        case (let certificate?, let key?, _):
            let parsed = try Self.intermediate(certificate, under: root, in: domain, now: now)
            intermediate = CertificateAuthority.Signer(
                certificate: parsed, key: try Self.key(key, "the intermediate key", for: parsed))
        case (nil, nil, let key?):
            intermediate = try CertificateAuthority.makeIntermediate(
                under: CertificateAuthority.Signer(certificate: root, key: key), trustDomain: domain,
                lifetimes: lifetimes, now: now, random: &random)
        case (nil, nil, nil):
            throw AuthorityImportError(
                "the authority", "there is neither the root's key nor an intermediate with its key to sign with",
                "give --root-key, or --intermediate-cert and --intermediate-key")
        default:
            throw AuthorityImportError(
                "the intermediate", "its certificate and its key are needed together",
                "give both --intermediate-cert and --intermediate-key")
        }
        let authority = CertificateAuthority(
            trustDomain: domain, lifetimes: lifetimes,
            root: CertificateAuthority.Root(certificate: root, key: rootKey), intermediate: intermediate)
        try Self.rehearse(authority, now: now, random: &random)
        return authority
    }

    // MARK: Intermediates whose root is elsewhere

    /// The file a requested intermediate's key waits in for its certificate.
    package static let pendingFileName = "intermediate-pending.pem"

    /// Makes a key for a new intermediate and the request that the root's owner signs.
    ///
    /// - Returns: the key in PEM, to be kept; the request in PEM, to be handed out.
    package static func requestIntermediate(in trustDomain: TrustDomain) throws -> (key: String, request: String) {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let wanted = try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            SubjectAlternativeNames([.uniformResourceIdentifier("spiffe://\(trustDomain)")])
        }
        let request = try CertificateSigningRequest(
            version: .v1, subject: CertificateProfile.authorityName("intermediate", publicKey), privateKey: .init(key),
            attributes: .init([.init(ExtensionRequest(extensions: wanted))]), signatureAlgorithm: .ecdsaWithSHA256)
        var serializer = DER.Serializer()
        try serializer.serialize(request)
        return (
            PEM.encode([Array(key.derRepresentation)], label: PEM.privateKeyLabel),
            PEM.encode([serializer.serializedBytes], label: "CERTIFICATE REQUEST")
        )
    }

    /// Replaces the intermediate of `authority` by one that was signed elsewhere for the key that waits.
    package static func install(
        certificate text: String, key: String, in authority: CertificateAuthority, now: Date,
        random: inout some RandomNumberGenerator
    ) throws -> CertificateAuthority {
        let certificate = try Self.intermediate(
            text, under: authority.root.certificate, in: authority.trustDomain, now: now)
        var next = authority
        next.intermediate = CertificateAuthority.Signer(
            certificate: certificate, key: try Self.key(key, "the key that was requested for", for: certificate))
        try Self.rehearse(next, now: now, random: &random)
        return next
    }

    // MARK: Checks

    static func selfSigned(_ text: String, now: Date) throws -> Certificate {
        let what = "the root certificate"
        let root = try Self.certificate(text, what)
        guard root.issuer == root.subject, root.publicKey.isValidSignature(root.signature, for: root) else {
            throw AuthorityImportError(
                what, "it is not signed by itself", "give the root at the end of the chain, not an intermediate")
        }
        try Self.checkAuthority(root, what, now: now, needsBelow: 1)
        return root
    }

    static func intermediate(
        _ text: String, under root: Certificate, in domain: TrustDomain, now: Date
    ) throws -> Certificate {
        let what = "the intermediate certificate"
        let certificate = try Self.certificate(text, what)
        guard certificate.publicKey != root.publicKey else {
            throw AuthorityImportError(
                what, "it is the root itself, or has its key",
                "have the root sign an intermediate with a key of its own, which can then be replaced without it")
        }
        try Self.checkAuthority(certificate, what, now: now, needsBelow: 0)
        guard certificate.issuer == root.subject,
            root.publicKey.isValidSignature(certificate.signature, for: certificate)
        else {
            throw AuthorityImportError(
                what, "the root did not sign it (its issuer is \(certificate.issuer))",
                "it must be signed by the root itself, without others between them")
        }
        if let found = CertificateAuthority.trustDomain(of: certificate), found != domain {
            throw AuthorityImportError(
                what, "it is of the trust domain \(found), not \(domain)", "have it signed for \(domain)")
        }
        return certificate
    }

    static func checkAuthority(
        _ certificate: Certificate, _ what: String, now: Date, needsBelow: Int
    ) throws {
        func refuse(_ cause: String, _ remedy: String) -> AuthorityImportError {
            AuthorityImportError(what, cause, remedy)
        }
        guard
            P256.Signing.PublicKey(certificate.publicKey) != nil || P384.Signing.PublicKey(certificate.publicKey) != nil
        else { throw refuse("its key is \(certificate.publicKey)", "use ECDSA keys on P-256, or P-384 for the root") }
        let (constraints, usage) = (
            try? certificate.extensions.basicConstraints, try? certificate.extensions.keyUsage
        )
        guard case .isCertificateAuthority(let limit)? = constraints else {
            throw refuse("it is no certificate authority (basic constraints)", "sign it with CA:TRUE")
        }
        if let limit, limit < needsBelow {
            throw refuse(
                "its path length of \(limit) leaves no room for the certificates below it",
                "sign it with a path length of at least \(needsBelow), or none")
        }
        guard usage?.keyCertSign == true else {
            throw refuse("its key usage does not let it sign certificates", "sign it with the usage keyCertSign")
        }
        if certificate.extensions[oid: .X509ExtensionID.nameConstraints] != nil {
            throw refuse(
                "it has name constraints, which proxies do not evaluate and therefore refuse",
                "sign it without: whom it may name follows from the trust domain it is trusted for")
        }
        for case .uniformResourceIdentifier(let text) in certificate.alternativeNames {
            guard let id = SPIFFEID(text), !id.path.isEmpty else { continue }
            throw refuse(
                "its name \(id) is a workload's", "name the trust domain alone: spiffe://\(id.trustDomain)")
        }
        guard certificate.notValidBefore <= now else {
            throw refuse(
                "it is not valid before \(certificate.notValidBefore.formatted(.iso8601))",
                "compare the clocks, or wait")
        }
        guard certificate.notValidAfter > now.addingTimeInterval(3600) else {
            throw refuse(
                "it expires at \(certificate.notValidAfter.formatted(.iso8601))",
                "use one that is valid for some time")
        }
    }

    static func certificate(_ text: String, _ what: String) throws -> Certificate {
        let blocks: [(label: String, der: [UInt8])]
        do { blocks = try PEM.decode(text) } catch {
            throw AuthorityImportError(what, "it is not PEM: \(error)", "give a PEM file")
        }
        let certificates = blocks.filter { $0.label == PEM.certificateLabel }
        guard let first = certificates.first, certificates.count == 1 else {
            throw AuthorityImportError(
                what, "the file holds \(certificates.count) certificates instead of one",
                "give a file with this certificate alone")
        }
        do { return try Certificate(der: first.der) } catch {
            throw AuthorityImportError(what, "it cannot be read: \(error)", "give an X.509 certificate in PEM")
        }
    }

    static func key(
        _ text: String, _ what: String, for certificate: Certificate
    ) throws
        -> P256.Signing.PrivateKey
    {
        let key: P256.Signing.PrivateKey
        do { key = try P256.Signing.PrivateKey(pemRepresentation: text) } catch {
            throw AuthorityImportError(
                what, "it is no ECDSA key on P-256 in PEM, or is encrypted",
                "give an unencrypted P-256 key (`openssl pkey` converts); turn on encryption here with --authority-passphrase-file"
            )
        }
        guard Certificate.PublicKey(key.publicKey) == certificate.publicKey else {
            throw AuthorityImportError(
                what, "it does not belong to the certificate", "give the key that the certificate was made for")
        }
        return key
    }

    /// Signs a leaf for nobody and verifies it as proxies will. Returns what was shown.
    @discardableResult
    static func rehearse(
        _ authority: CertificateAuthority, now: Date, random: inout some RandomNumberGenerator
    ) throws -> [[UInt8]] {
        do {
            let identity = try authority.issueControlPlane(
                dnsNames: [], ipAddresses: [], now: now, random: &random)
            _ = try identity.verifier().verify(identity.chain, now: now)
            return identity.chain
        } catch {
            throw AuthorityImportError(
                "the authority", "what it signs would be refused: \(error)",
                "correct the certificate that is named, and try again")
        }
    }
}

/// Why an authority was not imported.
package struct AuthorityImportError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which of the files.
    package let what: String
    package let cause: String
    package let remedy: String

    package init(_ what: String, _ cause: String, _ remedy: String) {
        self.what = what
        self.cause = cause
        self.remedy = remedy
    }

    package var description: String { "\(self.what) was not taken: \(self.cause); \(self.remedy)" }
}
