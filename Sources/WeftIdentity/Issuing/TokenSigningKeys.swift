internal import Crypto
package import FoundationEssentials

/// Decides which key signs JWT-SVIDs, and which keys verifiers are told of: a new key is published before it is used,
/// and an old one until what it signed has run out. Owns no clock and no file.
package struct TokenSigningKeys: Sendable {
    private struct Entry: Sendable {
        let key: P256.Signing.PrivateKey
        /// Seconds since 1970.
        let createdAt: Int64
    }

    /// How long a key signs, seconds. 7 days.
    package static let period: Int64 = 7 * 86_400
    /// How long a key is known before it signs, seconds. 1 h: several times what anybody waits between two looks.
    package static let notice: Int64 = 3600
    /// The longest that a token may live. 1 h.
    package static let longestToken = Duration.seconds(3600)

    /// The oldest first; never empty.
    private var entries: [Entry]

    /// A first key, which signs at once.
    package init(now: Date) {
        self.entries = [Entry(key: P256.Signing.PrivateKey(), createdAt: Int64(now.timeIntervalSince1970))]
    }

    /// Signs with the newest key that has been known for long enough.
    package func signer(now: Date) -> JWTSVIDSigner {
        let seconds = Int64(now.timeIntervalSince1970)
        let known = self.entries.last { $0.createdAt + Self.notice <= seconds } ?? self.entries[0]
        return JWTSVIDSigner(key: known.key)
    }

    /// The public keys, as a JSON Web Key Set.
    package var keySet: String { JWTSVIDSigner.keySet(self.entries.map(\.key.publicKey)) }

    /// How many keys are published.
    package var count: Int { self.entries.count }

    /// Makes a successor where one is due and forgets keys that nothing alive is signed with; whether anything changed.
    package mutating func rotate(now: Date) -> Bool {
        let seconds = Int64(now.timeIntervalSince1970)
        let before = self.entries.map(\.createdAt)
        if let newest = self.entries.last, newest.createdAt + Self.period <= seconds {
            self.entries.append(Entry(key: P256.Signing.PrivateKey(), createdAt: seconds))
        }
        // The one after it signs since its notice ended; tokens of before then live an hour at most.
        let life = Self.longestToken.components.seconds + 60
        while self.entries.count > 1, self.entries[1].createdAt + Self.notice + life <= seconds {
            self.entries.removeFirst()
        }
        return self.entries.map(\.createdAt) != before
    }

    // MARK: Storage

    /// The file the keys are kept in, beside the authority's.
    package static let fileName = "token-keys.json"

    private struct Saved: Codable {
        struct Key: Codable {
            /// PKCS #8, base 64.
            var key: Data
            var createdAt: Int64
        }

        var keys: [Key]
    }

    /// Loads the keys saved in `storage`, or makes one and saves it when there is none.
    package static func open(in storage: some CredentialStorage, now: Date) throws(AuthorityError) -> TokenSigningKeys {
        if let saved = try self.load(from: storage) { return saved }
        let made = TokenSigningKeys(now: now)
        let isFirst: Bool
        do { isFirst = try storage.create(self.fileName, made.encoded()) } catch { throw Self.failure(error) }
        if isFirst { return made }
        guard let other = try self.load(from: storage) else {
            throw .damaged(file: self.fileName, cause: "it appeared and vanished while starting")
        }
        return other
    }

    /// Replaces what `storage` holds.
    package func save(to storage: some CredentialStorage) throws(AuthorityError) {
        do { try storage.write(Self.fileName, self.encoded()) } catch { throw Self.failure(error) }
    }

    private func encoded() throws -> [UInt8] {
        let keys = self.entries.map { Saved.Key(key: Data($0.key.derRepresentation), createdAt: $0.createdAt) }
        return Array(try JSONEncoder().encode(Saved(keys: keys)))
    }

    private static func load(from storage: some CredentialStorage) throws(AuthorityError) -> TokenSigningKeys? {
        let bytes: [UInt8]?
        do { bytes = try storage.read(Self.fileName) } catch { throw .storage(error) }
        guard let bytes else { return nil }
        let entries: [Entry]
        do {
            entries = try JSONDecoder().decode(Saved.self, from: Data(bytes)).keys.map {
                Entry(key: try P256.Signing.PrivateKey(derRepresentation: $0.key), createdAt: $0.createdAt)
            }
        } catch {
            throw .damaged(file: Self.fileName, cause: "\(error)")
        }
        guard !entries.isEmpty else { throw .damaged(file: Self.fileName, cause: "it holds no key") }
        return TokenSigningKeys(entries: entries.sorted { $0.createdAt < $1.createdAt })
    }

    private init(entries: [Entry]) { self.entries = entries }

    private static func failure(_ error: any Error) -> AuthorityError {
        if let error = error as? CredentialStorageError { return .storage(error) }
        return .signing("\(error)")
    }
}
