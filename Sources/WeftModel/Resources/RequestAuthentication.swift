/// Whose tokens a service believes.
package struct RequestAuthentication: Hashable, Sendable {
    package var metadata: Metadata
    /// Empty: every service of the policy's namespace.
    package var targets: [PolicyTarget]
    /// 1–16; the issuers are unique.
    package var rules: [TokenRule]

    package init(metadata: Metadata, targets: [PolicyTarget] = [], rules: [TokenRule]) {
        self.metadata = metadata
        self.targets = targets
        self.rules = rules
    }
}

/// One issuer that is believed, and how its tokens come.
package struct TokenRule: Hashable, Sendable {
    /// The `iss` claim, exactly.
    package var issuer: String
    /// `aud` must hold one of them; empty takes any.
    package var audiences: [String]
    package var keys: TokenKeys
    /// At least one, in the order they are looked at.
    package var locations: [TokenLocation]
    /// Whether the application still sees the token. Default true.
    package var isForwarded: Bool
    /// A request without a token is refused too. Default false.
    package var isRequired: Bool

    package init(
        issuer: String, audiences: [String] = [], keys: TokenKeys, locations: [TokenLocation] = [.bearer],
        isForwarded: Bool = true, isRequired: Bool = false
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.keys = keys
        self.locations = locations
        self.isForwarded = isForwarded
        self.isRequired = isRequired
    }
}

/// Where an issuer's public keys are: a JSON Web Key Set (RFC 7517).
package enum TokenKeys: Hashable, Sendable {
    /// The set itself.
    case inline(String)
    /// An absolute path on the control plane's machine.
    case file(String)
    /// `https://`; `http://` of the control plane's own machine only.
    case url(String)
}

/// Names the keys of one rule of one RequestAuthentication: what the control plane fetched for it.
package struct TokenKeySource: Hashable, Sendable {
    package var policy: ResourceKey
    /// The rule's place in the document, from 0.
    package var rule: Int

    package init(policy: ResourceKey, rule: Int) {
        self.policy = policy
        self.rule = rule
    }
}
