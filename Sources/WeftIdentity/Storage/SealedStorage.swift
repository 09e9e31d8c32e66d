internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// What key files are encrypted with.
package enum SealingSecret: Sendable, CustomStringConvertible {
    /// Stretched with scrypt.
    case passphrase([UInt8])
    /// 32 bytes, used as they are.
    case key([UInt8])

    /// The shortest passphrase that is taken, in bytes.
    package static let shortestPassphrase = 12

    /// A passphrase as a file has it: the line's end is not part of it. Nil when it is too short to protect anything.
    package init?(passphraseFile bytes: [UInt8]) {
        var bytes = bytes
        while let last = bytes.last, last == 0x0a || last == 0x0d { bytes.removeLast() }
        guard bytes.count >= Self.shortestPassphrase, bytes.count <= 4096 else { return nil }
        self = .passphrase(bytes)
    }

    /// A key as a file has it: 32 bytes, or those in hexadecimal or base64. Nil for anything else.
    package init?(keyFile bytes: [UInt8]) {
        if bytes.count == 32 {
            self = .key(bytes)
            return
        }
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        let key = Hex.decode(text.lowercased()) ?? Data(base64Encoded: text).map { Array($0) }
        guard let key, key.count == 32 else { return nil }
        self = .key(key)
    }

    /// Never the secret.
    package var description: String {
        switch self {
        case .passphrase: "a passphrase"
        case .key: "a key"
        }
    }
}

/// Encrypts what is kept in another storage: AES-256-GCM with a fresh nonce for each write, the file's name bound in.
///
/// A file that is not encrypted is read as it is, so that encryption can be turned on; `sealAll` then encrypts it.
package struct SealedStorage<Base: CredentialStorage>: CredentialStorage {
    private let base: Base
    private let secret: SealingSecret
    private let derivation: KeyDerivation
    private let key: SymmetricKey

    /// - Parameters:
    ///   - name: a file whose salt is used on, so that one derivation serves reading and writing.
    ///   - cost: scrypt's rounds for a new salt; the default takes 64 MiB and some tenths of a second.
    package init(
        _ base: Base, secret: SealingSecret, sharingSaltOf name: String, cost: Int = 1 << 16,
        random: inout some RandomNumberGenerator
    ) throws(CredentialStorageError) {
        self.base = base
        self.secret = secret
        let present = try Self.envelope(try base.read(name), name)?.derivation
        switch (secret, present) {
        case (.key, _): self.derivation = .none
        case (.passphrase, .scrypt(let salt, let rounds, let block, let lanes)?):
            self.derivation = .scrypt(salt: salt, rounds: rounds, blockSize: block, parallelism: lanes)
        case (.passphrase, _):
            self.derivation = .scrypt(
                salt: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }, rounds: cost,
                blockSize: 8, parallelism: 2)
        }
        self.key = try Self.derive(secret, self.derivation, name)
    }

    package func read(_ name: String) throws(CredentialStorageError) -> [UInt8]? {
        guard let bytes = try self.base.read(name) else { return nil }
        guard let envelope = try Self.envelope(bytes, name) else { return bytes }
        let key =
            envelope.derivation == self.derivation
            ? self.key : try Self.derive(self.secret, envelope.derivation, name)
        do {
            let box = try AES.GCM.SealedBox(combined: envelope.box)
            return Array(
                try AES.GCM.open(box, using: key, authenticating: Self.bound(name, envelope.derivation)))
        } catch {
            throw CredentialStorageError(
                path: name, cause: "it does not open with \(self.secret) that was given, or was tampered with",
                remedy: "give the passphrase or key it was encrypted with, or restore it from a backup")
        }
    }

    package func write(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) {
        try self.base.write(name, try self.sealed(name, bytes))
    }

    package func create(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) -> Bool {
        try self.base.create(name, try self.sealed(name, bytes))
    }

    package func remove(_ name: String) throws(CredentialStorageError) { try self.base.remove(name) }

    /// Encrypts those of the files that are there and are not encrypted.
    package func sealAll(_ names: [String]) throws(CredentialStorageError) {
        for name in names {
            guard let bytes = try self.base.read(name), !SealedFile.isSealed(bytes) else { continue }
            try self.write(name, bytes)
        }
    }

    private func sealed(_ name: String, _ bytes: [UInt8]) throws(CredentialStorageError) -> [UInt8] {
        do {
            let box = try AES.GCM.seal(
                bytes, using: self.key, authenticating: Self.bound(name, self.derivation))
            guard let combined = box.combined else {
                throw CredentialStorageError(path: name, cause: "it cannot be encrypted", remedy: "report this")
            }
            let envelope = SealedFile(derivation: self.derivation, box: Array(combined))
            return try envelope.encoded()
        } catch let error as CredentialStorageError {
            throw error
        } catch {
            throw CredentialStorageError(
                path: name, cause: "it cannot be encrypted: \(error)", remedy: "report this")
        }
    }

    private static func envelope(
        _ bytes: [UInt8]?, _ name: String
    ) throws(CredentialStorageError) -> SealedFile? {
        guard let bytes, SealedFile.isSealed(bytes) else { return nil }
        do { return try SealedFile(bytes) } catch {
            throw CredentialStorageError(
                path: name, cause: "its encryption's header cannot be read: \(error)",
                remedy: "restore it from a backup")
        }
    }

    /// What is authenticated besides the content: one file's content in another's place does not open.
    private static func bound(_ name: String, _ derivation: KeyDerivation) -> [UInt8] {
        Array("weft sealed file 1, \(name), \(derivation.text)".utf8)
    }

    private static func derive(
        _ secret: SealingSecret, _ derivation: KeyDerivation, _ name: String
    ) throws(CredentialStorageError) -> SymmetricKey {
        switch (secret, derivation) {
        case (.key(let bytes), .none): return SymmetricKey(data: bytes)
        case (.passphrase(let text), .scrypt(let salt, let rounds, let block, let lanes)):
            do {
                return try KDF.Scrypt.deriveKey(
                    from: text, salt: salt, outputByteCount: 32, rounds: rounds, blockSize: block, parallelism: lanes)
            } catch {
                throw CredentialStorageError(
                    path: name, cause: "the passphrase cannot be stretched: \(error)",
                    remedy: "make sure that 64 MiB of memory are free")
            }
        case (.key, .scrypt):
            throw CredentialStorageError(
                path: name, cause: "it is encrypted with a passphrase, and a key was given",
                remedy: "give --authority-passphrase-file")
        case (.passphrase, .none):
            throw CredentialStorageError(
                path: name, cause: "it is encrypted with a key, and a passphrase was given",
                remedy: "give --authority-key-file")
        }
    }
}

