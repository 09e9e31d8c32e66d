package import WeftModel

/// Sums what proxies say of the rules that decided. Each says totals since its start; bounded, for proxies name the rules.
package struct PolicyUsageBook: Sendable {
    /// One rule.
    package struct Key: Hashable, Sendable {
        package var policy: String
        /// From 1; nil where no rule decided.
        package var rule: Int?

        package init(policy: String, rule: Int?) {
            self.policy = policy
            self.rule = rule
        }
    }

    /// How often it decided.
    package struct Counts: Hashable, Sendable {
        package var allowed: UInt64
        package var denied: UInt64
        package var audited: UInt64

        package init(allowed: UInt64 = 0, denied: UInt64 = 0, audited: UInt64 = 0) {
            self.allowed = allowed
            self.denied = denied
            self.audited = audited
        }

        /// What was added since; the whole when a counter went backwards, for then the proxy was restarted.
        func since(_ earlier: Counts) -> Counts {
            guard self.allowed >= earlier.allowed, self.denied >= earlier.denied, self.audited >= earlier.audited
            else { return self }
            return Counts(
                allowed: self.allowed - earlier.allowed, denied: self.denied - earlier.denied,
                audited: self.audited - earlier.audited)
        }
    }

    /// Rules at most; others are not counted.
    package static let maxRules = 10_000

    private var totals: [Key: Counts] = [:]
    private var reported: [String: [Key: Counts]] = [:]

    package init() {}

    /// Takes one proxy's report.
    package mutating func record(_ report: [(Key, Counts)], from proxy: String) {
        var latest = self.reported[proxy] ?? [:]
        for (key, counts) in report {
            guard self.totals[key] != nil || self.totals.count < Self.maxRules else { continue }
            let added = latest[key].map { counts.since($0) } ?? counts
            latest[key] = counts
            var total = self.totals[key] ?? Counts()
            total.allowed &+= added.allowed
            total.denied &+= added.denied
            total.audited &+= added.audited
            self.totals[key] = total
        }
        self.reported[proxy] = latest
    }

    /// Forgets what a proxy reported last; what it counted stays.
    package mutating func forget(proxy: String) { self.reported[proxy] = nil }

    /// Everything counted, by policy and rule.
    package func usage(since: Int64) -> AuthorizationUsage {
        let sorted = self.totals.sorted {
            ($0.key.policy, $0.key.rule ?? 0) < ($1.key.policy, $1.key.rule ?? 0)
        }
        return AuthorizationUsage(
            since: since,
            rules: sorted.map { key, counts in
                PolicyRuleUsage(
                    policy: key.policy, rule: key.rule, allowed: counts.allowed, denied: counts.denied,
                    audited: counts.audited)
            })
    }
}
