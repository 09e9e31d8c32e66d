import Crypto
import CryptoExtras
import FoundationEssentials
import WeftModel

@testable import WeftIdentity

/// Makes tokens, right and wrong ones.
struct TokenMaker {
    static let now: Int64 = 1_800_000_000

    let ec = P256.Signing.PrivateKey()
    let ec384 = P384.Signing.PrivateKey()
    let ed = Curve25519.Signing.PrivateKey()
    let rsa: _RSA.Signing.PrivateKey

    init() throws { self.rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    static func claims(_ changes: [String: JSONValue?] = [:]) -> JSONValue {
        var claims: [String: JSONValue] = [
            "iss": .string("https://issuer.example"), "sub": .string("ada"), "aud": .string("billing"),
            "exp": .integer(Self.now + 300), "iat": .integer(Self.now),
        ]
        for (name, value) in changes {
            if let value { claims[name] = value } else { claims.removeValue(forKey: name) }
        }
        return .object(claims)
    }

    static func message(_ header: [String: JSONValue], _ claims: String) -> String {
        Base64URL.encode(Array(JSONValue.object(header).text.utf8)) + "." + Base64URL.encode(Array(claims.utf8))
    }

    static func compact(_ message: String, _ signature: some Sequence<UInt8>) -> String {
        "\(message).\(Base64URL.encode(Array(signature)))"
    }

    func es256(_ claims: JSONValue = Self.claims(), header: [String: JSONValue] = [:]) throws -> String {
        let header = ["alg": .string("ES256"), "kid": .string("ec")].merging(header) { $1 }
        let message = Self.message(header, claims.text)
        return Self.compact(
            message, try self.ec.signature(for: SHA256.hash(data: Array(message.utf8))).rawRepresentation)
    }

    func rs(_ algorithm: TokenAlgorithm, _ claims: JSONValue = Self.claims()) throws -> String {
        let message = Self.message(["alg": .string(algorithm.rawValue), "kid": .string("rsa")], claims.text)
        let bytes = Array(message.utf8)
        let padding: _RSA.Signing.Padding = algorithm.isPSS ? .PSS : .insecurePKCS1v1_5
        let signature =
            switch algorithm {
            case .rs384, .ps384: try self.rsa.signature(for: SHA384.hash(data: bytes), padding: padding)
            case .rs512, .ps512: try self.rsa.signature(for: SHA512.hash(data: bytes), padding: padding)
            default: try self.rsa.signature(for: SHA256.hash(data: bytes), padding: padding)
            }
        return Self.compact(message, signature.rawRepresentation)
    }

    func es384() throws -> String {
        let message = Self.message(["alg": .string("ES384"), "kid": .string("ec384")], Self.claims().text)
        return Self.compact(
            message, try self.ec384.signature(for: SHA384.hash(data: Array(message.utf8))).rawRepresentation)
    }

    func edDSA() throws -> String {
        let message = Self.message(["alg": .string("EdDSA"), "kid": .string("ed")], Self.claims().text)
        return Self.compact(message, try self.ed.signature(for: Array(message.utf8)))
    }

    func hs256(secret: [UInt8]) -> String {
        let message = Self.message(["alg": .string("HS256"), "kid": .string("rsa")], Self.claims().text)
        let code = HMAC<SHA256>.authenticationCode(for: Array(message.utf8), using: SymmetricKey(data: secret))
        return Self.compact(message, code)
    }

    /// All public keys as a document.
    var keySet: String {
        get throws {
            let primitives = try self.rsa.publicKey.getKeyPrimitives()
            let ec = Array(self.ec.publicKey.rawRepresentation)
            let ec384 = Array(self.ec384.publicKey.rawRepresentation)
            func text(_ bytes: some Collection<UInt8>) -> JSONValue { .string(Base64URL.encode(bytes)) }
            return JSONValue.object([
                "keys": .array([
                    .object([
                        "kty": .string("RSA"), "kid": .string("rsa"), "use": .string("sig"),
                        "n": text(primitives.modulus), "e": text(primitives.publicExponent),
                    ]),
                    .object([
                        "kty": .string("EC"), "kid": .string("ec"), "crv": .string("P-256"), "x": text(ec.prefix(32)),
                        "y": text(ec.suffix(32)),
                    ]),
                    .object([
                        "kty": .string("EC"), "kid": .string("ec384"), "crv": .string("P-384"),
                        "x": text(ec384.prefix(48)), "y": text(ec384.suffix(48)),
                    ]),
                    .object([
                        "kty": .string("OKP"), "kid": .string("ed"), "crv": .string("Ed25519"),
                        "x": text(Array(self.ed.publicKey.rawRepresentation)),
                    ]),
                    .object(["kty": .string("unheard-of"), "kid": .string("x")]),
                ])
            ]).text
        }
    }

    var issuer: TokenIssuer {
        get throws {
            TokenIssuer(
                source: Provenance(
                    resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "tokens")),
                issuer: "https://issuer.example", audiences: ["billing", "ledger"], keys: try self.keySet)
        }
    }
}
