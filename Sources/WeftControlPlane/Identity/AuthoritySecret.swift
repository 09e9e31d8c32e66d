internal import Foundation
internal import WeftIdentity

/// Reads what the authority's keys are encrypted with, and opens where they are kept.
enum AuthoritySecret {
    /// Nil where nothing is to be encrypted.
    static func read(_ configuration: ControlPlaneConfiguration) throws(ControlPlaneError) -> SealingSecret? {
        try self.read(
            passphraseFile: configuration.authorityPassphraseFile, keyFile: configuration.authorityKeyFile)
    }

    /// Files of secrets that others than their owner may read or change, in words.
    static func openFiles(_ configuration: ControlPlaneConfiguration) -> [String] {
        [configuration.authorityPassphraseFile, configuration.authorityKeyFile].compactMap(\.self).compactMap(
            Self.remark(onFile:))
    }

    /// What to say of a secret's file that others than its owner may read or change; nil where they may not.
    static func remark(onFile path: String) -> String? {
        // Of what a link leads to.
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: target)
        guard let mode = attributes?[.posixPermissions] as? Int, mode & 0o077 != 0 else { return nil }
        return "\(path) has the mode 0\(String(mode & 0o777, radix: 8)); its owner alone should read it: chmod 600"
    }

    static func read(
        passphraseFile: String?, keyFile: String?
    ) throws(ControlPlaneError) -> SealingSecret? {
        switch (passphraseFile, keyFile) {
        case (nil, nil): return nil
        case (_?, _?):
            throw .invalidConfiguration(
                field: "authority-key-file", cause: "a passphrase and a key were given; give one of them")
        case (let file?, nil):
            guard let secret = SealingSecret(passphraseFile: try Self.bytes(file, "authority-passphrase-file")) else {
                throw .invalidConfiguration(
                    field: "authority-passphrase-file",
                    cause: "\(file) does not hold a passphrase of at least \(SealingSecret.shortestPassphrase) bytes")
            }
            return secret
        case (nil, let file?):
            guard let secret = SealingSecret(keyFile: try Self.bytes(file, "authority-key-file")) else {
                throw .invalidConfiguration(
                    field: "authority-key-file",
                    cause:
                        "\(file) does not hold 32 bytes, plain, in hexadecimal or in base64; make it with `openssl rand -hex 32`"
                )
            }
            return secret
        }
    }

    /// The storage, encrypting where there is a secret; files that are plain yet are encrypted on the way.
    static func storage(
        _ directory: PrivateDirectory, secret: SealingSecret?
    ) throws(CredentialStorageError) -> any CredentialStorage {
        guard let secret else { return directory }
        var random = SystemRandomNumberGenerator()
        let sealed = try SealedStorage(
            directory, secret: secret, sharingSaltOf: CertificateAuthority.fileName, random: &random)
        try sealed.sealAll([
            CertificateAuthority.fileName, AuthorityImport.pendingFileName, TokenSigningKeys.fileName,
        ])
        return sealed
    }

    private static func bytes(_ path: String, _ field: String) throws(ControlPlaneError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: 8192) ?? Data()
        else {
            throw .invalidConfiguration(
                field: field, cause: "\(path) cannot be read; check the path and its permissions")
        }
        return Array(data)
    }
}
