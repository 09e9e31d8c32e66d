/// Why a token was refused. No case carries any of the token's text: what is told goes to callers and into logs.
package enum TokenError: Error, Hashable, Sendable {
    /// Not a signed JSON Web Token in compact form; the text says what is wrong.
    case malformed(String)
    /// More than `JSONWebToken.maxBytes`.
    case tooLarge(Int)
    /// `alg` is `none`: nobody signed it.
    case algorithmNone
    /// `alg` is one that is not accepted, symmetric ones among them.
    case algorithmRefused
    /// The header demands extensions (`crit`), and none is supported.
    case criticalHeader
    /// A JWT-SVID's header has members beyond `alg`, `kid` and `typ`, or a `typ` that is neither JWT nor JOSE.
    case headerRefused
    /// No key of the issuer fits the token's `kid` and `alg`.
    case unknownKey
    /// The issuer has no keys: none could be had yet, or what was had cannot be read.
    case noKeys(issuer: String)
    case badSignature
    /// `iss` names nobody whose tokens are believed here.
    case wrongIssuer
    case wrongAudience
    /// `exp` is missing: a token that never ends is not taken.
    case noExpiry
    /// Past `exp`; both in seconds since 1970.
    case expired(at: Int64, now: Int64)
    /// Before `nbf`, or `iat` lies in the future; both in seconds since 1970.
    case notYetValid(from: Int64, now: Int64)
    /// `sub` is not a SPIFFE ID with a path, as a JWT-SVID's must be.
    case wrongSubject
    /// A required token is not there.
    case missing

    /// A stable name for metrics and logs.
    package var label: String {
        switch self {
        case .malformed: "malformed"
        case .tooLarge: "too_large"
        case .algorithmNone: "algorithm_none"
        case .algorithmRefused: "algorithm_refused"
        case .criticalHeader: "critical_header"
        case .headerRefused: "header_refused"
        case .unknownKey: "unknown_key"
        case .noKeys: "no_keys"
        case .badSignature: "bad_signature"
        case .wrongIssuer: "wrong_issuer"
        case .wrongAudience: "wrong_audience"
        case .noExpiry: "no_expiry"
        case .expired: "expired"
        case .notYetValid: "not_yet_valid"
        case .wrongSubject: "wrong_subject"
        case .missing: "missing"
        }
    }
}

extension TokenError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(let cause): "the token is malformed: \(cause)"
        case .tooLarge(let count): "the token has \(count) bytes; at most \(JSONWebToken.maxBytes) are read"
        case .algorithmNone: "the token is not signed (alg none)"
        case .algorithmRefused: "the token's algorithm is not accepted; use RS256, ES256 or EdDSA"
        case .criticalHeader: "the token's header demands an extension (crit), and none is supported"
        case .headerRefused: "a JWT-SVID's header has only alg, kid and typ (JWT or JOSE)"
        case .unknownKey: "no key of the issuer fits the token's kid and alg"
        case .noKeys(let issuer): "there are no keys of the issuer \(issuer); look at the control plane's log"
        case .badSignature: "the token's signature is wrong"
        case .wrongIssuer: "the token's issuer (iss) is not believed here"
        case .wrongAudience: "the token is meant for another audience (aud)"
        case .noExpiry: "the token does not say when it expires (exp)"
        case .expired(let at, let now): "the token expired \(now - at) s ago"
        case .notYetValid(let from, let now): "the token is valid in \(from - now) s only; compare the clocks"
        case .wrongSubject: "the token's subject (sub) is not a workload's SPIFFE ID"
        case .missing: "a token is required"
        }
    }
}
