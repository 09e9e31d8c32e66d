package import Crypto
package import FoundationEssentials
package import WeftModel
internal import X509

/// A workload's live identity: its key, its certificates and whom it trusts.
///
/// Its description leaves the key out.
package struct WorkloadIdentity: Sendable, CustomStringConvertible {
    package let id: SPIFFEID
    package let key: P256.Signing.PrivateKey
    /// DER: the leaf, then the intermediates; a control plane's ends in the root.
    package let chain: [[UInt8]]
    /// DER of the roots of the workload's trust domain.
    package let bundle: [[UInt8]]
    package let notBefore: Date
    package let notAfter: Date
    /// The leaf's serial number, lower-case hex; tells one generation from the next.
    package let serial: String

    package init(
        id: SPIFFEID, key: P256.Signing.PrivateKey, chain: [[UInt8]], bundle: [[UInt8]], notBefore: Date,
        notAfter: Date, serial: String
    ) {
        self.id = id
        self.key = key
        self.chain = chain
        self.bundle = bundle
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.serial = serial
    }

    /// Joins a key with the certificates that the control plane sent for it, as it trusts nothing it has not checked:
    /// the chain must verify against the bundle, name `expected` where given, and hold this key.
    package init(
        key: P256.Signing.PrivateKey, chain: [[UInt8]], bundle: [[UInt8]], expecting expected: SPIFFEID? = nil,
        now: Date
    ) throws(WorkloadIdentityError) {
        let identity = try Self(unverified: key, chain: chain, bundle: bundle)
        do throws(SVIDError) {
            let roots = try TrustBundle(trustDomain: identity.id.trustDomain, der: bundle)
            var verifier = SVIDVerifier(bundles: [roots])
            verifier.early = SVIDVerifier.forStepsOfClocks
            let peer = try verifier.verify(
                chain, expecting: expected.map { [$0] } ?? [], now: now)
            guard peer.id == identity.id else { throw SVIDError.wrongIdentity(expected: [identity.id], found: peer.id) }
        } catch {
            throw .refused(error)
        }
        self = identity
    }

    /// Reads what the leaf says, without deciding whether it is still valid.
    init(unverified key: P256.Signing.PrivateKey, chain: [[UInt8]], bundle: [[UInt8]]) throws(WorkloadIdentityError) {
        guard let first = chain.first else { throw .damaged("there is no certificate") }
        let leaf: Certificate
        do { leaf = try Certificate(der: first) } catch { throw .damaged("the certificate cannot be read: \(error)") }
        guard leaf.publicKey == Certificate.PublicKey(key.publicKey) else {
            throw .damaged("the certificate is for another key")
        }
        let ids = leaf.alternativeNames.compactMap { name -> SPIFFEID? in
            if case .uniformResourceIdentifier(let uri) = name { SPIFFEID(uri) } else { nil }
        }
        guard let id = ids.first, ids.count == 1 else { throw .damaged("the certificate names no SPIFFE ID") }
        self.init(
            id: id, key: key, chain: chain, bundle: bundle, notBefore: leaf.notValidBefore,
            notAfter: leaf.notValidAfter, serial: Hex.encode(leaf.serialNumber.bytes))
    }

    /// The key in PKCS#8 DER.
    package var keyDER: [UInt8] { Array(self.key.derRepresentation) }

    /// The same identity with other roots of its trust domain.
    package func trusting(_ roots: [[UInt8]]) -> WorkloadIdentity {
        WorkloadIdentity(
            id: self.id, key: self.key, chain: self.chain, bundle: roots, notBefore: self.notBefore,
            notAfter: self.notAfter, serial: self.serial)
    }

    /// A verifier that trusts this identity's bundle for its trust domain.
    package func verifier() throws(SVIDError) -> SVIDVerifier {
        var verifier = SVIDVerifier(bundles: [try TrustBundle(trustDomain: self.id.trustDomain, der: self.bundle)])
        verifier.early = SVIDVerifier.forStepsOfClocks
        return verifier
    }

    package var description: String {
        "\(self.id), serial \(self.serial), until \(self.notAfter.formatted(.iso8601))"
    }
}

/// Why an identity could not be taken up or loaded.
package enum WorkloadIdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The pieces do not hold together; the text says how.
    case damaged(String)
    /// The certificates do not verify.
    case refused(SVIDError)
    case storage(CredentialStorageError)

    package var description: String {
        switch self {
        case .damaged(let cause): "the identity is damaged: \(cause); join again with a new token"
        case .refused(let error): "the identity was refused: \(error)"
        case .storage(let error): "\(error)"
        }
    }
}
