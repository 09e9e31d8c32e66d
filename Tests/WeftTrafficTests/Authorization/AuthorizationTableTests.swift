import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct AuthorizationTableTests {
    private static func source(_ name: String) -> Provenance {
        Provenance(
            resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name), revision: Revision(12),
            file: "f.yaml", line: 3)
    }

    private static func policy(
        _ name: String, _ action: AuthorizationAction, _ rules: [AuthorizationRule]
    ) -> AuthorizationRules {
        AuthorizationRules(source: self.source(name), action: action, rules: rules)
    }

    private static func rule(path: String) -> AuthorizationRule {
        var operation = AuthorizationOperation()
        operation.paths = [.exact(path)]
        return AuthorizationRule(to: [operation])
    }

    private static func connection(_ policies: [AuthorizationRules]) -> ConnectionAuthorization {
        var authorization = Authorization()
        authorization.policies = policies
        return AuthorizationTable(authorization).bind(
            peer: "spiffe://mesh.local/ns/default/sa/a", trustDomain: .standard, address: [10, 0, 0, 1])
    }

    private static func head(_ path: String) -> RequestHead {
        RequestHead(method: .get, authority: "a", path: path)
    }

    @Test func `a denial goes before every permission, and says which policy it was`() {
        let connection = Self.connection([
            Self.policy("everybody", .allow, [AuthorizationRule()]),
            Self.policy("secret", .deny, [Self.rule(path: "/s")]),
        ])
        #expect(connection.decide(Self.head("/t")).isAllowed)
        let verdict = connection.decide(Self.head("/s?x=/t"))
        #expect(!verdict.isAllowed)
        #expect(connection.table.source(of: verdict) == Self.source("secret"))
        #expect(
            connection.table.explanation(of: verdict) == "denied by \(Self.source("secret"))")
    }

    @Test func `where ALLOWs apply and none matches, the first few are told`() {
        let connection = Self.connection((0..<5).map { Self.policy("p\($0)", .allow, [Self.rule(path: "/\($0)")]) })
        let verdict = connection.decide(Self.head("/9"))
        #expect(verdict.cause == .noAllowMatched)
        #expect(
            connection.table.explanation(of: verdict)
                == "no ALLOW matched: \(Self.source("p0")), \(Self.source("p1")), \(Self.source("p2")) and 2 more")
    }

    @Test func `an ALLOW without rules allows nobody, a DENY without rules denies nobody`() {
        #expect(!Self.connection([Self.policy("none", .allow, [])]).decide(Self.head("/")).isAllowed)
        #expect(Self.connection([Self.policy("none", .deny, [])]).decide(Self.head("/")).isAllowed)
    }

    @Test func `bytes pass by sources alone, and are kept out by any denial for their caller`() {
        #expect(Self.connection([Self.policy("all", .allow, [AuthorizationRule()])]).decideBytes().isAllowed)
        #expect(!Self.connection([Self.policy("path", .allow, [Self.rule(path: "/a")])]).decideBytes().isAllowed)
        #expect(!Self.connection([Self.policy("path", .deny, [Self.rule(path: "/a")])]).decideBytes().isAllowed)
        #expect(Self.connection([]).decideBytes().isAllowed)
    }

    @Test func `rules are told by policy and place`() {
        let table = Self.connection([
            Self.policy("none", .allow, []),
            Self.policy("two", .allow, [Self.rule(path: "/a"), Self.rule(path: "/b")]),
            Self.policy("empty", .allow, []), Self.policy("one", .allow, [Self.rule(path: "/c")]),
            Self.policy("last", .allow, []),
        ]).table
        #expect(table.ruleCount == 3)
        #expect((0..<3).map { table.rule($0)?.policy.resource.name } == ["two", "two", "one"])
        #expect((0..<3).map { table.rule($0)?.rule } == [0, 1, 0])
    }

    /// What makes a thousand policies cost what ten do: a request is held against few of them.
    @Test(arguments: ["path", "prefix", "suffix", "header", "claim", "identity", "method"])
    func `of a thousand rules a request meets few`(kind: String) {
        for action in [AuthorizationAction.allow, .deny] {
            let policies = (0..<1000).map { number -> AuthorizationRules in
                var operation = AuthorizationOperation()
                var rule = AuthorizationRule()
                switch kind {
                case "path": operation.paths = [.exact("/p/\(number)")]
                case "prefix": operation.paths = [.prefix("/p/\(number)/")]
                case "suffix": operation.paths = [.suffix("/\(number)/x")]
                case "method": operation.methods = ["M\(number)"]
                case "header":
                    operation.paths = [.exact("/p/7/x")]
                    rule.when = [
                        AuthorizationCondition(subject: .header("x-tenant"), values: [.exact("t\(number)")])
                    ]
                case "claim":
                    rule.when = [AuthorizationCondition(subject: .claim(["t"]), values: [.exact("t\(number)")])]
                default:
                    var source = AuthorizationSource()
                    source.identities = [
                        .exact(SPIFFEID(trustDomain: .standard, namespace: "default", account: "a\(number)"))
                    ]
                    rule.from = [source]
                    operation.paths = [.exact("/p/7/x")]
                }
                if operation != AuthorizationOperation() { rule.to = [operation] }
                return Self.policy("p\(number)", action, [rule])
            }
            var authorization = Authorization()
            authorization.policies = policies
            let table = AuthorizationTable(authorization)
            let connection = table.bind(
                peer: "spiffe://mesh.local/ns/default/sa/a7", trustDomain: .standard, address: [10, 0, 0, 1])
            var head = RequestHead(
                method: HTTPMethod(kind == "method" ? "M7" : "GET"), authority: "a",
                path: kind == "path" ? "/p/7" : "/p/7/x", headers: ["x-tenant": "t7"])
            let claims = TokenClaims(
                issuer: "i", subject: "s", expires: 1, members: .object(["t": .string("t7")]))
            let verdict = connection.decide(head, claims: claims)
            #expect(verdict.cause == .matched(policy: 7, rule: 7), "\(kind)")
            let group = action == .allow ? table.permissions : table.denials
            #expect(group.residual.isEmpty)
            head.headers.set("x-tenant", "nobody's")
            head.headers.set(":path", "/elsewhere")
            if kind != "identity", kind != "claim", kind != "method" {
                #expect(connection.decide(head).isAllowed == (action == .deny))
            }
        }
    }
}
