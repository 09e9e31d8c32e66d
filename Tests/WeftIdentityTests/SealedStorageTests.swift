import Foundation
import Testing
import WeftIdentity
import WeftModel

@Suite struct SealedStorageTests {
    let directory = TemporaryDirectory()
    let passphrase = SealingSecret(passphraseFile: Array("correct horse battery\n".utf8))
    static let name = CertificateAuthority.fileName

    func sealed(_ files: PrivateDirectory, _ secret: SealingSecret?) throws -> SealedStorage<PrivateDirectory> {
        var random = SeededRandom(1)
        return try SealedStorage(
            files, secret: try #require(secret), sharingSaltOf: Self.name, cost: 1 << 4, random: &random)
    }

    @Test func `what is written is read back, and nothing of it is on disk`() throws {
        let files = try PrivateDirectory(path: self.directory.path)
        let key = SealingSecret(keyFile: Array(repeating: 7, count: 32))
        for secret in [self.passphrase, key] {
            let storage = try self.sealed(files, secret)
            try storage.write(Self.name, Array("a secret".utf8))
            let bytes = try #require(try files.read(Self.name))
            #expect(!String(decoding: bytes, as: UTF8.self).contains("a secret"))
            #expect(try self.sealed(files, secret).read(Self.name) == Array("a secret".utf8))
            try storage.write(Self.name, Array("a secret".utf8))
            #expect(try files.read(Self.name) != bytes, "the nonce was used twice")
            try files.remove(Self.name)
        }
    }

    @Test func `another passphrase, another key, a changed byte and another file's content do not open`() throws {
        let files = try PrivateDirectory(path: self.directory.path)
        let storage = try self.sealed(files, self.passphrase)
        try storage.write(Self.name, Array("a secret".utf8))
        let other = SealingSecret(passphraseFile: Array("another passphrase".utf8))
        let refused = #expect(throws: CredentialStorageError.self) { try self.sealed(files, other).read(Self.name) }
        #expect(refused?.cause.contains("does not open") == true)
        let key = SealingSecret(keyFile: Array(repeating: 7, count: 32))
        let mixed = #expect(throws: CredentialStorageError.self) { try self.sealed(files, key).read(Self.name) }
        #expect(mixed?.remedy.contains("--authority-passphrase-file") == true)
        try files.write("other.pem", try #require(try files.read(Self.name)))
        #expect(throws: CredentialStorageError.self) { try storage.read("other.pem") }
        var bytes = try #require(try files.read(Self.name))
        let middle = bytes.count / 2
        bytes[middle] = bytes[middle] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        try files.write(Self.name, bytes)
        #expect(throws: CredentialStorageError.self) { try self.sealed(files, self.passphrase).read(Self.name) }
    }

    @Test func `an authority is encrypted in place, and does not open without its passphrase`() throws {
        let files = try PrivateDirectory(path: self.directory.path)
        var random = SeededRandom(2)
        let plain = try CertificateAuthority.open(
            in: files, trustDomain: Forge.domain, now: Forge.now, random: &random)
        let storage = try self.sealed(files, self.passphrase)
        try storage.sealAll([Self.name, "absent.pem"])
        let text = String(decoding: try #require(try files.read(Self.name)), as: UTF8.self)
        #expect(!text.contains("PRIVATE KEY"))
        let opened = try CertificateAuthority.open(
            in: try self.sealed(files, self.passphrase), trustDomain: Forge.domain, now: Forge.now, random: &random)
        #expect(try opened.rootFingerprint == plain.rootFingerprint)
        #expect(throws: AuthorityError.locked(file: Self.name)) {
            try CertificateAuthority.open(in: files, trustDomain: Forge.domain, now: Forge.now, random: &random)
        }
        #expect(throws: AuthorityError.self) {
            try CertificateAuthority.open(
                in: try self.sealed(files, SealingSecret(passphraseFile: Array("another passphrase".utf8))),
                trustDomain: Forge.domain, now: Forge.now, random: &random)
        }
    }

    @Test func `keys are read plain, in hexadecimal and in base64, and secrets that protect nothing are not taken`() {
        let bytes = [UInt8](repeating: 0xab, count: 32)
        for text in [Hex.encode(bytes) + "\n", Data(bytes).base64EncodedString() + "\n"] {
            guard case .key(let key)? = SealingSecret(keyFile: Array(text.utf8)) else {
                Issue.record("\(text) was not taken")
                continue
            }
            #expect(key == bytes)
        }
        #expect(SealingSecret(keyFile: Array("too short".utf8)) == nil)
        #expect(SealingSecret(passphraseFile: Array("short\n".utf8)) == nil)
        #expect(!"\(SealingSecret.passphrase(Array("visible passphrase".utf8)))".contains("visible"))
    }
}
