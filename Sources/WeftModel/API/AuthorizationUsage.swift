/// `GET /v1/authorization/usage`: how often the rules of authorization policies decided, as the proxies have told since
/// `since`. A rule that is not here was never needed.
package struct AuthorizationUsage: Hashable, Sendable, Codable {
    /// When this control plane began to count, in seconds since 1970.
    package var since: Int64
    /// By policy, then rule.
    package var rules: [PolicyRuleUsage]

    package init(since: Int64, rules: [PolicyRuleUsage]) {
        self.since = since
        self.rules = rules
    }
}

/// How often one rule decided.
package struct PolicyRuleUsage: Hashable, Sendable, Codable {
    /// `AuthorizationPolicy/namespace/name`; `no_allow` where ALLOWs applied and none matched, `default` where none applied.
    package var policy: String
    /// The rule's place in its policy, from 1; nil where no rule decided.
    package var rule: Int?
    package var allowed: UInt64
    package var denied: UInt64
    /// Requests that the policy would have judged otherwise while it was audited.
    package var audited: UInt64

    package init(policy: String, rule: Int?, allowed: UInt64, denied: UInt64, audited: UInt64) {
        self.policy = policy
        self.rule = rule
        self.allowed = allowed
        self.denied = denied
        self.audited = audited
    }
}
