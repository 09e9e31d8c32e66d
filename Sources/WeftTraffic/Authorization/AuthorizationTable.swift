internal import WeftMessage
package import WeftModel

/// What one inbound port enforces, made ready to judge: built once, shared by all loops, never changed.
///
/// A connection is bound first, which settles who calls; a request is then held against the rules that are left and that
/// its path, headers, claims or method lead to. What rules cost therefore follows from how many could match, not from how
/// many there are.
package final class AuthorizationTable: Sendable {
    package let authorization: Authorization
    /// Of all rules of all policies in order; what counters go by.
    package let ruleCount: Int
    let denials: RuleGroup
    let permissions: RuleGroup
    let auditedDenials: RuleGroup
    let auditedPermissions: RuleGroup
    let sources: [CompiledSources]
    /// By policy.
    let scopes: [[CompiledScope]]
    /// An ALLOW that is enforced applies to every request.
    let allowsApplyAlways: Bool
    /// The places of the enforced ALLOWs that apply to some, with where to find them.
    private let scopedAllows: [Int]
    private let scopeIndex: TextIndex
    /// Audited ALLOWs, by place.
    let auditedAllows: [Int]
    /// The number of a policy's first rule.
    private let firstRule: [Int]

    package init(_ authorization: Authorization) {
        self.authorization = authorization
        var expressions = ExpressionCache()
        var groups: [Bool: [AuthorizationAction: [CompiledRule]]] = [:]
        var sources: [CompiledSources] = []
        var known: [[AuthorizationSource]: Int] = [:]
        var scopes: [[CompiledScope]] = []
        var firstRule: [Int] = []
        var scopeIndex = TextIndex()
        var number = 0
        for (place, policy) in authorization.policies.enumerated() {
            let scope = policy.scope.map { CompiledScope($0, &expressions) }
            scopes.append(scope)
            firstRule.append(number)
            if policy.action == .allow, !policy.isAudit {
                for scope in scope { _ = scopeIndex.add(Int32(place), under: scope.pattern) }
            }
            for rule in policy.rules {
                var index: Int?
                if !rule.from.isEmpty {
                    index = known[rule.from]
                    if index == nil {
                        index = sources.count
                        known[rule.from] = sources.count
                        sources.append(CompiledSources(rule.from))
                    }
                }
                let compiled = CompiledRule(
                    rule, number: number, policy: place, denies: policy.action == .deny, sources: index, scope: scope)
                groups[policy.isAudit, default: [:]][policy.action, default: []].append(compiled)
                number += 1
            }
        }
        self.ruleCount = number
        self.firstRule = firstRule
        self.sources = sources
        self.scopes = scopes
        self.denials = RuleGroup(groups[false]?[.deny] ?? [], denies: true)
        self.permissions = RuleGroup(groups[false]?[.allow] ?? [], denies: false)
        self.auditedDenials = RuleGroup(groups[true]?[.deny] ?? [], denies: true)
        self.auditedPermissions = RuleGroup(groups[true]?[.allow] ?? [], denies: false)
        let policies = authorization.policies
        let allows = policies.indices.filter { policies[$0].action == .allow && !policies[$0].isAudit }
        self.allowsApplyAlways = allows.contains { policies[$0].scope.isEmpty }
        self.scopedAllows = allows.filter { !policies[$0].scope.isEmpty }
        self.scopeIndex = scopeIndex
        self.auditedAllows = policies.indices.filter { policies[$0].action == .allow && policies[$0].isAudit }
    }

    /// Judges nothing: whatever is asked for may pass. Costs nothing to leave out.
    package var judgesNothing: Bool {
        self.authorization.policies.isEmpty && self.authorization.unmatched == .allow
    }

    /// Settles what depends on the caller alone.
    ///
    /// - Parameters:
    ///   - peer: the SPIFFE ID that was proved; nil where none was.
    ///   - address: 4 or 16 bytes; empty where unknown, which is in no network.
    package func bind(peer: String?, trustDomain: TrustDomain, address: [UInt8]) -> ConnectionAuthorization {
        ConnectionAuthorization(
            self, AuthorizationCaller(identity: peer, trustDomain: trustDomain, address: address))
    }

    /// Whether an enforced ALLOW applies.
    func allowsApply(to request: AuthorizationRequest) -> Bool {
        if self.allowsApplyAlways { return true }
        if self.scopedAllows.isEmpty { return false }
        func applies(_ path: UnsafeRawBufferPointer?) -> Bool {
            guard let path else { return false }
            return self.scopeIndex.first(of: path) { place in
                CompiledScope.matches(self.scopes[Int(place)], request, anyReading: true)
            }
        }
        return applies(request.path) || applies(request.plainPath) || applies(request.sentPath)
    }

    // MARK: Telling

    /// A policy, and of its rules the one of this number; nil is about the whole policy.
    package func source(ofPolicy place: Int, rule number: Int?) -> Provenance {
        self.authorization.policies[place].source.ofRule(number.map { $0 - self.firstRule[place] + 1 })
    }

    /// Who decided, and why, for those who may know.
    package func explanation(of verdict: AuthorizationVerdict) -> String {
        switch verdict.cause {
        case .matched(let policy, let rule):
            return "\(verdict.isAllowed ? "allowed" : "denied") by \(self.source(ofPolicy: policy, rule: rule))"
        case .noAllowMatched:
            let policies = self.authorization.policies.filter { $0.action == .allow && !$0.isAudit }
            var text = "no ALLOW matched: " + policies.prefix(3).map { "\($0.source)" }.joined(separator: ", ")
            if policies.count > 3 { text += " and \(policies.count - 3) more" }
            return text
        case .unmatched:
            guard let source = self.authorization.unmatchedSource else {
                return verdict.isAllowed ? "nothing applies" : "no policy allows it, and the default is to deny"
            }
            return "no policy applies, and \(source) \(verdict.isAllowed ? "allows" : "denies") by default"
        }
    }

    /// The resource that decided, with its rule where one did; nil where it was no one resource.
    package func source(of verdict: AuthorizationVerdict) -> Provenance? {
        switch verdict.cause {
        case .matched(let policy, let rule): self.source(ofPolicy: policy, rule: rule)
        case .noAllowMatched:
            self.authorization.policies.first { $0.action == .allow && !$0.isAudit }?.source
        case .unmatched: self.authorization.unmatchedSource
        }
    }
}

/// How one request was judged.
package struct AuthorizationVerdict: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// A rule did, by its number; `policy` is its policy's place.
        case matched(policy: Int, rule: Int)
        /// An ALLOW applies, and none matched.
        case noAllowMatched
        /// No ALLOW applies: the default decided.
        case unmatched
    }

    package let isAllowed: Bool
    package let cause: Cause
    /// Audited policies that would have changed it, each by itself; the first 16.
    package internal(set) var audits: [AuthorizationAudit] = []

    init(isAllowed: Bool, cause: Cause) {
        self.isAllowed = isAllowed
        self.cause = cause
    }
}

/// What an audited policy would have done had it been enforced.
package struct AuthorizationAudit: Hashable, Sendable {
    /// The policy's place.
    package let policy: Int
    /// The number of the rule that matched; nil where an ALLOW would have denied because none did.
    package let rule: Int?
    /// The other outcome.
    package let outcome: AuthorizationAction
}
