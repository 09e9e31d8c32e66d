internal import Crypto
package import FoundationEssentials
package import WeftModel
internal import X509

extension CertificateAuthority {
    /// The one file an authority lives in: certificate and key of the root, then of the intermediate. One file, so that
    /// it is there whole or not at all.
    package static let fileName = "authority.pem"

    /// Loads the authority saved in `storage`, or makes one and saves it when there is none.
    ///
    /// An intermediate that is due is renewed and saved on the way. When two processes start at once, the one that
    /// comes second takes what the first saved.
    package static func open(
        in storage: some CredentialStorage, trustDomain: TrustDomain,
        lifetimes: CertificateLifetimes = CertificateLifetimes(), now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> CertificateAuthority {
        if var saved = try Self.load(from: storage, trustDomain: trustDomain, lifetimes: lifetimes) {
            if saved.intermediateIsDue(now: now), now < saved.rootExpiry {
                do { try saved.renewIntermediate(now: now, random: &random) } catch { throw .signing("\(error)") }
                try saved.save(to: storage)
            }
            return saved
        }
        let made: CertificateAuthority
        do {
            made = try CertificateAuthority(
                trustDomain: trustDomain, lifetimes: lifetimes, now: now, random: &random)
        } catch {
            throw .signing("\(error)")
        }
        let bytes = try made.encoded()
        let isFirst: Bool
        do { isFirst = try storage.create(Self.fileName, bytes) } catch { throw .storage(error) }
        if isFirst { return made }
        guard let other = try Self.load(from: storage, trustDomain: trustDomain, lifetimes: lifetimes) else {
            throw .damaged(file: Self.fileName, cause: "it appeared and vanished while starting")
        }
        return other
    }

    /// Replaces what `storage` holds.
    package func save(to storage: some CredentialStorage) throws(AuthorityError) {
        let bytes = try self.encoded()
        do { try storage.write(Self.fileName, bytes) } catch { throw .storage(error) }
    }

    private func encoded() throws(AuthorityError) -> [UInt8] {
        do {
            var text = ""
            for signer in [self.root, self.intermediate] {
                text += PEM.encode([try signer.certificate.der()])
                text += PEM.encode([Array(signer.key.derRepresentation)], label: PEM.privateKeyLabel)
            }
            return Array(text.utf8)
        } catch {
            throw .signing("\(error)")
        }
    }

    private static func load(
        from storage: some CredentialStorage, trustDomain: TrustDomain, lifetimes: CertificateLifetimes
    ) throws(AuthorityError) -> CertificateAuthority? {
        let bytes: [UInt8]?
        do { bytes = try storage.read(Self.fileName) } catch { throw .storage(error) }
        guard let bytes else { return nil }
        let signers: [Signer]
        do {
            signers = try Self.decodeSigners(String(decoding: bytes, as: UTF8.self))
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw .damaged(file: Self.fileName, cause: "\(error)")
        }
        guard signers.count == 2 else {
            throw .damaged(file: Self.fileName, cause: "it holds \(signers.count) signing certificates instead of two")
        }
        let (root, intermediate) = (signers[0], signers[1])
        guard intermediate.certificate.issuer == root.certificate.subject,
            root.certificate.publicKey.isValidSignature(
                intermediate.certificate.signature, for: intermediate.certificate)
        else { throw .damaged(file: Self.fileName, cause: "the root did not sign the intermediate") }
        guard let found = Self.trustDomain(of: root.certificate) else {
            throw .damaged(file: Self.fileName, cause: "the root names no trust domain")
        }
        guard found == trustDomain else { throw .wrongTrustDomain(expected: trustDomain, found: found) }
        return CertificateAuthority(
            trustDomain: trustDomain, lifetimes: lifetimes, root: root, intermediate: intermediate)
    }

    private static func decodeSigners(_ text: String) throws -> [Signer] {
        let blocks = try PEM.decode(text)
        var signers: [Signer] = []
        var certificate: Certificate?
        for (label, der) in blocks {
            switch (label, certificate) {
            case (PEM.certificateLabel, nil): certificate = try Certificate(der: der)
            case (PEM.privateKeyLabel, let found?):
                let key = try P256.Signing.PrivateKey(derRepresentation: der)
                guard Certificate.PublicKey(key.publicKey) == found.publicKey else {
                    throw AuthorityError.damaged(file: Self.fileName, cause: "a key does not belong to its certificate")
                }
                signers.append(Signer(certificate: found, key: key))
                certificate = nil
            default:
                throw AuthorityError.damaged(file: Self.fileName, cause: "unexpected block \(label)")
            }
        }
        return signers
    }

    private static func trustDomain(of certificate: Certificate) -> TrustDomain? {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return nil }
        for case .uniformResourceIdentifier(let text) in names {
            if let id = SPIFFEID(text), id.path.isEmpty { return id.trustDomain }
        }
        return nil
    }
}
