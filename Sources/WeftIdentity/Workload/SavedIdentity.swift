internal import Crypto

extension WorkloadIdentity {
    /// Key, leaf and intermediates in one file, so that they can never disagree; TLS libraries read both from it.
    package static let fileName = "identity.pem"
    /// The roots.
    package static let bundleFileName = "bundle.pem"

    /// Saves the identity. The bundle goes first: a new leaf may need a new root, an old leaf keeps its old one.
    package func save(to storage: some CredentialStorage) throws(WorkloadIdentityError) {
        let identity = PEM.encode([self.keyDER], label: PEM.privateKeyLabel) + PEM.encode(self.chain)
        do {
            try storage.write(Self.bundleFileName, Array(PEM.encode(self.bundle).utf8))
            try storage.write(Self.fileName, Array(identity.utf8))
        } catch {
            throw .storage(error)
        }
    }

    /// Loads what `save` wrote; nil when there is nothing. Whether it is still valid is for the caller to decide.
    package static func load(from storage: some CredentialStorage) throws(WorkloadIdentityError) -> WorkloadIdentity? {
        let saved: (identity: [UInt8]?, bundle: [UInt8]?)
        do {
            saved = (try storage.read(Self.fileName), try storage.read(Self.bundleFileName))
        } catch {
            throw .storage(error)
        }
        guard let identity = saved.identity else { return nil }
        guard let bundle = saved.bundle else { throw .damaged("\(Self.bundleFileName) is missing") }
        let blocks = try Self.blocks(identity, of: Self.fileName)
        let keys = blocks.filter { $0.label == PEM.privateKeyLabel }
        guard let keyDER = keys.first?.der, keys.count == 1 else {
            throw .damaged("\(Self.fileName) holds \(keys.count) keys instead of one")
        }
        let key: P256.Signing.PrivateKey
        do { key = try P256.Signing.PrivateKey(derRepresentation: keyDER) } catch {
            throw .damaged("the key in \(Self.fileName) cannot be read: \(error)")
        }
        let roots = try Self.blocks(bundle, of: Self.bundleFileName).filter { $0.label == PEM.certificateLabel }
        return try WorkloadIdentity(
            unverified: key, chain: blocks.filter { $0.label == PEM.certificateLabel }.map(\.der),
            bundle: roots.map(\.der))
    }

    private static func blocks(
        _ bytes: [UInt8], of name: String
    ) throws(WorkloadIdentityError) -> [(label: String, der: [UInt8])] {
        do { return try PEM.decode(String(decoding: bytes, as: UTF8.self)) } catch {
            throw .damaged("\(name) cannot be read: \(error)")
        }
    }
}
