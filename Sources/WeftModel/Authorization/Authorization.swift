/// What one inbound port enforces, compiled from the AuthorizationPolicies and RequestAuthentications that apply to it.
///
/// Order: a matching DENY denies; else, where any ALLOW applies, one must match; else `default`. Policies with `audit`
/// decide nothing: what they would have done is recorded.
package struct Authorization: Hashable, Sendable {
    /// Sorted by resource key.
    package var policies: [AuthorizationRules] = []
    /// What happens where no ALLOW applies. Default allow.
    package var unmatched = AuthorizationAction.allow
    /// Which settings made `unmatched` a denial.
    package var unmatchedSource: Provenance?
    /// Whose tokens are believed; empty: nobody's, and tokens are left alone.
    package var issuers: [TokenIssuer] = []

    package init() {}

    package var isEmpty: Bool { self == Authorization() }
}

package enum AuthorizationAction: String, Hashable, Sendable, Codable, CaseIterable {
    case allow = "ALLOW"
    case deny = "DENY"
}

/// One AuthorizationPolicy as a port enforces it.
package struct AuthorizationRules: Hashable, Sendable {
    package var source: Provenance
    package var action: AuthorizationAction
    /// Evaluated and recorded, never enforced.
    package var isAudit: Bool
    /// The policy applies to requests that look like one of these only; empty: to all. Made from the matches of the
    /// routes that a policy names.
    package var scope: [RouteMatch]
    /// One must match. None: an ALLOW that allows nobody, a DENY that denies nobody.
    package var rules: [AuthorizationRule]

    package init(
        source: Provenance, action: AuthorizationAction, isAudit: Bool = false, scope: [RouteMatch] = [],
        rules: [AuthorizationRule]
    ) {
        self.source = source
        self.action = action
        self.isAudit = isAudit
        self.scope = scope
        self.rules = rules
    }
}

/// Who, to what, when: each part that is not empty must hold, by any of its entries; conditions must all hold.
package struct AuthorizationRule: Hashable, Sendable {
    /// Empty is everybody.
    package var from: [AuthorizationSource]
    /// Empty is everything.
    package var to: [AuthorizationOperation]
    package var when: [AuthorizationCondition]

    package init(
        from: [AuthorizationSource] = [], to: [AuthorizationOperation] = [], when: [AuthorizationCondition] = []
    ) {
        self.from = from
        self.to = to
        self.when = when
    }

    /// Whether it asks for anything that only a request has.
    package var needsHTTP: Bool { !self.to.isEmpty || !self.when.isEmpty }
}

/// A caller: all the lists that are not empty must hold, each by any of its entries, and no `not` list by any.
package struct AuthorizationSource: Hashable, Sendable {
    package var identities: [IdentityPattern] = []
    package var notIdentities: [IdentityPattern] = []
    /// Namespaces of proved identities, of the mesh's own trust domain.
    package var namespaces: [String] = []
    package var notNamespaces: [String] = []
    /// The connection's source address.
    package var networks: [NetworkPrefix] = []
    package var notNetworks: [NetworkPrefix] = []

    package init() {}
}

/// Which proved identities; callers in the clear have none and match no pattern, not even `*`.
package enum IdentityPattern: Hashable, Sendable {
    /// `*`: any proved identity.
    case any
    case exact(SPIFFEID)
    /// The SPIFFE ID's text begins so: `spiffe://mesh.local/ns/default/*` without its star.
    case prefix(String)
    /// The SPIFFE ID's text ends so: `*/sa/billing` without its star.
    case suffix(String)

    package func matches(_ id: String) -> Bool {
        switch self {
        case .any: true
        case .exact(let exact): exact.description == id
        case .prefix(let text): id.hasPrefix(text)
        case .suffix(let text): id.hasSuffix(text)
        }
    }
}

/// What is asked for: all the lists that are not empty must hold, each by any of its entries, and no `not` list by any.
package struct AuthorizationOperation: Hashable, Sendable {
    /// As on the wire. A rule that allows goes by the letter; to one that denies case is no difference.
    package var methods: [String] = []
    package var notMethods: [String] = []
    /// The normalized path without its query.
    package var paths: [TextPattern] = []
    package var notPaths: [TextPattern] = []

    package init() {}
}

/// A text with a star at its beginning, its end or nowhere.
package enum TextPattern: Hashable, Sendable {
    /// `*`: any, but it must be there.
    case any
    case exact(String)
    case prefix(String)
    case suffix(String)

    package func matches(_ text: some StringProtocol) -> Bool {
        switch self {
        case .any: true
        case .exact(let exact): exact == text
        case .prefix(let prefix): text.hasPrefix(prefix)
        case .suffix(let suffix): text.hasSuffix(suffix)
        }
    }
}

/// What a header or a claim of the request's proved token must say.
package struct AuthorizationCondition: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        /// In lower case.
        case header(String)
        /// The way to a claim of the token that was proved, one name for each level. A claim that is a list matches
        /// where one of its elements does. Without a proved token there are no claims.
        case claim([String])
    }

    package var subject: Subject
    /// Empty: any, but it must be there. A header that is repeated matches joined with `,`.
    package var values: [TextPattern]
    /// None of these; what is not there has none.
    package var notValues: [TextPattern]

    package init(subject: Subject, values: [TextPattern] = [], notValues: [TextPattern] = []) {
        self.subject = subject
        self.values = values
        self.notValues = notValues
    }
}

/// Whose tokens a port believes: one rule of a RequestAuthentication, with the keys that the control plane got for it.
package struct TokenIssuer: Hashable, Sendable {
    package var source: Provenance
    /// The `iss` claim, exactly.
    package var issuer: String
    /// `aud` must hold one of them; empty takes any.
    package var audiences: [String]
    /// A JSON Web Key Set (RFC 7517); empty while none could be had: every token of the issuer is then refused.
    package var keys: String
    /// Where tokens come from, in this order; default the `authorization` header's bearer token.
    package var locations: [TokenLocation]
    /// Whether the application still sees the token. Default true.
    package var isForwarded: Bool
    /// A request without a token is refused too. Default false.
    package var isRequired: Bool
    /// The policy's routes, as in `AuthorizationRules.scope`.
    package var scope: [RouteMatch]

    package init(
        source: Provenance, issuer: String, audiences: [String] = [], keys: String = "",
        locations: [TokenLocation] = [.bearer], isForwarded: Bool = true, isRequired: Bool = false,
        scope: [RouteMatch] = []
    ) {
        self.source = source
        self.issuer = issuer
        self.audiences = audiences
        self.keys = keys
        self.locations = locations
        self.isForwarded = isForwarded
        self.isRequired = isRequired
        self.scope = scope
    }
}

package enum TokenLocation: Hashable, Sendable {
    /// `authorization: Bearer TOKEN`.
    case bearer
    /// A header, in lower case, and what stands before the token in its value.
    case header(name: String, prefix: String)
}

extension IdentityPattern {
    /// As it is written in a document.
    package var text: String {
        switch self {
        case .any: "*"
        case .exact(let id): id.description
        case .prefix(let prefix): "\(prefix)*"
        case .suffix(let suffix): "*\(suffix)"
        }
    }
}

extension TextPattern {
    /// As it is written in a document.
    package var text: String {
        switch self {
        case .any: "*"
        case .exact(let exact): exact
        case .prefix(let prefix): "\(prefix)*"
        case .suffix(let suffix): "*\(suffix)"
        }
    }
}
