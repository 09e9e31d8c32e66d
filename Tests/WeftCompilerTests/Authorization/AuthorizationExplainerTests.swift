import Testing
import WeftModel

@testable import WeftCompiler

@Suite struct AuthorizationExplainerTests {
    static let domain = TrustDomain.standard

    static func id(_ account: String, namespace: String = "default") -> SPIFFEID {
        SPIFFEID(trustDomain: Self.domain, namespace: namespace, account: account)
    }

    static func policy(
        _ name: String, _ action: AuthorizationAction = .allow, audit: Bool = false, scope: [RouteMatch] = [],
        _ rules: AuthorizationRule...
    ) -> AuthorizationRules {
        AuthorizationRules(
            source: Provenance(
                resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name), revision: Revision(7)),
            action: action, isAudit: audit, scope: scope, rules: rules)
    }

    static func from(_ identities: IdentityPattern...) -> AuthorizationSource {
        var source = AuthorizationSource()
        source.identities = identities
        return source
    }

    static func to(_ methods: [String] = [], _ paths: TextPattern...) -> AuthorizationOperation {
        var operation = AuthorizationOperation()
        operation.methods = methods
        operation.paths = paths
        return operation
    }

    func explain(
        _ policies: AuthorizationRules..., unmatched: AuthorizationAction = .allow,
        as identity: SPIFFEID? = Self.id("web"), asking request: AuthorizationQuestion.Request? = .init()
    ) -> AuthorizationExplanation {
        var authorization = Authorization()
        authorization.policies = policies
        authorization.unmatched = unmatched
        return AuthorizationExplainer(authorization, trustDomain: Self.domain).explain(
            AuthorizationQuestion(identity: identity, address: [10, 0, 0, 7], request: request))
    }

    @Test func `without policies the default decides`() {
        #expect(self.explain().isAllowed)
        #expect(!self.explain(unmatched: .deny).isAllowed)
        #expect(self.explain(unmatched: .deny).because.contains("denies by default"))
    }

    @Test func `a denial beats what allows`() {
        let found = self.explain(
            Self.policy("open", .allow, AuthorizationRule()),
            Self.policy("closed", .deny, AuthorizationRule(from: [Self.from(.exact(Self.id("web")))])))
        #expect(!found.isAllowed)
        #expect(found.decidedBy?.resource.name == "closed")
        #expect(found.decidedBy?.rule == 1)
        #expect(found.findings.map(\.source.resource.name) == ["closed", "open"])
    }

    @Test func `where something may be allowed, what is not is denied, and why is said`() {
        let found = self.explain(
            Self.policy(
                "callers", .allow,
                AuthorizationRule(from: [Self.from(.exact(Self.id("shop")))]),
                AuthorizationRule(from: [Self.from(.any)], to: [Self.to(["POST"])])))
        #expect(!found.isAllowed)
        #expect(found.findings.first?.rule == 2)
        #expect(found.findings.first?.mismatch == "GET is not POST")
    }

    @Test func `a policy that watches decides nothing`() {
        let found = self.explain(Self.policy("watch", .deny, audit: true, AuthorizationRule()))
        #expect(found.isAllowed)
        #expect(found.findings.first?.outcome == .matched)
    }

    @Test func `a route's policy is for its requests only`() {
        let policy = Self.policy("route", .allow, scope: [RouteMatch(path: .prefix("/v2"))])
        #expect(self.explain(policy, asking: .init(path: "/v1")).isAllowed)
        #expect(!self.explain(policy, asking: .init(path: "/v2/x")).isAllowed)
        #expect(self.explain(policy, asking: .init(path: "/v2x")).isAllowed)
    }

    @Test func `bytes are allowed by no rule about requests, and denied by any`() {
        let rule = AuthorizationRule(from: [Self.from(.any)], to: [Self.to(["GET"])])
        #expect(!self.explain(Self.policy("a", .allow, rule), asking: nil).isAllowed)
        #expect(!self.explain(Self.policy("d", .deny, rule), asking: nil).isAllowed)
        #expect(self.explain(Self.policy("d", .deny, rule), as: nil, asking: nil).isAllowed)
    }

    @Test func `paths and headers are read as the proxies read them`() {
        let path = AuthorizationRule(to: [Self.to([], .exact("/v1/jobs:cancel"))])
        for written in ["/v1/jobs%3Acancel", "/v1;x/jobs:cancel", "/v1/jobs%3Acancel%3Bx"] {
            #expect(!self.explain(Self.policy("d", .deny, path), asking: .init(path: written)).isAllowed)
        }
        #expect(self.explain(Self.policy("a", .allow, path), asking: .init(path: "/v1/jobs%3Acancel")).isAllowed)
        #expect(!self.explain(Self.policy("a", .allow, path), asking: .init(path: "/v1;x/jobs:cancel")).isAllowed)
        let scoped = Self.policy("s", .allow, scope: [RouteMatch(path: .exact("/v1/jobs:cancel"))], AuthorizationRule())
        #expect(self.explain(scoped, asking: .init(path: "/v1/jobs%3Acancel")).isAllowed)
        #expect(!self.explain(scoped, asking: .init(path: "/v1;x/jobs:cancel")).isAllowed)
        let has = AuthorizationRule(when: [.init(subject: .header("x-a"), values: [.exact("1")])])
        let hasNot = AuthorizationRule(when: [.init(subject: .header("x-a"), notValues: [.exact("1")])])
        for headers in [["x-a": ["1", ""]], ["x-a": ["2, 1"]], ["x_a": ["1"]]] {
            #expect(!self.explain(Self.policy("d", .deny, has), asking: .init(headers: headers)).isAllowed)
            #expect(!self.explain(Self.policy("a", .allow, has), asking: .init(headers: headers)).isAllowed)
            #expect(!self.explain(Self.policy("d", .deny, hasNot), asking: .init(headers: headers)).isAllowed)
            #expect(!self.explain(Self.policy("a", .allow, hasNot), asking: .init(headers: headers)).isAllowed)
        }
    }

    @Test func `methods and routes are read as the proxies read them`() {
        let delete = AuthorizationRule(to: [Self.to(["DELETE"])])
        var others = AuthorizationOperation()
        others.notMethods = ["DELETE"]
        let asking = AuthorizationQuestion.Request(method: "delete")
        #expect(!self.explain(Self.policy("d", .deny, delete), asking: asking).isAllowed)
        #expect(!self.explain(Self.policy("a", .allow, delete), asking: asking).isAllowed)
        #expect(!self.explain(Self.policy("a", .allow, AuthorizationRule(to: [others])), asking: asking).isAllowed)
        #expect(!self.explain(Self.policy("d", .deny, AuthorizationRule(to: [others])), asking: asking).isAllowed)
        let scope = RouteMatch(
            path: .prefix("/"), method: "DELETE", headers: [HeaderMatch(name: "x-h", value: .exact("a"))],
            queryParameters: [QueryParameterMatch(name: "v", value: .exact("1"))])
        let denial = Self.policy("d", .deny, scope: [scope], AuthorizationRule())
        let allowance = Self.policy("a", .allow, scope: [scope], AuthorizationRule())
        for (method, headers, query) in [
            ("delete", ["x-h": ["a"]], ["v": ["1"]]), ("DELETE", ["x-h": ["b", "a"]], ["v": ["1"]]),
            ("DELETE", ["x_h": ["a"]], ["v": ["1"]]), ("DELETE", ["x-h": ["a"]], ["v": ["2", "1"]]),
        ] {
            let request = AuthorizationQuestion.Request(method: method, headers: headers, query: query)
            #expect(!self.explain(denial, asking: request).isAllowed)
            #expect(!self.explain(allowance, asking: request).isAllowed)
        }
        #expect(
            self.explain(
                denial, asking: .init(method: "DELETE", headers: ["x-h": ["b"]], query: ["v": ["1"]])
            ).isAllowed)
    }

    @Test func `a caller in the clear is nobody`() {
        #expect(
            !self.explain(Self.policy("any", .allow, AuthorizationRule(from: [Self.from(.any)])), as: nil).isAllowed)
    }

    @Test func `what is not there has no value`() {
        let has = AuthorizationRule(when: [.init(subject: .header("x-a"), values: [.any])])
        let hasNot = AuthorizationRule(when: [.init(subject: .header("x-a"), notValues: [.exact("1")])])
        #expect(!self.explain(Self.policy("p", .allow, has)).isAllowed)
        #expect(self.explain(Self.policy("p", .allow, hasNot)).isAllowed)
        #expect(!self.explain(Self.policy("p", .allow, hasNot), asking: .init(headers: ["x-a": ["1"]])).isAllowed)
        let claim = AuthorizationRule(
            when: [.init(subject: .claim(["realm", "roles"]), values: [.exact("billing")])])
        #expect(!self.explain(Self.policy("p", .allow, claim)).isAllowed)
        #expect(
            self.explain(
                Self.policy("p", .allow, claim), asking: .init(claims: [["realm", "roles"]: ["x", "billing"]])
            )
            .isAllowed)
    }
}

