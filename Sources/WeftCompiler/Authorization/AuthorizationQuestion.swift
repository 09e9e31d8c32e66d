package import WeftModel

/// A request, or a connection, that a port is asked about.
package struct AuthorizationQuestion: Hashable, Sendable {
    /// What the caller proves; nil calls in the clear.
    package var identity: SPIFFEID?
    /// The caller's address, 4 or 16 bytes; nil is in no network.
    package var address: [UInt8]?
    /// Nil asks about bytes: TCP has no requests.
    package var request: Request?

    package struct Request: Hashable, Sendable {
        package var method: String
        /// Normalized, without its query.
        package var path: String
        /// Names in lower case; a value for each field of the name.
        package var headers: [String: [String]]
        /// Decoded; a value for each parameter of the name.
        package var query: [String: [String]]
        /// Of the token that the caller proves, values by the way to them; nil comes without a token.
        package var claims: [[String]: [String]]?

        package init(
            method: String = "GET", path: String = "/", headers: [String: [String]] = [:],
            query: [String: [String]] = [:],
            claims: [[String]: [String]]? = nil
        ) {
            self.method = method
            self.path = path
            self.headers = headers
            self.query = query
            self.claims = claims
        }
    }

    package init(identity: SPIFFEID?, address: [UInt8]? = nil, request: Request?) {
        self.identity = identity
        self.address = address
        self.request = request
    }
}

/// What would happen to it, and what each policy has to do with that. For people: slower than the proxies' own
/// evaluation, with which it agrees.
package struct AuthorizationExplanation: Hashable, Sendable {
    package var isAllowed: Bool
    /// One sentence.
    package var because: String
    /// What decided: the denial, the first ALLOW that matched, or what set the default. Nil where nothing is set.
    package var decidedBy: Provenance?
    /// In the order in which they count.
    package var findings: [Finding]

    /// One policy.
    package struct Finding: Hashable, Sendable {
        package var source: Provenance
        package var action: AuthorizationAction
        package var isAudit: Bool
        package var outcome: Outcome
        /// The rule that matched, or came closest, from 1; nil where there is none.
        package var rule: Int?
        /// Why it did not match: the first part that does not hold.
        package var mismatch: String?
    }

    package enum Outcome: String, Hashable, Sendable, Codable {
        case matched
        case notMatched
        /// None of the routes that it names takes such a request.
        case outOfScope
    }
}
