internal import Crypto

/// What an operator hands to a workload so that it can prove itself once: a secret, and the root to expect.
///
/// Text form: `weft1.<id>.<secret>.<SHA-256 of the root>`, all hex. Whoever has it can join as the service it names, so
/// its description leaves the secret out.
package struct JoinToken: Hashable, Sendable, CustomStringConvertible {
    /// Names the token in lists and logs; not secret. 16 hex digits.
    package let id: String
    /// 32 hex digits.
    let secret: String
    /// SHA-256 of the root certificate's DER, hex.
    package let rootFingerprint: String

    /// Makes a token with 128 random bits of secret.
    package init(rootFingerprint: String, random: inout some RandomNumberGenerator) {
        self.id = Self.randomHex(8, &random)
        self.secret = Self.randomHex(16, &random)
        self.rootFingerprint = rootFingerprint
    }

    /// Reads the text form; nil when it is not one. Surrounding white space is ignored.
    package init?(_ text: String) {
        let trimmed = text.drop(while: \.isWhitespace)
        let token = trimmed.reversed().drop(while: \.isWhitespace).reversed()
        let parts = String(token).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, parts[0] == Self.version, Hex.decode(parts[1])?.count == 8,
            Hex.decode(parts[2])?.count == 16, Hex.decode(parts[3])?.count == 32
        else { return nil }
        self.id = parts[1]
        self.secret = parts[2]
        self.rootFingerprint = parts[3]
    }

    /// The text form, secret included: for the operator's eyes, once.
    package var text: String { "\(Self.version).\(self.id).\(self.secret).\(self.rootFingerprint)" }

    /// SHA-256 of the secret, hex: all that is stored.
    package var secretHash: String { Hex.encode(SHA256.hash(data: Array(self.secret.utf8))) }

    package var description: String { "join token \(self.id)" }

    private static let version = "weft1"

    private static func randomHex(_ bytes: Int, _ random: inout some RandomNumberGenerator) -> String {
        Hex.encode((0..<bytes).map { _ in UInt8.random(in: .min ... .max, using: &random) })
    }
}
