package import Crypto
package import FoundationEssentials
package import WeftModel

/// Signs JWT-SVIDs with one P-256 key (ES256). Source: SPIFFE JWT-SVID.
///
/// A JWT-SVID is a bearer token: whoever has it can use it until it expires, so that lifetimes are minutes.
package struct JWTSVIDSigner: Sendable {
    private let key: P256.Signing.PrivateKey
    /// The key's thumbprint (RFC 7638): the same key has the same name everywhere.
    package let keyID: String

    package init(key: P256.Signing.PrivateKey) {
        self.key = key
        self.keyID = Self.keyID(of: key.publicKey)
    }

    package var publicKey: P256.Signing.PublicKey { self.key.publicKey }

    /// Signs a JWT-SVID. `lifetime` is cut to whole seconds; `audiences` should name one.
    package func issue(
        subject: SPIFFEID, audiences: [String], lifetime: Duration, now: Date
    ) throws -> String {
        let issued = Int64(now.timeIntervalSince1970)
        let audience: JSONValue = .array(audiences.map(JSONValue.string))
        return try JSONWebToken.sign(
            claims: .object([
                "aud": audience, "exp": .integer(issued + lifetime.components.seconds), "iat": .integer(issued),
                "sub": .string(subject.description),
            ]), key: self.key, keyID: self.keyID)
    }

    /// The name of a key in key sets.
    package static func keyID(of key: P256.Signing.PublicKey) -> String {
        let (x, y) = self.coordinates(key)
        let canonical = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\(x)\",\"y\":\"\(y)\"}"
        return Base64URL.encode(Array(SHA256.hash(data: Array(canonical.utf8))))
    }

    /// A key as an entry of a SPIFFE bundle's `keys`.
    package static func jsonWebKey(_ key: P256.Signing.PublicKey) -> JSONValue {
        let (x, y) = self.coordinates(key)
        return .object([
            "kty": .string("EC"), "crv": .string("P-256"), "x": .string(x), "y": .string(y),
            "use": .string("jwt-svid"), "kid": .string(self.keyID(of: key)),
        ])
    }

    /// A key set of these keys.
    package static func keySet(_ keys: [P256.Signing.PublicKey]) -> String {
        JSONValue.object(["keys": .array(keys.map(self.jsonWebKey))]).text
    }

    private static func coordinates(_ key: P256.Signing.PublicKey) -> (x: String, y: String) {
        let raw = Array(key.rawRepresentation)
        return (Base64URL.encode(raw.prefix(32)), Base64URL.encode(raw.suffix(32)))
    }
}

/// Validates JWT-SVIDs.
package enum JWTSVID {
    /// Checks everything that the specification asks for: header, algorithm, subject, the signature by a key of the
    /// subject's own trust domain, expiry, audience.
    ///
    /// - Parameter keys: those of a trust domain (`use` jwt-svid); nil where its bundle is not there.
    package static func validate(
        _ token: String, audience: String, now: Date, keys: (TrustDomain) -> JSONWebKeySet?
    ) throws(TokenError) -> (id: SPIFFEID, claims: TokenClaims) {
        let token = try JSONWebToken(Array(token.utf8), profile: .jwtSVID)
        guard let text = token.subject, let id = SPIFFEID(text), !id.path.isEmpty else { throw .wrongSubject }
        guard let keys = keys(id.trustDomain) else { throw .noKeys(issuer: id.trustDomain.name) }
        // A bundle's keys have names, and a token that names none is tried with all.
        try token.verify(with: keys)
        let expires = try token.checkTimes(now: Int64(now.timeIntervalSince1970))
        try token.checkAudience([audience])
        return (
            id, TokenClaims(issuer: token.issuer ?? "", subject: text, expires: expires, members: token.claims)
        )
    }
}
