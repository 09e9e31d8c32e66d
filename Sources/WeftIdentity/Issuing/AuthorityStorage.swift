internal import Crypto
package import FoundationEssentials
package import WeftModel
internal import X509

extension CertificateAuthority {
    /// The one file an authority lives in: certificate and key of the root, then of the intermediate; while the root is
    /// being rotated also those of the other root, the certificate that ties the two together, and the intermediate of the
    /// other root, as far as there are such. Before them stands `AuthorityRecord` where there is more to tell. One file, so that it is there whole or not at all.
    package static let fileName = "authority.pem"

    /// Loads the authority saved in `storage`, or makes one and saves it when there is none.
    ///
    /// An intermediate that is due is renewed and saved on the way. When two processes start at once, the one that
    /// comes second takes what the first saved.
    package static func open(
        in storage: some CredentialStorage, trustDomain: TrustDomain,
        lifetimes: CertificateLifetimes = CertificateLifetimes(), now: Date, random: inout some RandomNumberGenerator
    ) throws(AuthorityError) -> CertificateAuthority {
        if var saved = try Self.load(from: storage, trustDomain: trustDomain) {
            let leaf = saved.lifetimes.leaf
            saved.adopt(lifetimes, now: now)
            var isChanged = leaf != lifetimes.leaf
            if saved.intermediateIsDue(now: now), now < saved.rootExpiry, !saved.isRootOffline {
                try saved.renewIntermediate(now: now, random: &random)
                isChanged = true
            }
            if isChanged { try saved.save(to: storage) }
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
        guard var other = try Self.load(from: storage, trustDomain: trustDomain) else {
            throw .damaged(file: Self.fileName, cause: "it appeared and vanished while starting")
        }
        other.adopt(lifetimes, now: now)
        return other
    }

    /// Replaces what `storage` holds.
    package func save(to storage: some CredentialStorage) throws(AuthorityError) {
        let bytes = try self.encoded()
        do { try storage.write(Self.fileName, bytes) } catch { throw .storage(error) }
    }

    func encoded() throws(AuthorityError) -> [UInt8] {
        do {
            var text = ""
            let record = AuthorityRecord(self)
            if !record.isPlain { text += PEM.encode([try record.encoded()], label: AuthorityRecord.label) }
            func add(_ certificate: Certificate, _ key: P256.Signing.PrivateKey?) throws {
                text += PEM.encode([try certificate.der()])
                if let key { text += PEM.encode([Array(key.derRepresentation)], label: PEM.privateKeyLabel) }
            }
            try add(self.root.certificate, self.root.key)
            try add(self.intermediate.certificate, self.intermediate.key)
            if let other = self.otherRoot { try add(other.certificate, other.key) }
            if let certificate = self.crossSigned { try add(certificate, nil) }
            if let other = self.otherIntermediate { try add(other.certificate, other.key) }
            return Array(text.utf8)
        } catch {
            throw .signing("\(error)")
        }
    }

    /// What was saved, whichever trust domain it is of; nil where nothing was.
    package static func saved(in storage: some CredentialStorage) throws(AuthorityError) -> CertificateAuthority? {
        try self.load(from: storage, trustDomain: nil)
    }

    /// Loads what was saved, with the leaf lifetime of then; `trustDomain` nil takes any.
    static func load(
        from storage: some CredentialStorage, trustDomain: TrustDomain?
    ) throws(AuthorityError) -> CertificateAuthority? {
        let bytes: [UInt8]?
        do { bytes = try storage.read(Self.fileName) } catch { throw .storage(error) }
        guard let bytes else { return nil }
        guard !SealedFile.isSealed(bytes) else { throw .locked(file: Self.fileName) }
        let parts: (record: AuthorityRecord, entries: [Entry])
        do {
            parts = try Self.decode(String(decoding: bytes, as: UTF8.self))
        } catch let error as AuthorityError {
            throw error
        } catch {
            throw .damaged(file: Self.fileName, cause: "\(error)")
        }
        let (record, entries) = parts
        let besides = record.rotation?.isRunning == true ? record.besides ?? [.otherRoot, .crossSigned] : []
        guard entries.count == 2 + besides.count, let key = entries[1].key else {
            throw .damaged(
                file: Self.fileName,
                cause:
                    "it holds \(entries.count) certificates instead of \(2 + besides.count), or lacks the intermediate's key"
            )
        }
        let root = Root(certificate: entries[0].certificate, key: entries[0].key)
        let intermediate = Signer(certificate: entries[1].certificate, key: key)
        guard Self.signed(intermediate.certificate, root.certificate) else {
            throw .damaged(file: Self.fileName, cause: "the root did not sign the intermediate")
        }
        // A root that was imported may name nobody; then the record does.
        guard let found = Self.trustDomain(of: root.certificate) ?? record.trustDomain.flatMap({ TrustDomain($0) })
        else { throw .damaged(file: Self.fileName, cause: "the root names no trust domain") }
        if let trustDomain, found != trustDomain { throw .wrongTrustDomain(expected: trustDomain, found: found) }
        var authority = CertificateAuthority(
            trustDomain: found, lifetimes: CertificateLifetimes(leaf: .seconds(record.leafSeconds)), root: root,
            intermediate: intermediate)
        authority.rotation = record.rotation
        authority.renewBefore = record.renewBefore
        authority.olderLeavesUntil = record.olderLeavesUntil
        for (part, entry) in zip(besides, entries.dropFirst(2)) {
            switch part {
            case .otherRoot: authority.otherRoot = Root(certificate: entry.certificate, key: entry.key)
            case .crossSigned: authority.crossSigned = entry.certificate
            case .otherIntermediate:
                guard let key = entry.key, let other = authority.otherRoot,
                    Self.signed(entry.certificate, other.certificate)
                else { throw .damaged(file: Self.fileName, cause: "the other root's intermediate is not its own") }
                authority.otherIntermediate = Signer(certificate: entry.certificate, key: key)
            }
        }
        return authority
    }

    private static func signed(_ certificate: Certificate, _ issuer: Certificate) -> Bool {
        certificate.issuer == issuer.subject
            && issuer.publicKey.isValidSignature(certificate.signature, for: certificate)
    }

    private struct Entry {
        let certificate: Certificate
        var key: P256.Signing.PrivateKey?
    }

    private static func decode(_ text: String) throws -> (record: AuthorityRecord, entries: [Entry]) {
        var record = AuthorityRecord()
        var entries: [Entry] = []
        for (index, block) in try PEM.decode(text).enumerated() {
            switch block.label {
            case AuthorityRecord.label where index == 0: record = try AuthorityRecord(block.der)
            case PEM.certificateLabel: entries.append(Entry(certificate: try Certificate(der: block.der)))
            case PEM.privateKeyLabel where entries.last?.key == nil && !entries.isEmpty:
                let key = try P256.Signing.PrivateKey(derRepresentation: block.der)
                guard Certificate.PublicKey(key.publicKey) == entries[entries.count - 1].certificate.publicKey else {
                    throw AuthorityError.damaged(file: Self.fileName, cause: "a key does not belong to its certificate")
                }
                entries[entries.count - 1].key = key
            default:
                throw AuthorityError.damaged(file: Self.fileName, cause: "unexpected block \(block.label)")
            }
        }
        return (record, entries)
    }

    static func trustDomain(of certificate: Certificate) -> TrustDomain? {
        guard let names = try? certificate.extensions.subjectAlternativeNames else { return nil }
        for case .uniformResourceIdentifier(let text) in names {
            if let id = SPIFFEID(text), id.path.isEmpty { return id.trustDomain }
        }
        return nil
    }
}

/// What an authority's file tells besides certificates and keys.
struct AuthorityRecord: Codable {
    static let label = "WEFT AUTHORITY RECORD"