/// How a file's key comes from the secret.
enum KeyDerivation: Hashable, Sendable {
    case none
    case scrypt(salt: [UInt8], rounds: Int, blockSize: Int, parallelism: Int)

    var text: String {
        switch self {
        case .none: "key"
        case .scrypt(let salt, let rounds, let block, let lanes):
            "scrypt \(rounds) \(block) \(lanes) \(Hex.encode(salt))"
        }
    }
}

/// An encrypted file: one PEM block around a header and the sealed box.
struct SealedFile: Sendable {
    static let label = "WEFT SEALED FILE"

    let derivation: KeyDerivation
    /// Nonce, ciphertext and tag.
    let box: [UInt8]

    private struct Fields: Codable {
        var version = 1
        var cipher = "AES-256-GCM"
        var derivation: String
        var salt: String?
        var rounds: Int?
        var blockSize: Int?
        var parallelism: Int?
        var box: [UInt8]
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }

    init(derivation: KeyDerivation, box: [UInt8]) {
        self.derivation = derivation
        self.box = box
    }

    static func isSealed(_ bytes: [UInt8]) -> Bool { bytes.starts(with: Array("-----BEGIN \(Self.label)-----".utf8)) }

    /// Reads the header. What scrypt would cost is bounded, for it is spent before anything is authenticated.
    init(_ bytes: [UInt8]) throws {
        let blocks = try PEM.decode(String(decoding: bytes, as: UTF8.self))
        guard let block = blocks.first, blocks.count == 1 else {
            throw Unreadable(description: "\(blocks.count) blocks instead of one")
        }
        let fields = try JSONDecoder().decode(Fields.self, from: Data(block.der))
        guard fields.version == 1, fields.cipher == "AES-256-GCM" else {
            throw Unreadable(
                description: "version \(fields.version) with \(fields.cipher.prefix(32)) is not known here")
        }
        switch fields.derivation {
        case "none": self.derivation = .none
        case "scrypt":
            guard let salt = fields.salt.flatMap({ Hex.decode($0) }), salt.count >= 16, salt.count <= 64,
                let rounds = fields.rounds, rounds >= 2, rounds <= 1 << 20, rounds.nonzeroBitCount == 1,
                let block = fields.blockSize, (1...16).contains(block), let lanes = fields.parallelism,
                (1...16).contains(lanes)
            else { throw Unreadable(description: "scrypt's parameters are missing or out of range") }
            self.derivation = .scrypt(salt: salt, rounds: rounds, blockSize: block, parallelism: lanes)
        default: throw Unreadable(description: "the derivation \(fields.derivation.prefix(32)) is not known here")
        }
        self.box = fields.box
    }

    func encoded() throws -> [UInt8] {
        var fields = Fields(derivation: "none", box: self.box)
        if case .scrypt(let salt, let rounds, let block, let lanes) = self.derivation {
            fields.derivation = "scrypt"
            (fields.salt, fields.rounds, fields.blockSize, fields.parallelism) = (
                Hex.encode(salt), rounds, block, lanes
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Array(PEM.encode([Array(try encoder.encode(fields))], label: Self.label).utf8)
    }
}
