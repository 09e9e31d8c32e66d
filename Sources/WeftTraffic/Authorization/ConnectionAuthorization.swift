package import WeftMessage
package import WeftModel

/// An `AuthorizationTable` for one connection: what depends on the caller is settled.
package final class ConnectionAuthorization: Sendable {
    package let table: AuthorizationTable
    private let denials: RuleGroup.Bound
    private let permissions: RuleGroup.Bound
    private let auditedDenials: RuleGroup.Bound
    private let auditedPermissions: RuleGroup.Bound
    /// Whether each list of sources holds the caller.
    private let sources: [Bool]
    /// There are audited policies at all.
    private let audits: Bool

    private static let maxAudits = 16

    init(_ table: AuthorizationTable, _ caller: AuthorizationCaller) {
        let holds = table.sources.map { $0.contains(caller) }
        self.table = table
        self.sources = holds
        self.denials = table.denials.bind(holds)
        self.permissions = table.permissions.bind(holds)
        self.auditedDenials = table.auditedDenials.bind(holds)
        self.auditedPermissions = table.auditedPermissions.bind(holds)
        self.audits = table.authorization.policies.contains { $0.isAudit }
    }

    // MARK: Requests

    /// Judges a request whose path is in its normal form.
    ///
    /// - Parameter claims: of the token that was proved; nil where there was none.
    package func decide(_ head: RequestHead, claims: TokenClaims? = nil) -> AuthorizationVerdict {
        AuthorizationRequest.with(head, claims: claims) { self.decide($0) }
    }

    private func decide(_ request: AuthorizationRequest) -> AuthorizationVerdict {
        var verdict = self.enforce(request)
        if self.audits { self.audit(request, &verdict) }
        return verdict
    }

    private func enforce(_ request: AuthorizationRequest) -> AuthorizationVerdict {
        if !self.table.denials.isEmpty, let rule = self.table.denials.first(self.denials, request) {
            return AuthorizationVerdict(
                isAllowed: false, cause: .matched(policy: rule.policy, rule: rule.number))
        }
        if !self.table.permissions.isEmpty, let rule = self.table.permissions.first(self.permissions, request) {
            return AuthorizationVerdict(isAllowed: true, cause: .matched(policy: rule.policy, rule: rule.number))
        }
        return self.table.allowsApply(to: request) ? Self.refused : self.unmatched
    }

    private func audit(_ request: AuthorizationRequest, _ verdict: inout AuthorizationVerdict) {
        let isAllowed = verdict.isAllowed
        var audits: [AuthorizationAudit] = []
        if isAllowed {
            self.table.auditedDenials.visit(self.auditedDenials, request) { rule in
                Self.add(AuthorizationAudit(policy: rule.policy, rule: rule.number, outcome: .deny), to: &audits)
            }
        }
        switch verdict.cause {
        case .matched: break
        case .noAllowMatched, .unmatched:
            // One more ALLOW would have let in what it matches, and kept out what nothing else lets in.
            var matched: Set<Int> = []
            self.table.auditedPermissions.visit(self.auditedPermissions, request) { rule in
                guard matched.insert(rule.policy).inserted, !isAllowed else { return false }
                return Self.add(
                    AuthorizationAudit(policy: rule.policy, rule: rule.number, outcome: .allow), to: &audits)
            }
            guard isAllowed else { break }
            for policy in self.table.auditedAllows where !matched.contains(policy) {
                guard CompiledScope.matches(self.table.scopes[policy], request, anyReading: true) else { continue }
                if Self.add(AuthorizationAudit(policy: policy, rule: nil, outcome: .deny), to: &audits) { break }
            }
        }
        verdict.audits = audits
    }

    /// Whether there is no room for more.
    private static func add(_ audit: AuthorizationAudit, to audits: inout [AuthorizationAudit]) -> Bool {
        if !audits.contains(where: { $0.policy == audit.policy }) { audits.append(audit) }
        return audits.count >= Self.maxAudits
    }

    private static let refused = AuthorizationVerdict(isAllowed: false, cause: .noAllowMatched)

    private var unmatched: AuthorizationVerdict {
        AuthorizationVerdict(isAllowed: self.table.authorization.unmatched == .allow, cause: .unmatched)
    }

    // MARK: Bytes

    /// Judges a connection whose bytes pass as they are, which could be anything.
    ///
    /// An ALLOW that asks for anything of a request lets no bytes in; a DENY that does keeps them out, where its sources hold
    /// the caller. Policies of routes count as asking.
    package func decideBytes() -> AuthorizationVerdict {
        var verdict: AuthorizationVerdict
        if let rule = self.table.denials.rules.first(where: self.holds) {
            verdict = AuthorizationVerdict(
                isAllowed: false, cause: .matched(policy: rule.policy, rule: rule.number))
        } else if let rule = self.table.permissions.rules.first(where: { $0.isUnconditional && self.holds($0) }) {
            verdict = AuthorizationVerdict(
                isAllowed: true, cause: .matched(policy: rule.policy, rule: rule.number))
        } else if self.table.authorization.policies.contains(where: { $0.action == .allow && !$0.isAudit }) {
            verdict = Self.refused
        } else {
            verdict = self.unmatched
        }
        if self.audits { self.auditBytes(&verdict) }
        return verdict
    }

    private func holds(_ rule: CompiledRule) -> Bool { rule.sources.map { self.sources[$0] } ?? true }

    private func auditBytes(_ verdict: inout AuthorizationVerdict) {
        let policies = self.table.authorization.policies
        for (place, policy) in policies.enumerated() where policy.isAudit {
            let group = policy.action == .deny ? self.table.auditedDenials : self.table.auditedPermissions
            let rule = group.rules.first {
                $0.policy == place && self.holds($0) && (policy.action == .deny || $0.isUnconditional)
            }
            let full: Bool
            switch (policy.action, verdict.isAllowed, verdict.cause, rule) {
            case (.deny, true, _, .some(let rule)):
                full = Self.add(
                    AuthorizationAudit(policy: place, rule: rule.number, outcome: .deny), to: &verdict.audits)
            case (.allow, false, .noAllowMatched, .some(let rule)), (.allow, false, .unmatched, .some(let rule)):
                full = Self.add(
                    AuthorizationAudit(policy: place, rule: rule.number, outcome: .allow), to: &verdict.audits)
            case (.allow, true, .unmatched, nil):
                full = Self.add(AuthorizationAudit(policy: place, rule: nil, outcome: .deny), to: &verdict.audits)
            case (.allow, _, _, _), (.deny, _, _, _): full = false
            }
            if full { return }
        }
    }
}
