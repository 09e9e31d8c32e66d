internal import FoundationEssentials
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// What one port enforces, on one loop: the shared tables, the tokens that this loop has verified, and its counters.
final class PortAuthorization {
    private let rules: InboundGuard
    private var verified = TokenCache()
    /// By rule, and behind them those of `Other`; nil until first counted.
    private var series: [MetricRegistry.SeriesID?]

    /// What decides where no rule does.
    private enum Other: Int, CaseIterable {
        case noAllow, defaultAllowed, defaultDenied
    }

    private init(_ rules: InboundGuard) {
        self.rules = rules
        self.series = Array(repeating: nil, count: rules.table.ruleCount + Other.allCases.count)
    }

    /// The same object while the same is enforced. Verified tokens are kept as long as the issuers stay.
    static func following(_ previous: PortAuthorization?, _ rules: InboundGuard?) -> PortAuthorization? {
        guard let rules else { return nil }
        if let previous, previous.rules === rules || previous.rules.authorization == rules.authorization {
            return previous
        }
        let authorization = PortAuthorization(rules)
        if let previous, previous.rules.authorization.issuers == rules.authorization.issuers {
            authorization.verified = previous.verified
        }
        return authorization
    }

    // MARK: Deciding

    /// What the request's token says; nil where there is none and none is required. Takes the token away where the
    /// application is not to see it. Bytes carry none: where one is required, of the requests of a route or of all, they
    /// are refused.
    func authenticate(_ head: inout RequestHead) throws(TokenError) -> TokenClaims? {
        guard let tokens = self.rules.tokens else { return nil }
        if head.method == .connect {
            if tokens.isRequired { throw .missing }
            return nil
        }
        return try tokens.read(&head, &self.verified, now: Int64(Date().timeIntervalSince1970))
    }

    /// The same of a request that was let in before this was in force, with what its token said then.
    func authenticate(open head: RequestHead, _ claims: TokenClaims?) throws(TokenError) -> TokenClaims? {
        if let claims, self.rules.tokens?.believes(claims.issuer, of: head) == true { return claims }
        var head = head
        return try self.authenticate(&head)
    }

    /// Whether the caller may do this; nil where nothing is judged.
    func verdict(
        on head: RequestHead, _ claims: TokenClaims?, _ connection: DownstreamConnection
    ) -> AuthorizationVerdict? {
        let table = self.rules.table
        if table.judgesNothing { return nil }
        let bound = connection.authorization(by: table)
        return head.method == .connect ? bound.decideBytes() : bound.decide(head, claims: claims)
    }

    // MARK: Telling

    /// The refusal; nil where it is allowed. Callers who proved to be of the mesh learn who decided.
    func reply(to verdict: AuthorizationVerdict) -> LocalReply? {
        if verdict.isAllowed { return nil }
        let table = self.rules.table
        var reply = LocalReply(
            .denied, detail: table.explanation(of: verdict), provenance: table.source(of: verdict))
        reply.publicDetail = "access denied"
        return reply
    }

    func reply(to error: TokenError) -> LocalReply {
        let issuers = self.rules.authorization.issuers
        let source = (error == .missing ? issuers.first { $0.isRequired } : nil) ?? issuers.first
        var reply = LocalReply(.unauthenticated, detail: error.description, provenance: source?.source)
        reply.publicDetail = "a valid token is required"
        reply.challenge = error == .missing ? "Bearer" : "Bearer error=\"invalid_token\""
        return reply
    }

    /// What audited policies would have done otherwise; empty where nothing.
    func auditText(_ verdict: AuthorizationVerdict) -> String {
        if verdict.audits.isEmpty { return "" }
        return verdict.audits.map {
            "\($0.outcome.rawValue) by \(self.rules.table.source(ofPolicy: $0.policy, rule: $0.rule))"
        }.joined(separator: ", ")
    }

    // MARK: Counting

    func count(_ verdict: AuthorizationVerdict, in registry: MetricRegistry) {
        let slot =
            switch verdict.cause {
            case .matched(_, let rule): rule
            case .noAllowMatched: self.rules.table.ruleCount + Other.noAllow.rawValue
            case .unmatched:
                self.rules.table.ruleCount
                    + (verdict.isAllowed ? Other.defaultAllowed : Other.defaultDenied).rawValue
            }
        if let known = self.series[slot] {
            registry.add(to: known)
        } else {
            let fresh = registry.series(MetricNames.authorizationDecisions, self.labels(of: verdict))
            self.series[slot] = fresh
            registry.add(to: fresh)
        }
        for audit in verdict.audits {
            let source = self.rules.table.source(ofPolicy: audit.policy, rule: audit.rule)
            registry.add(
                to: registry.series(
                    MetricNames.authorizationAudit, Self.labels(of: source) + [audit.outcome.rawValue]))
        }
    }

    /// The policy, and its rule from 1; empty where no rule decided.
    private static func labels(of source: Provenance) -> [String] {
        ["\(source.resource)", source.rule.map(String.init) ?? ""]
    }

    private func labels(of verdict: AuthorizationVerdict) -> [String] {
        let decision = verdict.isAllowed ? "allowed" : "denied"
        switch verdict.cause {
        case .matched(let policy, let rule):
            return Self.labels(of: self.rules.table.source(ofPolicy: policy, rule: rule)) + [decision]
        case .noAllowMatched: return ["no_allow", "", decision]
        case .unmatched: return ["default", "", decision]
        }
    }
}
