internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import WeftModel

/// Public keys that tokens are verified with. Source: RFC 7517, RFC 7518 §6, RFC 8037.
package struct JSONWebKeySet: Sendable {
    /// Why a document is no key set.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    package static let maxBytes = 65_536
    package static let maxKeys = 64
    /// What `use` may say; a key that does not say is for anything.
    package static let signatureUses: Set<String> = ["sig", "jwt-svid"]

    /// Those that can verify, in the document's order.
    package let keys: [JSONWebKey]

    /// Reads a document. Keys of unknown kinds and for other uses are passed over, as the standard says; a known kind with
    /// values that cannot be is an error, so that a typing mistake is not silence.
    ///
    /// - Parameter requiresUse: keys without `use` are passed over, as in SPIFFE bundles.
    package init(
        _ document: String, uses: Set<String> = Self.signatureUses, requiresUse: Bool = false
    ) throws(Malformed) {
        let bytes = Array(document.utf8)
        guard bytes.count <= Self.maxBytes else {
            throw Malformed(description: "the key set has \(bytes.count) bytes; at most \(Self.maxBytes) are read")
        }
        let value: JSONValue
        do { value = try JSONReader.read(bytes) } catch {
            throw Malformed(description: "the key set is not JSON: \(error)")
        }
        guard let list = value.value(at: ["keys"])?.array else {
            throw Malformed(description: "the key set has no list `keys`")
        }
        guard list.count <= Self.maxKeys else {
            throw Malformed(description: "the key set has \(list.count) keys; at most \(Self.maxKeys) are read")
        }
        var keys: [JSONWebKey] = []
        for (index, element) in list.enumerated() {
            guard let members = element.object else { throw Malformed(description: "`keys[\(index)]` is no object") }
            if let use = members["use"] {
                guard let text = use.string, uses.contains(text) else { continue }
            } else if requiresUse {
                continue
            }
            if let operations = members["key_ops"] {
                guard operations.array?.contains(.string("verify")) == true else { continue }
            }
            do {
                if let key = try JSONWebKey(members) { keys.append(key) }
            } catch {
                throw Malformed(description: "`keys[\(index)]`: \(error)")
            }
        }
        self.keys = keys
    }

    package init(keys: [JSONWebKey]) { self.keys = keys }
}

/// One public key of a set.
package struct JSONWebKey: Sendable {
    enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey, modulusBytes: Int)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// `kid`; nil where the key has no name.
    package let id: String?
    /// The one algorithm that the key is for; nil for all of its kind.
    let algorithm: String?
    let material: Material

    /// Nil for kinds and curves that are not known.
    init?(_ members: [String: JSONValue]) throws(JSONWebKeySet.Malformed) {
        if let id = members["kid"] {
            guard let text = id.string else { throw JSONWebKeySet.Malformed(description: "`kid` is no text") }
            self.id = text
        } else {
            self.id = nil
        }
        self.algorithm = members["alg"]?.string
        func bytes(_ name: String, count: Int? = nil) throws(JSONWebKeySet.Malformed) -> [UInt8] {
            guard let text = members[name]?.string, let bytes = Base64URL.decode(text.utf8) else {
                throw JSONWebKeySet.Malformed(description: "`\(name)` is missing or not base64url")
            }
            if let count, bytes.count != count {
                throw JSONWebKeySet.Malformed(description: "`\(name)` has \(bytes.count) bytes, not \(count)")
            }
            return bytes
        }
        let curve = members["crv"]?.string
        do {
            switch (members["kty"]?.string, curve) {
            case ("RSA", _):
                let modulus = Array(try bytes("n").drop { $0 == 0 })
                let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
                guard (2048...8192).contains(bits) else {
                    throw JSONWebKeySet.Malformed(description: "an RSA key of \(bits) bits; 2048 to 8192 are taken")
                }
                let exponent = Array(try bytes("e").drop { $0 == 0 })
                guard exponent.count <= 4, exponent.last.map({ $0 & 1 == 1 }) == true, exponent != [1] else {
                    throw JSONWebKeySet.Malformed(description: "`e` is not an odd number from 3 to 32 bits")
                }
                self.material = .rsa(
                    try _RSA.Signing.PublicKey(n: modulus, e: exponent), modulusBytes: modulus.count)
            case ("EC", "P-256"):
                let point = try bytes("x", count: 32) + bytes("y", count: 32)
                self.material = .p256(try P256.Signing.PublicKey(rawRepresentation: point))
            case ("EC", "P-384"):
                let point = try bytes("x", count: 48) + bytes("y", count: 48)
                self.material = .p384(try P384.Signing.PublicKey(rawRepresentation: point))
            case ("OKP", "Ed25519"):
                self.material = .ed25519(
                    try Curve25519.Signing.PublicKey(rawRepresentation: try bytes("x", count: 32)))
            default: return nil
            }
        } catch let error as JSONWebKeySet.Malformed {
            throw error
        } catch {
            throw JSONWebKeySet.Malformed(description: "the values are no key: \(error)")
        }
    }

    /// A key that signs JWT-SVIDs.
    init(id: String, p256 key: P256.Signing.PublicKey) {
        self.id = id
        self.algorithm = nil
        self.material = .p256(key)
    }

    /// Whether the key may verify signatures of `algorithm`.
    func fits(_ algorithm: TokenAlgorithm) -> Bool {
        if let only = self.algorithm, only != algorithm.rawValue { return false }
        return switch (self.material, algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384), (.rsa, .ps512): true
        case (.p256, .es256), (.p384, .es384), (.ed25519, .edDSA): true
        case (.rsa, _), (.p256, _), (.p384, _), (.ed25519, _): false
        }
    }

    /// Whether `signature` is this key's for `message`; false where algorithm and key do not fit.
    func verifies(_ signature: [UInt8], of message: [UInt8], _ algorithm: TokenAlgorithm) -> Bool {
        guard self.fits(algorithm) else { return false }
        switch self.material {
        case .rsa(let key, let modulusBytes):
            guard signature.count == modulusBytes else { return false }
            let signature = _RSA.Signing.RSASignature(rawRepresentation: Data(signature))
            let padding: _RSA.Signing.Padding = algorithm.isPSS ? .PSS : .insecurePKCS1v1_5
            return switch algorithm {
            case .rs256, .ps256: key.isValidSignature(signature, for: SHA256.hash(data: message), padding: padding)
            case .rs384, .ps384: key.isValidSignature(signature, for: SHA384.hash(data: message), padding: padding)
            case .rs512, .ps512: key.isValidSignature(signature, for: SHA512.hash(data: message), padding: padding)
            case .es256, .es384, .edDSA: false
            }
        case .p256(let key):
            guard signature.count == 64, let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: message))
        case .p384(let key):
            guard signature.count == 96, let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: message))
        case .ed25519(let key): return signature.count == 64 && key.isValidSignature(signature, for: message)
        }
    }
}

/// The signatures that are accepted.
package enum TokenAlgorithm: String, Hashable, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"

    var isPSS: Bool {
        switch self {
        case .ps256, .ps384, .ps512: true
        case .rs256, .rs384, .rs512, .es256, .es384, .edDSA: false
        }
    }
}
