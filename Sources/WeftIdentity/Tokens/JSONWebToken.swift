package import Crypto
internal import FoundationEssentials
package import WeftModel

/// A signed token in compact form (RFC 7519, RFC 7515), read but not believed until it is verified.
package struct JSONWebToken: Sendable {
    /// What may be longer is no bearer token.
    package static let maxBytes = 16_384
    /// How far clocks may be apart: allowed past `exp`, before `nbf`, and for `iat` in the future. Seconds.
    package static let leeway: Int64 = 60
    /// Keys tried for a token without `kid`.
    static let maxTried = 8

    /// Which rules hold beyond those for every token.
    package enum Profile: Sendable {
        case plain
        /// A JWT-SVID: no header members but `alg`, `kid`, `typ`; the last JWT or JOSE.
        case jwtSVID
    }

    package let algorithm: TokenAlgorithm
    /// `kid`; nil where absent.
    package let keyID: String?
    /// All claims, an object.
    package let claims: JSONValue
    private let message: [UInt8]
    private let signature: [UInt8]

    /// Reads a token. What no key could make right (`none`, symmetric algorithms, `crit`) is refused here.
    package init(_ token: [UInt8], profile: Profile = .plain) throws(TokenError) {
        guard token.count <= Self.maxBytes else { throw .tooLarge(token.count) }
        let parts = token.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformed("it has not three parts") }
        let header = try Self.object(parts[0], "header")
        guard let name = header["alg"]?.string else { throw .malformed("the header has no alg") }
        if name.lowercased() == "none" { throw .algorithmNone }
        guard let algorithm = TokenAlgorithm(rawValue: name) else { throw .algorithmRefused }
        if header["crit"] != nil { throw .criticalHeader }
        if profile == .jwtSVID {
            // EdDSA is not among a JWT-SVID's algorithms.
            if algorithm == .edDSA { throw .algorithmRefused }
            guard header.keys.allSatisfy({ $0 == "alg" || $0 == "kid" || $0 == "typ" }) else { throw .headerRefused }
            if let type = header["typ"], type != .string("JWT"), type != .string("JOSE") { throw .headerRefused }
        }
        if let id = header["kid"] {
            guard let text = id.string else { throw .malformed("kid is no text") }
            self.keyID = text
        } else {
            self.keyID = nil
        }
        guard let signature = Base64URL.decode(parts[2]) else { throw .malformed("the signature is not base64url") }
        guard !signature.isEmpty else { throw .badSignature }
        self.algorithm = algorithm
        self.claims = .object(try Self.object(parts[1], "payload"))
        self.message = Array(token[..<parts[1].endIndex])
        self.signature = signature
    }

    /// Throws unless one of the keys signed it: the one that `kid` names, else those that fit, at most eight.
    package func verify(with keys: JSONWebKeySet) throws(TokenError) {
        var tried = 0
        for key in keys.keys where key.fits(self.algorithm) {
            if let id = self.keyID, key.id != id { continue }
            if key.verifies(self.signature, of: self.message, self.algorithm) { return }
            tried += 1
            if tried == Self.maxTried { break }
        }
        throw tried == 0 ? .unknownKey : .badSignature
    }

    /// Throws unless `exp` is there and ahead, and `nbf` and `iat` are not, each by more than `leeway`. `now` in seconds
    /// since 1970. Answers `exp`.
    package func checkTimes(now: Int64) throws(TokenError) -> Int64 {
        guard let member = self.claims.value(at: ["exp"]) else { throw .noExpiry }
        guard let expires = member.wholeNumber else { throw .malformed("exp is no number") }
        guard now < expires + Self.leeway else { throw .expired(at: expires, now: now) }
        for name in ["nbf", "iat"] {
            guard let member = self.claims.value(at: [name]) else { continue }
            guard let from = member.wholeNumber else { throw .malformed("\(name) is no number") }
            guard from <= now + Self.leeway else { throw .notYetValid(from: from, now: now) }
        }
        return expires
    }

    /// Throws unless `aud` holds one of `audiences`; an empty list takes any.
    package func checkAudience(_ audiences: [String]) throws(TokenError) {
        if audiences.isEmpty { return }
        let named: [JSONValue] =
            switch self.claims.value(at: ["aud"]) {
            case .array(let elements): elements
            case .some(let value): [value]
            case nil: []
            }
        let matches = named.contains { value in
            guard let text = value.string else { return false }
            return audiences.contains { $0.utf8.elementsEqual(text.utf8) }
        }
        guard matches else { throw .wrongAudience }
    }

    /// The `iss` claim; nil where it is absent or no text.
    package var issuer: String? { self.claims.value(at: ["iss"])?.string }
    /// The `sub` claim; nil where it is absent or no text.
    package var subject: String? { self.claims.value(at: ["sub"])?.string }

    private static func object(
        _ part: ArraySlice<UInt8>, _ name: String
    ) throws(TokenError) -> [String: JSONValue] {
        guard let bytes = Base64URL.decode(part) else { throw .malformed("the \(name) is not base64url") }
        do {
            guard let object = try JSONReader.read(bytes).object else {
                throw TokenError.malformed("the \(name) is no object")
            }
            return object
        } catch let error as JSONReader.Malformed {
            throw .malformed("the \(name): \(error)")
        } catch {
            throw .malformed("the \(name) is no object")
        }
    }

    // MARK: Signing

    /// Signs claims (an object) with ES256. Answers the compact form.
    package static func sign(claims: JSONValue, key: P256.Signing.PrivateKey, keyID: String) throws -> String {
        let header = JSONValue.object(["alg": .string("ES256"), "kid": .string(keyID), "typ": .string("JWT")])
        let message = "\(Base64URL.encode(Array(header.text.utf8))).\(Base64URL.encode(Array(claims.text.utf8)))"
        let signature = try key.signature(for: SHA256.hash(data: Array(message.utf8)))
        return "\(message).\(Base64URL.encode(Array(signature.rawRepresentation)))"
    }
}