@Suite struct RuleCoverTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static func some<Value>(_ all: [Value], _ random: inout Random) -> [Value] {
        Int.random(in: 0..<3, using: &random) > 0 ? [] : all.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    }

    static let ids = ["a", "ab", "b"].map { AuthorizationExplainerTests.id($0) }
    static let patterns: [IdentityPattern] =
        [.any, .prefix("spiffe://mesh.local/ns/default/sa/a"), .suffix("/a"), .suffix("b")] + ids.map { .exact($0) }
    static let texts: [TextPattern] = [.any, .exact("/a"), .exact("/a/b"), .prefix("/a"), .prefix("/"), .suffix("b")]

    static func rule(_ random: inout Random) -> AuthorizationRule {
        var rule = AuthorizationRule()
        for _ in 0..<Int.random(in: 0..<3, using: &random) {
            var source = AuthorizationSource()
            source.identities = Self.some(Self.patterns, &random)
            source.notIdentities = Self.some(Self.patterns, &random)
            source.namespaces = Self.some(["default", "other"], &random)
            source.networks = Self.some(
                ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"].compactMap { NetworkPrefix($0) }, &random)
            source.notNetworks = Self.some(["10.1.0.0/16", "10.1.2.3"].compactMap { NetworkPrefix($0) }, &random)
            rule.from.append(source)
        }
        for _ in 0..<Int.random(in: 0..<3, using: &random) {
            var operation = AuthorizationOperation()
            operation.methods = Self.some(["GET", "POST"], &random)
            operation.notMethods = Self.some(["GET"], &random)
            operation.paths = Self.some(Self.texts, &random)
            operation.notPaths = Self.some(Self.texts, &random)
            rule.to.append(operation)
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            rule.when.append(
                AuthorizationCondition(
                    subject: .header("x"), values: Self.some(Self.texts, &random),
                    notValues: Self.some(Self.texts, &random)))
        }
        return rule
    }

    static func question(_ random: inout Random) -> AuthorizationQuestion {
        let paths = ["/", "/a", "/a/b", "/b", "/ab"]
        return AuthorizationQuestion(
            identity: Int.random(in: 0..<5, using: &random) == 0 ? nil : Self.ids.randomElement(using: &random),
            address: [10, UInt8.random(in: 0...2, using: &random), 2, 3],
            request: .init(
                method: Bool.random(using: &random) ? "GET" : "POST", path: paths.randomElement(using: &random) ?? "/",
                headers: Bool.random(using: &random) ? [:] : ["x": [paths.randomElement(using: &random) ?? ""]]))
    }

    @Test func `what a wider rule is said to cover, it matches`() {
        var random = Random(state: 11)
        var covered = 0
        for _ in 0..<20_000 {
            let wide = Self.rule(&random)
            var narrow = Self.rule(&random)
            // Narrowed copies are covered often enough to learn something from.
            if Bool.random(using: &random) {
                narrow.from = wide.from + narrow.from.prefix(0)
                narrow.to = wide.to
                narrow.when += wide.when
            }
            guard RuleCover.covers(wide, narrow) else { continue }
            covered += 1
            for _ in 0..<5 {
                let question = Self.question(&random)
                func matches(_ rule: AuthorizationRule) -> Bool {
                    var authorization = Authorization()
                    authorization.policies = [AuthorizationExplainerTests.policy("p", .allow, rule)]
                    return AuthorizationExplainer(authorization, trustDomain: .standard).explain(question).isAllowed
                }
                if matches(narrow) {
                    #expect(matches(wide), "\(wide) should match \(question), for \(narrow) does")
                }
            }
        }
        #expect(covered > 2_000)
    }

    @Test func `coverage finds what is shadowed, about nobody, never matched or applies nowhere`() {
        typealias Make = AuthorizationExplainerTests
        let narrow = AuthorizationRule(from: [Make.from(.exact(Make.id("web")))], to: [Make.to(["GET"])])
        let wide = AuthorizationRule(from: [Make.from(.any)])
        let nobody = AuthorizationRule(from: [Make.from(.exact(Make.id("ghost")))])
        let policies = [Make.policy("a", .allow, narrow, nobody), Make.policy("b", .allow, wide)]
        var listener = InboundListener(
            name: "inbound/default/billing/80", service: ServiceName(namespace: "default", name: "billing"),
            address: "127.0.0.1", port: 1, appPort: 80, appProtocol: .http, mtls: .strict)
        listener.authorization.policies = policies
        let snapshot = MeshSnapshot(listeners: [listener.name: .inbound(listener)])
        let elsewhere = Make.policy("c", .deny, wide)
        let coverage = AuthorizationCoverage(
            snapshot, identities: [Make.id("web"), Make.id("billing")], trustDomain: .standard)
        let findings = coverage.findings(
            policies: (policies + [elsewhere]).map { ($0.source, $0.rules) },
            matches: [.init(policy: policies[1].source.resource, rule: 1): 5])
        let texts = findings.map { "\($0.source.resource.name) \($0.rule ?? 0) \($0.kind)" }
        #expect(
            texts == [
                "a 1 shadowed", "a 1 neverMatched", "a 2 noSuchCaller", "a 2 shadowed", "a 2 neverMatched",
                "c 0 appliesNowhere",
            ])
    }

    @Test func `rules about claims are found where no token is believed`() {
        typealias Make = AuthorizationExplainerTests
        let admins = AuthorizationRule(when: [.init(subject: .claim(["role"]), values: [.exact("admin")])])
        let scope = RouteMatch(path: .prefix("/a"))
        let policies = [
            Make.policy("all", .deny, AuthorizationRule(from: [Make.from(.any)]), admins),
            Make.policy("some", .allow, scope: [scope], admins),
        ]
        func findings(_ scopes: [[RouteMatch]]) -> [String] {
            var listener = InboundListener(
                name: "inbound/default/billing/80", service: ServiceName(namespace: "default", name: "billing"),
                address: "127.0.0.1", port: 1, appPort: 80, appProtocol: .http, mtls: .strict)
            listener.authorization.policies = policies
            listener.authorization.issuers = scopes.map {
                TokenIssuer(source: policies[0].source, issuer: "i", scope: $0)
            }
            let snapshot = MeshSnapshot(listeners: [listener.name: .inbound(listener)])
            return AuthorizationCoverage(snapshot, identities: [Make.id("web")], trustDomain: .standard)
                .findings(policies: policies.map { ($0.source, $0.rules) }, matches: nil)
                .filter { $0.kind == .noIssuer }.map {
                    "\($0.source.resource.name) \($0.rule ?? 0) \($0.cause.suffix(22))"
                }
        }
        #expect(findings([]) == ["all 2 it denies nobody by it", "some 1 it allows nobody by it"])
        #expect(findings([[]]) == [])
        #expect(findings([[RouteMatch(path: .prefix("/b"))]]) == ["some 1 it allows nobody by it"])
        #expect(findings([[RouteMatch(path: .prefix("/b")), scope]]) == [])
    }

    @Test func `a proposal allows who was seen and says who cannot be`() {
        typealias Make = AuthorizationExplainerTests
        let billing = ServiceName(namespace: "default", name: "billing")
        let catalog = ServiceName(namespace: "default", name: "catalog")
        let proposal = AuthorizationProposal(
            edges: [
                .init(identity: Make.id("web"), destination: billing, requests: 3),
                .init(identity: Make.id("web"), destination: billing, requests: 4),
                .init(identity: nil, destination: billing, requests: 1),
            ], services: [catalog, billing])
        let text = proposal.yaml(enforced: false)
        #expect(text.contains("- spiffe://mesh.local/ns/default/sa/web # 7 requests"))
        #expect(text.contains("# In the clear came 1 more"))
        #expect(text.contains("# Nobody has been seen to call catalog.default"))
        #expect(text.components(separatedBy: "audit: true") == 3)
        #expect(!proposal.yaml(enforced: true).contains("audit"))
    }
}

extension String {
    fileprivate func components(separatedBy text: String) -> Int {
        var count = 1
        var rest = self[...]
        while let range = rest.firstRange(of: text) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
