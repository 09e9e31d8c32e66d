internal import Crypto
package import WeftModel

/// Verifies the tokens of the issuers that a port believes. Immutable: shared by all loops.
///
/// Bearer tokens are made to be shown again: the same token is taken until it expires, and nobody is asked whether it
/// has been withdrawn. What must end sooner needs a shorter `exp`, or a key that leaves the set.
package final class TokenVerifier: Sendable {
    package let issuers: [TokenIssuer]
    /// In the order of `issuers`; nil where there are none, or the document cannot be read.
    private let keySets: [JSONWebKeySet?]

    package init(issuers: [TokenIssuer]) {
        self.issuers = issuers
        self.keySets = issuers.map { try? JSONWebKeySet($0.keys) }
    }

    /// Checks a token and answers what it says, and the place in `issuers` of the rule that it was believed by.
    ///
    /// Of the issuers named, those that `iss` names exactly are tried in order; their `keys` must have signed it, `aud` must
    /// fit, `exp` is required. The first refusal is told where all refuse. `now` in seconds since 1970.
    package func verify(
        _ token: [UInt8], by candidates: [Int], now: Int64
    ) throws(TokenError) -> (claims: TokenClaims, issuer: Int) {
        let token = try JSONWebToken(token)
        guard let issuer = token.issuer else { throw .wrongIssuer }
        var refusal: TokenError?
        for index in candidates where self.issuers[index].issuer.utf8.elementsEqual(issuer.utf8) {
            do throws(TokenError) {
                guard let keys = self.keySets[index], !keys.keys.isEmpty else {
                    throw TokenError.noKeys(issuer: issuer)
                }
                try token.verify(with: keys)
                let expires = try token.checkTimes(now: now)
                try token.checkAudience(self.issuers[index].audiences)
                let claims = TokenClaims(
                    issuer: issuer, subject: token.subject ?? "", expires: expires, members: token.claims)
                return (claims, index)
            } catch {
                if refusal == nil { refusal = error }
            }
        }
        throw refusal ?? .wrongIssuer
    }

    /// The same with every issuer.
    package func verify(_ token: String, now: Int64) throws(TokenError) -> TokenClaims {
        try self.verify(Array(token.utf8), by: Array(self.issuers.indices), now: now).claims
    }
}

/// The tokens that one loop has verified, so that a signature is paid for once: by the SHA-256 of the token, until it
/// expires. At most 1024; those not seen for longest go first, in two generations.
package struct TokenCache {
    package struct Entry: Sendable {
        package let claims: TokenClaims
        /// As in `TokenVerifier.verify`.
        package let issuer: Int

        package init(claims: TokenClaims, issuer: Int) {
            self.claims = claims
            self.issuer = issuer
        }
    }

    private static let generation = 512

    private var young: [[UInt8]: Entry] = [:]
    private var old: [[UInt8]: Entry] = [:]

    package init() {}

    package var count: Int { self.young.count + self.old.count }

    /// What names a token here.
    package static func key(of token: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: token)) }

    /// A token that was verified before and is good at `now`, in seconds since 1970.
    package mutating func entry(_ key: [UInt8], now: Int64) -> Entry? {
        if let entry = self.young[key] {
            if now < entry.claims.expires + JSONWebToken.leeway { return entry }
            self.young[key] = nil
            return nil
        }
        guard let entry = self.old.removeValue(forKey: key), now < entry.claims.expires + JSONWebToken.leeway else {
            return nil
        }
        self.add(entry, key)
        return entry
    }

    package mutating func add(_ entry: Entry, _ key: [UInt8]) {
        if self.young.count >= Self.generation {
            self.old = self.young
            self.young = [:]
        }
        self.old[key] = nil
        self.young[key] = entry
    }

    package mutating func removeAll() {
        self.young = [:]
        self.old = [:]
    }
}
