internal import Crypto
package import FoundationEssentials
package import WeftModel
internal import X509

/// Signs the identities of one trust domain: a root, which every proxy trusts, and an intermediate, which signs leaves.
///
/// The root's key may be elsewhere; then only leaves can be signed. While the root is being rotated there are two.
/// A value: it owns no clock, no random source and no file. `AuthorityStorage.swift` saves and loads it.
package struct CertificateAuthority: Sendable {
    package let trustDomain: TrustDomain
    package internal(set) var lifetimes: CertificateLifetimes
    /// What the intermediate is under.
    var root: Root
    var intermediate: Signer
    /// Trusted besides while the root is being rotated: the new one until it issues, then the old one.
    var otherRoot: Root?
    /// The new root's name and key, signed by the old root: leads from new leaves to the old root.
    var crossSigned: Certificate?
    /// What signs under `otherRoot` when it issues, where that root's key is not here to make one then.
    var otherIntermediate: Signer?
    /// The rotation that runs, or the last one.
    package internal(set) var rotation: RootRotation?
    /// Seconds since 1970: leaves that were signed before are to be renewed at once.
    package internal(set) var renewBefore: Int64?
    /// When leaves that were signed with a longer life than the present have expired, seconds since 1970.
    var olderLeavesUntil: Int64?

    /// A signing certificate with its key.
    struct Signer: Sendable {
        let certificate: Certificate
        let key: P256.Signing.PrivateKey
    }

    /// A root, whose key may be kept elsewhere.
    struct Root: Sendable {
        let certificate: Certificate
        let key: P256.Signing.PrivateKey?
    }

    /// Makes a new root and intermediate.
    package init(
        trustDomain: TrustDomain, lifetimes: CertificateLifetimes = CertificateLifetimes(), now: Date,
        random: inout some RandomNumberGenerator
    ) throws {
        let root = try Self.makeRoot(
            name: nil, trustDomain: trustDomain, lifetimes: lifetimes, now: now, random: &random)
        self.init(
            trustDomain: trustDomain, lifetimes: lifetimes, root: Root(certificate: root.certificate, key: root.key),
            intermediate: try Self.makeIntermediate(
                under: root, trustDomain: trustDomain, lifetimes: lifetimes, now: now, random: &random))
    }

    init(trustDomain: TrustDomain, lifetimes: CertificateLifetimes, root: Root, intermediate: Signer) {
        self.trustDomain = trustDomain
        self.lifetimes = lifetimes
        self.root = root
        self.intermediate = intermediate
    }

    /// The control plane's own identity.
    package var controlPlaneID: SPIFFEID { Self.controlPlaneID(in: self.trustDomain) }

    /// The identity that a control plane of `trustDomain` proves: namespace `weft`, account `control`.
    package static func controlPlaneID(in trustDomain: TrustDomain) -> SPIFFEID {
        SPIFFEID(
            trustDomain: trustDomain, namespace: ReservedIdentity.namespace,
            account: ReservedIdentity.controlPlaneAccount)
    }

    package var rootIssued: Date { self.root.certificate.notValidBefore }
    package var intermediateIssued: Date { self.intermediate.certificate.notValidBefore }
    package var rootExpiry: Date { self.root.certificate.notValidAfter }
    package var intermediateExpiry: Date { self.intermediate.certificate.notValidAfter }

    /// Whether the root's key is kept elsewhere, so that neither intermediates nor roots can be made here.
    package var isRootOffline: Bool { self.root.key == nil }

    /// DER of the root that the intermediate is under.
    package var rootDER: [UInt8] { get throws { try self.root.certificate.der() } }

    /// The roots that peers trust, as DER: the one that issues first.
    package var bundle: [[UInt8]] {
        get throws { try ([self.root] + [self.otherRoot].compactMap(\.self)).map { try $0.certificate.der() } }
    }

    /// SHA-256 of the issuing root's DER in hex: what join tokens carry.
    package var rootFingerprint: String { get throws { certificateFingerprint(try self.rootDER) } }

    /// Whether the intermediate has less than a third of its life left, or less than two leaf lives.
    package func intermediateIsDue(now: Date) -> Bool {
        let left = self.intermediateExpiry.timeIntervalSince(now)
        let life = self.lifetimes.intermediate.timeInterval
        return left < min(life / 3, max(2 * self.lifetimes.leaf.timeInterval, life / 3))
    }

    /// Replaces the intermediate; leaves of the old one stay valid until they expire, for the root is the same.
    package mutating func renewIntermediate(
        now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) {
        guard let key = self.root.key else { throw .rootKeyElsewhere }
        guard now < self.rootExpiry else { throw .expired(self.rootExpiry) }
        let signer = Signer(certificate: self.root.certificate, key: key)
        do {
            self.intermediate = try Self.makeIntermediate(
                under: signer, trustDomain: self.trustDomain, lifetimes: self.lifetimes, now: now, random: &random)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// Signs a workload's request.
    ///
    /// - Parameters:
    ///   - csrDER: the request; only its key is used.
    ///   - identity: who the requester has proved to be; must have a path and be of this trust domain.
    ///   - dnsNames: names besides the SPIFFE ID, for clients that check host names. Usually none.
    ///   - lifetime: nil takes `lifetimes.leaf`, which is also the most. A leaf never outlives its issuers.
    package func issue(
        csrDER: [UInt8], identity: SPIFFEID, dnsNames: [String] = [], lifetime: Duration? = nil, handedOn: Bool = false,
        now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> SVID {
        let request: SigningRequest
        do {
            request = try SigningRequest(der: csrDER)
        } catch {
            throw .refusedRequest(error)
        }
        return try self.sign(
            request.publicKey, identity: identity, dnsNames: dnsNames, ipAddresses: [], lifetime: lifetime,
            handedOn: handedOn, now: now, random: &random)
    }

    /// Makes the control plane's server identity. Its chain carries the roots too, so that a joining workload can
    /// compare them with the fingerprint in its token.
    ///
    /// - Parameters:
    ///   - dnsNames: names that clients may check, such as the host's.
    ///   - ipAddresses: 4 or 16 bytes each.
    package func issueControlPlane(
        dnsNames: [String], ipAddresses: [[UInt8]], now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let svid = try self.sign(
            key.publicKey, identity: self.controlPlaneID, dnsNames: dnsNames, ipAddresses: ipAddresses, lifetime: nil,
            now: now, random: &random)
        return WorkloadIdentity(
            id: svid.identity, key: key, chain: svid.chain + svid.bundle, bundle: svid.bundle,
            notBefore: svid.notBefore, notAfter: svid.notAfter, serial: svid.serial)
    }

    private func sign(
        _ key: P256.Signing.PublicKey, identity: SPIFFEID, dnsNames: [String], ipAddresses: [[UInt8]],
        lifetime: Duration?, handedOn: Bool = false, now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> SVID {
        guard identity.trustDomain == self.trustDomain else {
            throw .wrongTrustDomain(expected: self.trustDomain, found: identity.trustDomain)
        }
        guard !identity.path.isEmpty else { throw .noWorkloadPath(identity) }
        guard now < self.intermediateExpiry else { throw .expired(self.intermediateExpiry) }
        // What is signed in the past would be valid for nobody.
        let beginning = self.intermediate.certificate.notValidBefore
        guard now >= beginning else { throw .notYetValid(beginning) }
        let life = min(lifetime ?? self.lifetimes.leaf, self.lifetimes.leaf)
        let wanted = now.addingTimeInterval(life.timeInterval)
        let notBefore = max(
            now.addingTimeInterval(-CertificateProfile.backdate), self.intermediate.certificate.notValidBefore)
        let notAfter = min(wanted, self.intermediateExpiry, self.rootExpiry)
        do {
            let leaf = try Certificate(
                version: .v3, serialNumber: CertificateProfile.serialNumber(handedOn: handedOn, using: &random),
                publicKey: Certificate.PublicKey(key), notValidBefore: notBefore, notValidAfter: notAfter,
                issuer: self.intermediate.certificate.subject, subject: DistinguishedName(),
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: CertificateProfile.leafExtensions(
                    key, issuer: self.intermediate.certificate, identity: identity, dnsNames: dnsNames,
                    ipAddresses: ipAddresses),
                issuerPrivateKey: Certificate.PrivateKey(self.intermediate.key))
            let above = [self.intermediate.certificate] + self.crossSignedInUse
            return SVID(
                identity: identity, chain: try [leaf.der()] + above.map { try $0.der() }, bundle: try self.bundle,
                notBefore: leaf.notValidBefore, notAfter: leaf.notValidAfter,
                serial: Hex.encode(leaf.serialNumber.bytes))
        } catch {
            throw .signing("\(error)")
        }
    }

    /// Leads peers that know only the old root to it, while the new one issues and the old one is trusted.
    private var crossSignedInUse: [Certificate] {
        guard let rotation = self.rotation, rotation.isRunning, rotation.newRootIssues else { return [] }
        return [self.crossSigned].compactMap(\.self)
    }

    // MARK: Making signers

    /// Signs a root with its own new key. Successors of one another have the same name: RFC 5280 then leaves the
    /// certificate that ties them together out of what path lengths limit.
    static func makeRoot(
        name: DistinguishedName?, trustDomain: TrustDomain, lifetimes: CertificateLifetimes, now: Date,
        random: inout some RandomNumberGenerator
    ) throws -> Signer {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let name = try name ?? CertificateProfile.authorityName("root", publicKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: CertificateProfile.serialNumber(using: &random), publicKey: publicKey,
            notValidBefore: now.addingTimeInterval(-CertificateProfile.backdate),
            notValidAfter: now.addingTimeInterval(lifetimes.root.timeInterval), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: CertificateProfile.authorityExtensions(
                publicKey, issuerKeyIdentifier: SubjectKeyIdentifier(hash: publicKey).keyIdentifier,
                trustDomain: trustDomain, pathLength: 1),
            issuerPrivateKey: Certificate.PrivateKey(key))
        return Signer(certificate: certificate, key: key)
    }

    static func makeIntermediate(
        under root: Signer, trustDomain: TrustDomain, lifetimes: CertificateLifetimes, now: Date,
        random: inout some RandomNumberGenerator
    ) throws -> Signer {
        let key = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(key.publicKey)
        let certificate = try Certificate(
            version: .v3, serialNumber: CertificateProfile.serialNumber(using: &random), publicKey: publicKey,
            notValidBefore: max(
                now.addingTimeInterval(-CertificateProfile.backdate), root.certificate.notValidBefore),
            notValidAfter: min(
                now.addingTimeInterval(lifetimes.intermediate.timeInterval), root.certificate.notValidAfter),
            issuer: root.certificate.subject, subject: CertificateProfile.authorityName("intermediate", publicKey),
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: CertificateProfile.authorityExtensions(
                publicKey, issuerKeyIdentifier: CertificateProfile.keyIdentifier(of: root.certificate),
                trustDomain: trustDomain, pathLength: 0),
            issuerPrivateKey: Certificate.PrivateKey(root.key))
        return Signer(certificate: certificate, key: key)
    }
}
