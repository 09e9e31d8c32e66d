/// What a token says of its bearer, after its signature, issuer, audience and times have been checked.
package struct TokenClaims: Hashable, Sendable {
    /// The `iss` claim.
    package var issuer: String
    /// The `sub` claim; empty where there is none.
    package var subject: String
    /// The `exp` claim, in seconds since 1970.
    package var expires: Int64
    /// All claims, an object.
    package var members: JSONValue

    package init(issuer: String, subject: String, expires: Int64, members: JSONValue) {
        self.issuer = issuer
        self.subject = subject
        self.expires = expires
        self.members = members
    }

    /// The texts that a claim matches by: a string is its text, numbers and booleans are as they are written, a list is its
    /// elements. Objects, `null` and empty lists have none, and count as not there.
    package func texts(at path: [String]) -> [String] {
        guard let value = self.members.value(at: path) else { return [] }
        guard case .array(let elements) = value else { return Self.text(of: value).map { [$0] } ?? [] }
        return elements.compactMap(Self.text)
    }

    private static func text(of value: JSONValue) -> String? {
        switch value {
        case .string(let text), .number(let text): text
        case .boolean(let flag): flag ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}
