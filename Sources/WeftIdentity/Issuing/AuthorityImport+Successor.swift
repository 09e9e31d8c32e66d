internal import FoundationEssentials
internal import WeftModel
internal import X509

extension AuthorityImport {
    /// A root that was made elsewhere and whose key stays there, with what is to sign under it here: PEM texts, as files
    /// have them.
    package struct Successor: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
        package var rootCertificate: String
        package var intermediateCertificate: String
        package var intermediateKey: String
        /// Name and key of the new root, signed by the present one. Nil leaves those behind that know only the present
        /// one; where the present root's key is here, it is made.
        package var crossCertificate: String?

        package init(
            rootCertificate: String, intermediateCertificate: String, intermediateKey: String,
            crossCertificate: String? = nil
        ) {
            self.rootCertificate = rootCertificate
            self.intermediateCertificate = intermediateCertificate
            self.intermediateKey = intermediateKey
            self.crossCertificate = crossCertificate
        }

        /// Never the key.
        package var description: String { "a root made elsewhere" }
        package var debugDescription: String { self.description }
    }

    /// A successor that was found good.
    struct CheckedSuccessor {
        let root: Certificate
        let intermediate: CertificateAuthority.Signer
        let crossSigned: Certificate?
    }

    /// How much longer than a leaf's life an intermediate must live to see a rotation's end: twice that life.
    static let livesOfLeaves = 2.0

    /// Checks a root that is to follow the one of `authority`, and all that comes with it.
    static func successor(
        _ material: Successor, of authority: CertificateAuthority, now: Date, random: inout some RandomNumberGenerator
    ) throws -> CheckedSuccessor {
        let what = "the root certificate"
        let (present, domain) = (authority.root.certificate, authority.trustDomain)
        let root = try Self.selfSigned(material.rootCertificate, now: now)
        if let named = CertificateAuthority.trustDomain(of: root), named != domain {
            throw AuthorityImportError(
                what, "it is of the trust domain \(named), not \(domain)",
                "make the new root for \(domain): a mesh keeps its trust domain")
        }
        guard root != present else {
            throw AuthorityImportError(what, "it is the root that is in force", "give the new root's certificate")
        }
        guard root.publicKey != present.publicKey else {
            throw AuthorityImportError(
                what, "its key is that of the root in force", "make the new root with a key of its own")
        }
        let certificate = try Self.intermediate(material.intermediateCertificate, under: root, in: domain, now: now)
        let leaf = authority.lifetimes.leaf.timeInterval
        guard certificate.notValidAfter > now.addingTimeInterval(Self.livesOfLeaves * leaf) else {
            throw AuthorityImportError(
                "the intermediate certificate",
                "it expires at \(certificate.notValidAfter.formatted(.iso8601)), before a rotation is sure to be over",
                "have one signed that is valid for more than two lives of a leaf (\(authority.lifetimes.leaf) each)")
        }
        let intermediate = CertificateAuthority.Signer(
            certificate: certificate,
            key: try Self.key(material.intermediateKey, "the intermediate key", for: certificate))
        var moved = CertificateAuthority(
            trustDomain: domain, lifetimes: authority.lifetimes,
            root: CertificateAuthority.Root(certificate: root, key: nil), intermediate: intermediate)
        let shown = try Self.rehearse(moved, now: now, random: &random)
        moved.otherRoot = authority.root
        func leadsBack(_ cross: Certificate) throws {
            let old = SVIDVerifier(bundles: [try TrustBundle(trustDomain: domain, der: [authority.rootDER])])
            _ = try old.verify(shown.prefix(2) + [try cross.der()], now: now)
        }
        if let text = material.crossCertificate {
            let cross = try Self.crossCertificate(text, from: root, to: present, in: domain, now: now)
            do { try leadsBack(cross) } catch {
                throw AuthorityImportError(
                    "the cross certificate", "it does not lead to the present root: \(error)",
                    "let the new root have the present one's subject, or leave the cross certificate out")
            }
            return CheckedSuccessor(root: root, intermediate: intermediate, crossSigned: cross)
        }
        // Where it would lead nowhere, for names that differ use up the path length, there is none.
        let made = try authority.root.key.map {
            try CertificateAuthority.crossSign(
                root, by: CertificateAuthority.Signer(certificate: present, key: $0), trustDomain: domain,
                random: &random)
        }
        guard let made, (try? leadsBack(made)) != nil else {
            return CheckedSuccessor(root: root, intermediate: intermediate, crossSigned: nil)
        }
        return CheckedSuccessor(root: root, intermediate: intermediate, crossSigned: made)
    }

    private static func crossCertificate(
        _ text: String, from root: Certificate, to present: Certificate, in domain: TrustDomain, now: Date
    ) throws -> Certificate {
        let what = "the cross certificate"
        let cross = try Self.certificate(text, what)
        guard cross.subject == root.subject, cross.publicKey == root.publicKey else {
            throw AuthorityImportError(
                what, "it is not the new root's: its subject or key is another",
                "have the present root sign the new root's subject and key")
        }
        try Self.checkAuthority(cross, what, now: now, needsBelow: 1)
        guard cross.issuer == present.subject, present.publicKey.isValidSignature(cross.signature, for: cross) else {
            throw AuthorityImportError(
                what, "the present root did not sign it (its issuer is \(cross.issuer))",
                "have the present root sign it, not the new one")
        }
        if let named = CertificateAuthority.trustDomain(of: cross), named != domain {
            throw AuthorityImportError(
                what, "it is of the trust domain \(named), not \(domain)", "have it signed for \(domain)")
        }
        return cross
    }
}
