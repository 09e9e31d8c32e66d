import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct RouteTableTests {
    private func named(_ name: String, _ match: RouteMatch) -> Route {
        route {
            $0.name = name
            $0.match = match
        }
    }

    private func matched(_ routes: [Route], _ head: RequestHead) -> String? { table(routes).match(head)?.name }

    @Test(arguments: [
        ("/v2", "/v2", true), ("/v2", "/v2/", true), ("/v2", "/v2/x", true), ("/v2", "/v2x", false),
        ("/v2/", "/v2", true),
        ("/v2/", "/v2/x", true), ("/", "/anything", true), ("/", "*", true), ("/a/b", "/a/b/c/d", true),
        ("/a/b", "/a/bc", false), ("/a/b", "/a", false), ("/v2", "/v2?x=/y", true), ("/v2", "/V2", false),
    ])
    func `a prefix matches by whole path elements`(prefix: String, path: String, matches: Bool) {
        #expect((matched([named("r", RouteMatch(path: .prefix(prefix)))], request(.get, path)) != nil) == matches)
    }

    @Test(arguments: [
        ("/a", "/a", true), ("/a", "/a/", false), ("/a", "/a?b=c", true), ("/a", "/b", false), ("/", "/", true),
        ("/", "/a", false),
    ])
    func `an exact path matches without its query`(exact: String, path: String, matches: Bool) {
        #expect((matched([named("r", RouteMatch(path: .exact(exact)))], request(.get, path)) != nil) == matches)
    }

    @Test func `an expression matches the whole path, also when only its first elements are literal`() {
        let routes = [
            named("users", RouteMatch(path: .regularExpression("/api/users/[0-9]+"))),
            named("any", RouteMatch(path: .regularExpression(".*\\.png"))),
            named("part", RouteMatch(path: .regularExpression("/apix?/.*"))),
        ]
        #expect(matched(routes, request(.get, "/api/users/42")) == "users")
        #expect(matched(routes, request(.get, "/x/y.png")) == "any")
        #expect(matched(routes, request(.get, "/api/users/me")) == "part")
        #expect(matched(routes, request(.get, "/other")) == nil)
    }

    @Test func `of routes that match the first in order wins, whatever finds it`() {
        let kinds: [PathMatch] = [
            .exact("/a/b"), .prefix("/a"), .prefix("/a/b"), .regularExpression("/a/.*"), .prefix("/"),
        ]
        for first in kinds {
            for second in kinds {
                let routes = [named("1", RouteMatch(path: first)), named("2", RouteMatch(path: second))]
                #expect(matched(routes, request(.get, "/a/b")) == "1", "\(first) before \(second)")
            }
        }
    }

    @Test func `a route whose other conditions fail leaves the request to the next`() {
        let routes = [
            named("v2", RouteMatch(headers: [HeaderMatch(name: "X-Version", value: .exact("v2"))])),
            named("post", RouteMatch(method: "POST")),
            named("q", RouteMatch(queryParameters: [QueryParameterMatch(name: "beta", value: .exact("1 2"))])),
            named("rest", RouteMatch()),
        ]
        #expect(matched(routes, request(.get, "/", ["x-version": "v2"])) == "v2")
        #expect(matched(routes, request(.get, "/", ["x-version": "v3"])) == "rest")
        #expect(matched(routes, request(.post, "/")) == "post")
        #expect(matched(routes, request(.get, "/?a=b&beta=1%202")) == "q")
        #expect(matched(routes, request(.get, "/?beta=1+2")) == "q")
        #expect(matched(routes, request(.get, "/?beta=3&beta=1+2")) == "rest")
        #expect(matched(routes, request(.get, "/?alphabeta=1+2")) == "rest")
        #expect(matched(routes, request(.get, "/")) == "rest")
    }

    @Test func `cookies that come in several fields match as the one that HTTP/1.1 would have had`() {
        var head = request()
        for crumb in ["a=1", "b=2"] { head.headers.append("cookie", crumb) }
        for value in [StringMatch.exact("a=1; b=2"), .regularExpression("(.*; )?b=2(; .*)?")] {
            let route = named("r", RouteMatch(headers: [HeaderMatch(name: "cookie", value: value)]))
            #expect(matched([route], head) == "r")
            // Also where values are looked up rather than compared one by one.
            let others = (0..<20).map {
                named("\($0)", RouteMatch(headers: [HeaderMatch(name: "cookie", value: .exact("c=\($0)"))]))
            }
            #expect(matched(others + [route], head) == "r")
        }
    }

    @Test func `repeated headers match as one list, and presence needs no value`() {
        let list = [named("r", RouteMatch(headers: [HeaderMatch(name: "x-tag", value: .exact("a,b"))]))]
        #expect(matched(list, request(.get, "/", ["x-tag": "a", "x-tag": "b"])) == "r")
        #expect(matched(list, request(.get, "/", ["x-tag": "a"])) == nil)
        let present = [named("r", RouteMatch(headers: [HeaderMatch(name: "x-tag", value: .present)]))]
        #expect(matched(present, request(.get, "/", ["x-tag": ""])) == "r")
        #expect(matched(present, request()) == nil)
        let pattern = [named("r", RouteMatch(headers: [HeaderMatch(name: "x-tag", value: .regularExpression("a+"))]))]
        #expect(matched(pattern, request(.get, "/", ["x-tag": "aaa"])) == "r")
        #expect(matched(pattern, request(.get, "/", ["x-tag": "aab"])) == nil)
        let host = [named("r", RouteMatch(headers: [HeaderMatch(name: "host", value: .exact("billing"))]))]
        #expect(matched(host, request()) == "r")
    }

    @Test(arguments: [
        ("billing:80", "port"), ("BILLING", "name"), ("billing:81", "name"), ("other", "any"), ("[::1]", "any"),
    ])
    func `a virtual host is found by name with port, then without, then by star`(authority: String, expected: String) {
        let table = RouteTable(
            RouteConfiguration(
                name: "t",
                virtualHosts: [
                    VirtualHost(name: "any", domains: ["*"], routes: [named("any", RouteMatch())]),
                    VirtualHost(name: "name", domains: ["billing"], routes: [named("name", RouteMatch())]),
                    VirtualHost(name: "port", domains: ["Billing:80"], routes: [named("port", RouteMatch())]),
                ]))
        #expect(table.match(request(.get, "/", authority: authority))?.name == expected)
    }

    @Test func `a route with an expression that cannot be honoured matches nothing and is named`() {
        let table = table([named("bad", RouteMatch(path: .regularExpression("(a"))), named("rest", RouteMatch())])
        #expect(table.match(request(.get, "/a"))?.name == "rest")
        #expect(table.problems.count == 1)
    }

    @Test func `ten thousand routes answer as a walk over them would`() {
        var random = TrafficRandom(seed: 7)
        var routes: [Route] = []
        for number in 0..<3_000 {
            let path = "/s\(random.index(below: 40))/r\(random.index(below: 40))"
            switch random.index(below: 3) {
            case 0: routes.append(named("\(number)", RouteMatch(path: .exact(path))))
            case 1: routes.append(named("\(number)", RouteMatch(path: .prefix(path))))
            default: routes.append(named("\(number)", RouteMatch(path: .prefix(path), method: "POST")))
            }
        }
        let table = table(routes)
        for _ in 0..<2_000 {
            let path =
                "/s\(random.index(below: 44))/r\(random.index(below: 44))" + (random.index(below: 2) == 0 ? "" : "/x")
            let method: HTTPMethod = random.index(below: 2) == 0 ? .get : .post
            let expected = routes.first { route in
                switch route.match.path {
                case .exact(let exact): exact == path
                case .prefix(let prefix):
                    (prefix == path || path.hasPrefix(prefix + "/"))
                        && (route.match.method ?? method.text) == method.text
                case .regularExpression: false
                }
            }
            #expect(table.match(request(method, path))?.name == expected?.name)
        }
    }
}

