internal import Crypto
package import FoundationEssentials
package import WeftModel
internal import X509

/// Decides whether a peer's certificates prove a SPIFFE ID.
///
/// Synchronous and without IO, so that a TLS library's verification callback can ask on its event loop. Costs two
/// signature checks for a usual chain.
///
/// Source: X.509-SVID specification §5, RFC 5280 §6. Narrower than both: EC and Ed25519 keys only, no name constraints.
package struct SVIDVerifier: Sendable {
    /// The most certificates a peer may show.
    package static let maxPresented = 8

    /// How far clocks may differ, seconds. Default 20.
    package var skew: TimeInterval = 20
    /// How long before its time a certificate is taken, seconds. Default 20; `forStepsOfClocks` within the mesh.
    package var early: TimeInterval = 20
    /// Identities that are refused however valid their certificates are.
    package var revoked: Set<SPIFFEID> = []
    private var bundles: [TrustDomain: TrustBundle]

    /// What `early` is within the mesh: a clock that steps back by an hour must not refuse what was issued since, nor
    /// may one that steps ahead issue what nobody takes. Only issuers that are trusted can date a certificate ahead, so
    /// nothing is gained by refusing it; that a certificate has run out is told within `skew` as ever.
    package static let forStepsOfClocks: TimeInterval = 3_720

    /// Trusts each bundle for its own trust domain and no other.
    package init(bundles: [TrustBundle]) {
        self.bundles = Dictionary(bundles.map { ($0.trustDomain, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// A peer whose certificates have been verified.
    package struct Peer: Hashable, Sendable {
        package let id: SPIFFEID
        /// When the leaf expires.
        package let notAfter: Date
        /// The leaf's serial number, lower-case hex.
        package let serial: String
        /// The SHA-256 of the root that the path was found to, lower-case hex.
        package let rootFingerprint: String

        /// Whether an agent handed the certificate on to its holder, who then has nothing to renew it with.
        package var isHandedOn: Bool {
            guard let octet = UInt8(self.serial.prefix(2), radix: 16) else { return true }
            return octet & 1 == 0
        }
    }

    /// Verifies what a peer showed.
    ///
    /// - Parameters:
    ///   - presented: DER, the leaf first; the rest may come in any order and may include roots.
    ///   - expected: identities of which the peer must have one; empty takes any of a trusted domain.
    package func verify(
        _ presented: [[UInt8]], expecting expected: [SPIFFEID] = [], now: Date
    ) throws(SVIDError) -> Peer {
        let certificates = try Self.parse(presented)
        let leaf = certificates[0]
        let id = try Self.identity(of: leaf)
        try Self.checkUsage(of: leaf, id: id)
        guard let bundle = self.bundles[id.trustDomain] else { throw .unknownTrustDomain(id) }
        var path = CertificationPath(
            candidates: Array(certificates.dropFirst()), roots: bundle.roots, now: now, skew: self.skew,
            early: self.early)
        let root = try path.verify(leaf)
        // Told only of those who proved to be it.
        if self.revoked.contains(id) { throw .revoked(id) }
        guard expected.isEmpty || expected.contains(id) else { throw .wrongIdentity(expected: expected, found: id) }
        return Peer(
            id: id, notAfter: leaf.notValidAfter, serial: Hex.encode(leaf.serialNumber.bytes),
            rootFingerprint: bundle.fingerprints[root])
    }

    /// Why a peer that was verified earlier would be refused now; nil when it would not.
    ///
    /// Goes by its identity: the roots behind it change by rotation, which ends no connection.
    package func refusal(of peer: SPIFFEID) -> SVIDError? {
        if self.revoked.contains(peer) { return .revoked(peer) }
        return self.bundles[peer.trustDomain]?.roots.isEmpty == false ? nil : .unknownTrustDomain(peer)
    }

    /// Verifies a control plane by the fingerprint of its root, before any bundle is known.
    ///
    /// - Returns: the control plane's identity, and the root to trust from here on.
    package static func verifyPinned(
        _ presented: [[UInt8]], rootFingerprint: String, now: Date, skew: TimeInterval = 20
    ) throws(SVIDError) -> (peer: Peer, bundle: TrustBundle) {
        guard let root = presented.first(where: { certificateFingerprint($0) == rootFingerprint }) else {
            throw presented.isEmpty ? .noCertificate : .rootNotPinned(fingerprint: rootFingerprint)
        }
        let id = try Self.identity(of: Self.parse(presented)[0])
        let bundle = try TrustBundle(trustDomain: id.trustDomain, der: [root])
        var verifier = SVIDVerifier(bundles: [bundle])
        verifier.skew = skew
        verifier.early = Self.forStepsOfClocks
        let expected = CertificateAuthority.controlPlaneID(in: id.trustDomain)
        return (try verifier.verify(presented, expecting: [expected], now: now), bundle)
    }

    private static func parse(_ presented: [[UInt8]]) throws(SVIDError) -> [Certificate] {
        guard !presented.isEmpty else { throw .noCertificate }
        guard presented.count <= Self.maxPresented else { throw .tooManyCertificates(presented.count) }
        var certificates: [Certificate] = []
        for (index, der) in presented.enumerated() {
            do { certificates.append(try Certificate(der: der)) } catch {
                throw Self.unreadable(error, index == 0 ? "the leaf" : "number \(index + 1) of the chain")
            }
        }
        return certificates
    }

    /// What the library does not even hold is not always damaged: some keys and signatures it does not know.
    private static func unreadable(_ error: any Error, _ certificate: String) -> SVIDError {
        switch (error as? CertificateError)?.code {
        case .unsupportedSignatureAlgorithm?:
            return .weakAlgorithm(certificate: certificate, "a signature that is not accepted")
        case .unsupportedPublicKeyAlgorithm?:
            return .weakAlgorithm(certificate: certificate, "a key that is not accepted")
        default: break
        }
        if case .incorrectParameterSize? = error as? CryptoKitError {
            return .weakAlgorithm(certificate: certificate, "a key that is not accepted: its size")
        }
        return .malformed("\(certificate): \(error)")
    }

    /// The one SPIFFE ID a leaf carries.
    private static func identity(of leaf: Certificate) throws(SVIDError) -> SPIFFEID {
        let names: SubjectAlternativeNames?
        do { names = try leaf.extensions.subjectAlternativeNames } catch {
            throw .malformed("subject alternative names: \(error)")
        }
        let uris = (names ?? SubjectAlternativeNames()).compactMap { name in
            if case .uniformResourceIdentifier(let uri) = name { uri } else { nil }
        }
        guard let uri = uris.first else { throw .noURIName }
        guard uris.count == 1 else { throw .severalURINames(uris.count) }
        guard let id = SPIFFEID(uri) else { throw .notSPIFFEID(String(uri.prefix(256))) }
        guard !id.path.isEmpty else { throw .noWorkloadPath(id) }
        return id
    }

    /// What only a leaf must be: no authority, signs handshakes and nothing else, both TLS roles.
    private static func checkUsage(of leaf: Certificate, id: SPIFFEID) throws(SVIDError) {
        do {
            if case .isCertificateAuthority = try leaf.extensions.basicConstraints {
                throw SVIDError.leafIsAuthority(id)
            }
            guard let usage = try leaf.extensions.keyUsage else {
                throw SVIDError.keyUsage(id, "states no key usage")
            }
            if usage.keyCertSign || usage.cRLSign {
                throw SVIDError.keyUsage(id, "has a key that may sign certificates or revocation lists")
            }
            guard usage.digitalSignature else {
                throw SVIDError.keyUsage(id, "has a key that may not make digital signatures")
            }
            if let extended = try leaf.extensions.extendedKeyUsage {
                let both = extended.contains(.serverAuth) && extended.contains(.clientAuth)
                guard both || extended.contains(.any) else { throw SVIDError.extendedKeyUsage(id) }
            }
        } catch let error as SVIDError {
            throw error
        } catch {
            throw .malformed("an extension: \(error)")
        }
    }
}