    /// The trust domain, where the root does not name it.
    var trustDomain: String?
    /// How long leaves live.
    var leafSeconds: Int64 = 86_400
    var olderLeavesUntil: Int64?
    var rotation: RootRotation?
    var renewBefore: Int64?
    /// What comes after root and intermediate while the root is being rotated; nil is the other root and what ties the
    /// two together.
    var besides: [Part]?

    enum Part: String, Codable {
        case otherRoot
        case crossSigned
        case otherIntermediate
    }

    /// What a file without a record means.
    init() {}

    init(_ authority: CertificateAuthority) {
        if CertificateAuthority.trustDomain(of: authority.root.certificate) == nil {
            self.trustDomain = authority.trustDomain.name
        }
        self.leafSeconds = authority.lifetimes.leaf.components.seconds
        self.olderLeavesUntil = authority.olderLeavesUntil
        self.rotation = authority.rotation
        self.renewBefore = authority.renewBefore
        let parts: [Part?] = [
            authority.otherRoot.map { _ in .otherRoot }, authority.crossSigned.map { _ in .crossSigned },
            authority.otherIntermediate.map { _ in .otherIntermediate },
        ]
        if authority.rotation?.isRunning == true, parts.compactMap(\.self) != [.otherRoot, .crossSigned] {
            self.besides = parts.compactMap(\.self)
        }
    }

    init(_ bytes: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Array(try encoder.encode(self))
    }

    /// Whether it says no more than its absence.
    var isPlain: Bool {
        self.trustDomain == nil && self.leafSeconds == 86_400 && self.olderLeavesUntil == nil && self.rotation == nil
            && self.renewBefore == nil
    }
}
