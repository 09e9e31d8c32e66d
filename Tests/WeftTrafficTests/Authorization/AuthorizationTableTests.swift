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

    @Test func `a denial goes before every permission, and says which policy and rule it was`() {
        let connection = Self.connection([
            Self.policy("everybody", .allow, [AuthorizationRule()]),
            Self.policy("secret", .deny, [Self.rule(path: "/r"), Self.rule(path: "/s")]),
        ])
        #expect(connection.decide(Self.head("/t")).isAllowed)
        let verdict = connection.decide(Self.head("/s?x=/t"))
        #expect(!verdict.isAllowed)
        #expect(connection.table.source(of: verdict) == Self.source("secret").ofRule(2))
        #expect(
            connection.table.explanation(of: verdict) == "denied by TrafficPolicy/default/secret@12 rule 2 (f.yaml:3)")
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

    // MARK: Readings

    private static func operation(_ paths: [TextPattern], not: [TextPattern] = []) -> AuthorizationRule {
        var operation = AuthorizationOperation()
        operation.paths = paths
        operation.notPaths = not
        return AuthorizationRule(to: [operation])
    }

    @Test(arguments: [
        ("/v1/jobs:cancel", "/v1/jobs%3Acancel"), ("/v1/jobs%3Acancel", "/v1/jobs:cancel"),
        ("/v1/jobs%3Acancel", "/v1/jobs%3acancel?x"),
        ("/a!b$c&d'e(f)g*h+i,j=k@l", "/a%21b%24c%26d%27e%28f%29g%2Ah%2Bi%2Cj%3Dk%40l"),
        ("/a|b", "/a%7Cb"), ("/a%7Cb", "/a|b"), ("/a%22b", "/a\"b"), ("/a%5Bb%5D", "/a[b]"), ("/a/b", "/a;x/b"),
        ("/a/b", "/a%3Bx=1;y/b"), ("/a/b", "/a/b;x"), ("/a/b", "/;x/a/b"), ("/a/b", "/a/;x/b"), ("/a;x/b", "/a%3Bx/b"),
    ])
    func `an escape or a parameter is no way past a denial`(rule: String, request: String) {
        // Few rules are tried one by one, many are found by index.
        for others in [0, 20] {
            let rules = (0..<others).map { Self.rule(path: "/other/\($0)") } + [Self.rule(path: rule)]
            let connection = Self.connection([Self.policy("no", .deny, rules)])
            #expect(!connection.decide(Self.head(request)).isAllowed)
            #expect(connection.decide(Self.head("/other")).isAllowed)
        }
    }

    @Test func `slashes and percent signs that are escaped are data, and cases differ`() {
        let connection = Self.connection([Self.policy("no", .deny, [Self.rule(path: "/a/b")])])
        for path in ["/a%2Fb", "/a%252Fb", "/a/%2562", "/A/b", "/a/b/", "/a%20/b"] {
            #expect(connection.decide(Self.head(path)).isAllowed, "\(path)")
        }
    }

    @Test func `what allows goes by the path itself, and not where a reading is excluded`() {
        let connection = Self.connection([
            Self.policy(
                "some", .allow, [Self.operation([.prefix("/v1/"), .suffix(".js")], not: [.prefix("/v1/admin/")])])
        ])
        for (path, isAllowed) in [
            ("/v1/x", true), ("/v1/x;p", true), ("/%76%31/x", true), ("/v1;p/x", false), ("/v1/admin/x", false),
            ("/v1/admin;p/x", false), ("/v1/admin%3Bp/x", false), ("/a.js", true), ("/a;p.js", false),
            ("/a/b.js;p", false),
        ] {
            #expect(connection.decide(Self.head(path)).isAllowed == isAllowed, "\(path)")
        }
    }

    @Test func `a route's policy applies however its path is written`() {
        for action in [AuthorizationAction.allow, .deny] {
            let paths: [PathMatch] = [
                .exact("/v1/jobs:cancel"), .prefix("/v1/jobs%3Acancel"), .regularExpression("/v1/jobs:c.*"),
            ]
            for scope in paths {
                let policy = AuthorizationRules(
                    source: Self.source("route"), action: action, scope: [RouteMatch(path: scope)],
                    rules: action == .allow ? [] : [AuthorizationRule()])
                let connection = Self.connection([policy])
                for path in ["/v1/jobs:cancel", "/v1/jobs%3Acancel", "/v1;x/jobs%3acancel"] {
                    #expect(!connection.decide(Self.head(path)).isAllowed, "\(path)")
                }
                #expect(connection.decide(Self.head("/v1/jobs")).isAllowed)
            }
        }
        let tokens = RequestScope([RouteMatch(path: .prefix("/v1/jobs:cancel"))])
        #expect(tokens.contains(Self.head("/v1/jobs%3Acancel;x")))
    }

    private static func isAllowed(
        _ action: AuthorizationAction, _ condition: AuthorizationCondition, _ fields: [(String, String)]
    ) -> Bool {
        var answers: Set<Bool> = []
        for others in [0, 20] {
            let rules = (0..<others).map {
                AuthorizationRule(when: [.init(subject: .header("x-debug"), values: [.exact("other\($0)")])])
            }
            var head = Self.head("/")
            for (name, value) in fields { head.headers.append(name, value) }
            let connection = Self.connection([
                Self.policy("p", action, rules + [AuthorizationRule(when: [condition])])
            ])
            answers.insert(connection.decide(head).isAllowed)
        }
        #expect(answers.count == 1)
        return answers.contains(true)
    }

    @Test(arguments: [
        [("x-debug", "true")], [("x-debug", "true"), ("x-debug", "")], [("x-debug", ""), ("x-debug", "true")],
        [("x-debug", "no,\ttrue ")], [("x-debug", "true,no")], [("x_debug", "true")],
        [("x-debug", "no"), ("x_debug", "no,true")],
    ])
    func `a repeated, listed or respelled header is no way past a denial`(fields: [(String, String)]) {
        let condition = AuthorizationCondition(subject: .header("x-debug"), values: [.exact("true")])
        #expect(!Self.isAllowed(.deny, condition, fields))
        // What may not be there keeps an ALLOW from matching by the same readings.
        let without = AuthorizationCondition(subject: .header("x-debug"), notValues: [.exact("true")])
        #expect(!Self.isAllowed(.allow, without, fields))
        #expect(Self.isAllowed(.allow, without, [("x-debug", "truest")]))
    }

    @Test(arguments: ["DELETE", "delete", "Delete"])
    func `a method in another case is no way past a denial, and no way into what is allowed`(method: String) {
        var some = AuthorizationOperation()
        some.methods = ["DELETE"]
        var others = AuthorizationOperation()
        others.notMethods = ["DELETE"]
        // Few rules are tried one by one, many are found by index.
        for count in [0, 20] {
            let unused = (0..<count).map {
                var operation = AuthorizationOperation()
                operation.methods = ["M\($0)"]
                return AuthorizationRule(to: [operation])
            }
            func isAllowed(_ action: AuthorizationAction, _ operation: AuthorizationOperation) -> Bool {
                Self.connection([Self.policy("p", action, unused + [AuthorizationRule(to: [operation])])])
                    .decide(RequestHead(method: HTTPMethod(method), authority: "a", path: "/")).isAllowed
            }
            #expect(!isAllowed(.deny, some))
            #expect(isAllowed(.allow, some) == (method == "DELETE"))
            #expect(isAllowed(.deny, others) == (method == "DELETE"))
            #expect(!isAllowed(.allow, others))
        }
    }

    @Test(arguments: [
        (HTTPMethod.get, "/r?v=1", [("x-h", "a")]), (HTTPMethod("Get"), "/r?v=1", [("x-h", "a")]),
        (.get, "/r?v=1", [("x-h", "b"), ("x-h", "a")]), (.get, "/r?v=1", [("x-h", "a,a")]),
        (.get, "/r?v=1", [("x_h", "a")]), (.get, "/r?v=2&v=1", [("x-h", "a")]),
        (.get, "/r?v=2&%76=%31", [("x-h", "a")]),
    ])
    func `a route's policy applies however what the route matches is written`(
        method: HTTPMethod, path: String, fields: [(String, String)]
    ) {
        let scope = RouteMatch(
            path: .prefix("/r"), method: "GET", headers: [HeaderMatch(name: "x-h", value: .exact("a"))],
            queryParameters: [QueryParameterMatch(name: "v", value: .exact("1"))])
        var head = RequestHead(method: method, authority: "a", path: path)
        for (name, value) in fields { head.headers.append(name, value) }
        for action in [AuthorizationAction.allow, .deny] {
            let policy = AuthorizationRules(
                source: Self.source("route"), action: action, scope: [scope],
                rules: action == .allow ? [] : [AuthorizationRule()])
            #expect(!Self.connection([policy]).decide(head).isAllowed)
            #expect(Self.connection([policy]).decide(Self.head("/r?v=1")).isAllowed)
        }
        #expect(RequestScope([scope]).contains(head))
        // What allows goes by the letter.
        let isPlain = method == .get && path == "/r?v=1" && fields.count == 1 && fields[0] == ("x-h", "a")
        let allowance = AuthorizationRules(
            source: Self.source("route"), action: .allow, scope: [scope], rules: [AuthorizationRule()])
        #expect(Self.connection([allowance]).decide(head).isAllowed == isPlain)
    }

    @Test func `a denial of all but some values is evaded by no second value, an ALLOW takes the whole value`() {
        let butGold = AuthorizationCondition(subject: .header("x-tier"), notValues: [.exact("gold")])
        #expect(Self.isAllowed(.deny, butGold, [("x-tier", "gold")]))
        for fields in [[("x-tier", "gold"), ("x-tier", "lead")], [("x-tier", "gold,lead")], [("x_tier", "gold")], []] {
            #expect(!Self.isAllowed(.deny, butGold, fields), "\(fields)")
        }
        let gold = AuthorizationCondition(subject: .header("x-tier"), values: [.exact("gold")])
        #expect(Self.isAllowed(.allow, gold, [("x-tier", "gold")]))
        for fields in [[("x-tier", "gold"), ("x-tier", "lead")], [("x-tier", "gold,lead")], [("x_tier", "gold")]] {
            #expect(!Self.isAllowed(.allow, gold, fields), "\(fields)")
        }
    }

    @Test func `rules are told by policy and place, from 1`() {
        let connection = Self.connection([
            Self.policy("none", .allow, []),
            Self.policy("two", .allow, [Self.rule(path: "/a"), Self.rule(path: "/b")]),
            Self.policy("empty", .allow, []), Self.policy("one", .allow, [Self.rule(path: "/c")]),
            Self.policy("last", .allow, []),
        ])
        #expect(connection.table.ruleCount == 3)
        let told = ["/a", "/b", "/c", "/d"].map { path in
            connection.table.source(of: connection.decide(Self.head(path)))
        }
        #expect(told.map(\.?.resource.name) == ["two", "two", "one", "none"])
        #expect(told.map(\.?.rule) == [1, 2, 1, nil])
        #expect(connection.table.source(ofPolicy: 2, rule: nil) == Self.source("empty"))
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