@Suite struct HeaderEditsTests {
    @Test func `removal comes first, then overwriting, then addition`() {
        let edits = HeaderEdits(
            HeaderModifier(
                set: [.init(name: "X-Set", value: "new"), .init(name: "user-agent", value: "weft")],
                add: [.init(name: "x-add", value: "2")], remove: ["x-gone", "cookie"]))
        var headers: HeaderBlock = [
            "x-set": "old", "x-set": "older", "x-add": "1", "x-gone": "a", "cookie": "c", "user-agent": "curl",
        ]
        edits.apply(to: &headers)
        #expect(headers.values(of: "x-set") == ["new"])
        #expect(headers.values(of: "x-add") == ["1", "2"])
        #expect(headers.values(of: "user-agent") == ["weft"])
        #expect(!headers.contains(.cookie) && headers["x-gone"] == nil)
    }

    @Test func `host is the authority, and other pseudo-header fields cannot be touched`() {
        var head = request()
        HeaderEdits(
            HeaderModifier(
                set: [.init(name: "Host", value: "other"), .init(name: ":path", value: "/x")], remove: [":method"])
        ).apply(to: &head.headers)
        #expect(head.authority == "other")
        #expect(head.path == "/")
        #expect(head.headers.contains(.method))
    }
}

@Suite struct WeightedChoiceTests {
    @Test(arguments: [[90, 10], [1, 1, 2], [0, 5], [1_000_000, 1]])
    func `each side gets its share`(weights: [Int]) {
        var random = TrafficRandom(seed: 1)
        let choice = WeightedChoice(weights: weights)
        var counts = Array(repeating: 0, count: weights.count)
        for _ in 0..<100_000 { if let index = choice.pick(random: &random) { counts[index] += 1 } }
        let total = weights.reduce(0, +)
        for (count, weight) in zip(counts, weights) {
            let expected = 100_000.0 * Double(weight) / Double(total)
            #expect(abs(Double(count) - expected) <= 5 * expected.squareRoot())
        }
    }

    @Test func `weights that are all zero pick nothing`() {
        var random = TrafficRandom(seed: 1)
        #expect(WeightedChoice(weights: [0, 0]).pick(random: &random) == nil)
        #expect(WeightedChoice(weights: []).pick(random: &random) == nil)
    }
}
