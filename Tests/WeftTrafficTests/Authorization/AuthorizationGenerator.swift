import WeftMessage
import WeftModel

/// Makes policies and requests that have something to do with each other, from a seed.
struct AuthorizationGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

    private mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    private mutating func number(_ bound: Int) -> Int { Int(self.next() % UInt64(bound)) }
    private mutating func chance(_ percent: Int) -> Bool { self.number(100) < percent }
    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.number(elements.count)] }

    private mutating func list<Element>(
        upTo most: Int, _ percent: Int, _ make: (inout Self) -> Element
    ) -> [Element] {
        guard self.chance(percent) else { return [] }
        return (0..<1 + self.number(most)).map { _ in make(&self) }
    }

    // MARK: Policies

    private static let paths = [
        "/", "/a", "/a/b", "/a/b/c", "/ab", "/abc", "/v1/users", "/v1/users/7", "/x.js", "/é", "/v1/a:b", "/v1/a%3Ab",
        "/a;p/b", "/a%3Bp/b", "/a%2Fb",
    ]
    private static let names = ["x-tenant", "cookie", "host", "accept", "x-other", "x_other", "user-agent"]
    private static let values = ["gold", "gold-1", "silver", "", "a,b", "old", "gold, old", "gold; old", "a"]
    private static let identities = [
        "spiffe://mesh.local/ns/default/sa/a", "spiffe://mesh.local/ns/default/sa/b",
        "spiffe://mesh.local/ns/prod/sa/a", "spiffe://other.example/ns/default/sa/a", "spiffe://mesh.local/odd",
    ]
    private static let networks = [
        "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "fd00::/8", "::/0", "10.128.0.0/9",
    ]

    private mutating func pattern(_ texts: [String]) -> TextPattern {
        let text = self.pick(texts)
        let count = text.count
        return switch self.number(10) {
        case 0: .any
        case 1, 2: .prefix(String(text.prefix(self.number(count + 1))))
        case 3, 4: .suffix(String(text.suffix(self.number(count + 1))))
        default: .exact(text)
        }
    }

    private mutating func identity() -> IdentityPattern {
        let text = self.pick(Self.identities)
        switch self.number(6) {
        case 0: return .any
        case 1: return .prefix(String(text.prefix(9 + self.number(text.count - 9))))
        case 2: return .suffix(String(text.suffix(1 + self.number(12))))
        default: return SPIFFEID(text).map(IdentityPattern.exact) ?? .any
        }
    }

    private mutating func source() -> AuthorizationSource {
        var source = AuthorizationSource()
        source.identities = self.list(upTo: 3, 50) { $0.identity() }
        source.notIdentities = self.list(upTo: 2, 15) { $0.identity() }
        source.namespaces = self.list(upTo: 2, 20) { $0.pick(["default", "prod", "none"]) }
        source.notNamespaces = self.list(upTo: 1, 10) { $0.pick(["default", "prod"]) }
        source.networks = self.list(upTo: 2, 20) { NetworkPrefix($0.pick(Self.networks)) }.compactMap { $0 }
        source.notNetworks = self.list(upTo: 1, 10) { NetworkPrefix($0.pick(Self.networks)) }.compactMap { $0 }
        return source
    }

    private mutating func operation() -> AuthorizationOperation {
        var operation = AuthorizationOperation()
        operation.methods = self.list(upTo: 2, 35) { $0.pick(["GET", "POST", "PURGE", "get"]) }
        operation.notMethods = self.list(upTo: 1, 10) { $0.pick(["GET", "POST"]) }
        operation.paths = self.list(upTo: 3, 65) { $0.pattern(Self.paths) }
        operation.notPaths = self.list(upTo: 2, 15) { $0.pattern(Self.paths) }
        return operation
    }

    private static let claimPaths = [["role"], ["realm", "roles"], ["realm.roles"], ["level"], ["ok"], ["realm"]]
    private static let claimValues = ["admin", "reader", "3", "true", "administrator"]

    private mutating func condition() -> AuthorizationCondition {
        let isHeader = self.chance(65)
        let values = isHeader ? Self.values : Self.claimValues
        return AuthorizationCondition(
            subject: isHeader ? .header(self.pick(Self.names)) : .claim(self.pick(Self.claimPaths)),
            values: self.list(upTo: 3, 70) { $0.pattern(values) },
            notValues: self.list(upTo: 2, 25) { $0.pattern(values) })
    }

    private mutating func rule() -> AuthorizationRule {
        AuthorizationRule(
            from: self.list(upTo: 2, 60) { $0.source() }, to: self.list(upTo: 2, 60) { $0.operation() },
            when: self.list(upTo: 2, 30) { $0.condition() })
    }

    private mutating func scope() -> RouteMatch {
        let path: PathMatch =
            switch self.number(5) {
            case 0: .exact(self.pick(Self.paths))
            case 1: .regularExpression("/[a-c]+")
            case 2: .prefix(self.pick(Self.paths) + "/")
            default: .prefix(self.pick(Self.paths))
            }
        return RouteMatch(
            path: path == .prefix("//") ? .prefix("/") : path, method: self.chance(20) ? "GET" : nil,
            headers: self.list(upTo: 1, 20) {
                HeaderMatch(
                    name: $0.pick(["x-tenant", "x-other"]),
                    value: $0.chance(50) ? .present : .exact($0.pick(["gold", "silver"])))
            },
            queryParameters: self.list(upTo: 1, 10) {
                QueryParameterMatch(name: "q", value: $0.chance(50) ? .present : .exact("1"))
            })
    }

    mutating func authorization() -> Authorization {
        var authorization = Authorization()
        authorization.unmatched = self.chance(25) ? .deny : .allow
        // Mostly a few; sometimes so many that indexes are used.
        let count = self.chance(25) ? 12 + self.number(30) : self.number(6)
        let many = count > 6
        for number in 0..<count {
            let isDeny = self.chance(many ? 12 : 30)
            var rules = (0..<self.number(many ? 2 : 4)).map { _ in self.rule() }
            if many, isDeny {
                // Otherwise everything would be denied.
                for index in rules.indices where rules[index].when.isEmpty { rules[index].when = [self.condition()] }
            }
            authorization.policies.append(
                AuthorizationRules(
                    source: Provenance(
                        resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "p\(number)")),
                    action: isDeny ? .deny : .allow, isAudit: self.chance(20),
                    scope: self.list(upTo: 2, 25) { $0.scope() }, rules: rules))
        }
        return authorization
    }

    // MARK: Requests

    mutating func caller() -> ReferenceAuthorization.Caller {
        let addresses = ["10.1.2.3", "10.200.0.1", "192.168.0.1", "fd00::1", "2001:db8::1", "::ffff:10.1.2.3"]
        return ReferenceAuthorization.Caller(
            identity: self.chance(80) ? self.pick(Self.identities) : nil,
            address: self.chance(95) ? NetworkPrefix.address(self.pick(addresses)) ?? [] : [])
    }

    mutating func request() -> RequestHead {
        var path = self.pick(Self.paths)
        if self.chance(15) { path += "/z" }
        if self.chance(12) { path += self.pick([";p=1", "%3bp", ";a/b", ";x.js"]) }
        if self.chance(8) { path = self.pick(["/;p", "/%3B"]) + path }
        if self.chance(10) { path.replace("b", with: "%62") }
        if self.chance(10) { path.replace(":", with: "%3a") }
        if self.chance(15) { path += self.pick(["?q=1", "?/a", "#f", "?q=0&q=1", "?q=1&q=0"]) }
        var headers = HeaderBlock()
        for name in Self.names + ["user_agent", "x_tenant"] where name != "host" && self.chance(35) {
            headers.append(name, self.pick(Self.values))
            if self.chance(20) { headers.append(name, self.pick(Self.values)) }
        }
        return RequestHead(
            method: HTTPMethod(self.pick(["GET", "GET", "POST", "PURGE", "get", "Post"])),
            authority: self.pick(["gold", "b:80"]),
            path: path, headers: headers)
    }

    mutating func claims() -> TokenClaims? {
        guard self.chance(50) else { return nil }
        var members: [String: JSONValue] = [:]
        if self.chance(70) { members["role"] = .string(self.pick(Self.claimValues)) }
        if self.chance(50) {
            members["realm"] = .object([
                "roles": .array(self.list(upTo: 3, 80) { .string($0.pick(Self.claimValues)) } + [.null])
            ])
        } else if self.chance(30) {
            members["realm"] = .string("admin")
        }
        if self.chance(30) { members["realm.roles"] = .string(self.pick(Self.claimValues)) }
        if self.chance(30) { members["level"] = .number("3") }
        if self.chance(30) { members["ok"] = .boolean(true) }
        return TokenClaims(issuer: "i", subject: "s", expires: 1, members: .object(members))
    }
}
