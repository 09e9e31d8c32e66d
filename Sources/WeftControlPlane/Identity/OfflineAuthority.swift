package import Foundation
internal import WeftIdentity
package import WeftModel

/// Works on the authority of a control plane that is not running: keys never travel, so whoever brings them has to be
/// where they are kept. Holds the data directory meanwhile.
package struct OfflineAuthority: Sendable {
    private let directory: DataDirectory
    private let storage: any CredentialStorage

    /// Takes hold of the directory; throws `ControlPlaneError` when a control plane, or another such command, has it.
    ///
    /// - Parameters:
    ///   - passphraseFile: as `ControlPlaneConfiguration.authorityPassphraseFile`, as is the next.
    package init(dataDirectory: String, passphraseFile: String? = nil, keyFile: String? = nil) throws {
        self.directory = try DataDirectory(dataDirectory)
        let secret = try AuthoritySecret.read(passphraseFile: passphraseFile, keyFile: keyFile)
        self.storage = try AuthoritySecret.storage(try self.directory.authority, secret: secret)
    }

    /// What to say of a key's file that others than its owner may read or change; nil where they may not.
    package static func remark(onFile path: String) -> String? { AuthoritySecret.remark(onFile: path) }

    /// What an import led to, for people.
    package struct Imported: Hashable, Sendable, Codable {
        package var trustDomain: String
        package var rootFingerprint: String
        package var isRootOffline: Bool
    }

    /// PEM texts, as the files have them.
    package struct Material: Sendable {
        package var rootCertificate: String
        package var rootKey: String?
        package var intermediateCertificate: String?
        package var intermediateKey: String?

        package init(
            rootCertificate: String, rootKey: String?, intermediateCertificate: String?, intermediateKey: String?
        ) {
            self.rootCertificate = rootCertificate
            self.rootKey = rootKey
            self.intermediateCertificate = intermediateCertificate
            self.intermediateKey = intermediateKey
        }
    }

    /// Saves an authority that was made elsewhere. Refuses where there is one already, unless it is to be replaced.
    package func importAuthority(
        _ material: Material, trustDomain: TrustDomain?, replacing: Bool, now: Date
    ) throws -> Imported {
        var random = SystemRandomNumberGenerator()
        let authority = try AuthorityImport.authority(
            AuthorityImport.Material(
                rootCertificate: material.rootCertificate, rootKey: material.rootKey,
                intermediateCertificate: material.intermediateCertificate, intermediateKey: material.intermediateKey),
            trustDomain: trustDomain, now: now, random: &random)
        guard try replacing || self.storage.read(CertificateAuthority.fileName) == nil else {
            throw AuthorityImportError(
                "the authority", "there is one in \(self.directory.path) already",
                "choose another --data-dir, or give --replace, after which every workload must join again")
        }
        try authority.save(to: self.storage)
        return Imported(
            trustDomain: authority.trustDomain.name, rootFingerprint: try authority.rootFingerprint,
            isRootOffline: authority.isRootOffline)
    }

    /// Makes a key for a new intermediate, keeps it, and returns the request for the root's owner, PEM.
    package func requestIntermediate() throws -> String {
        let authority = try self.authority()
        let made = try AuthorityImport.requestIntermediate(in: authority.trustDomain)
        try self.storage.write(AuthorityImport.pendingFileName, Array(made.key.utf8))
        return made.request
    }

    /// Puts the certificate for the requested intermediate in force. Returns when it expires.
    package func installIntermediate(_ certificate: String, now: Date) throws -> Date {
        let authority = try self.authority()
        guard let key = try self.storage.read(AuthorityImport.pendingFileName) else {
            throw AuthorityImportError(
                "the intermediate certificate", "no intermediate has been requested here",
                "begin with `weft identity intermediate request`")
        }
        var random = SystemRandomNumberGenerator()
        let next = try AuthorityImport.install(
            certificate: certificate, key: String(decoding: key, as: UTF8.self), in: authority, now: now,
            random: &random)
        try next.save(to: self.storage)
        // After it: a crash in between leaves a key that nobody needs.
        try self.storage.remove(AuthorityImport.pendingFileName)
        return next.intermediateExpiry
    }

    private func authority() throws -> CertificateAuthority {
        guard let authority = try CertificateAuthority.saved(in: self.storage) else {
            throw AuthorityImportError(
                "the authority", "there is none in \(self.directory.path)",
                "start the control plane once, or `weft identity import` one")
        }
        return authority
    }
}
