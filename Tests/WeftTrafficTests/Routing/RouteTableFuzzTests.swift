import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

/// Matches as the words of Gateway API say it, one route after another: slow, and easy to believe.
private struct Reference {
    private var known: [String: RegularExpression?] = [:]

    mutating func matches(_ match: RouteMatch, _ head: RequestHead) -> Bool {
        let target = head.path
        let path = String(target.prefix { $0 != "?" })
        let query = target.contains("?") ? String(target.drop { $0 != "?" }.dropFirst()) : ""
        let pathMatches =
            switch match.path {
            case .exact(let exact): exact == path
            case .prefix("/"): true
            case .prefix(let prefix): path == prefix || path.hasPrefix(prefix.hasSuffix("/") ? prefix : prefix + "/")
            case .regularExpression(let text): self.matches(expression: text, path)
            }
        guard pathMatches, match.method.map({ $0 == head.method.text }) ?? true else { return false }
        for header in match.headers {
            let name = header.name == "host" ? ":authority" : header.name
            let values = head.headers.values(of: name)
            let separator = name == "cookie" ? "; " : ","
            guard !values.isEmpty, self.matches(header.value, values.joined(separator: separator)) else { return false }
        }
        for parameter in match.queryParameters {
            let pairs = query.split(separator: "&").map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : "")
            }
            guard let first = pairs.first(where: { $0.name == parameter.name }),
                self.matches(parameter.value, first.value)
            else { return false }
        }
        return true
    }

    private mutating func matches(_ match: StringMatch, _ value: String) -> Bool {
        switch match {
        case .exact(let text): text == value
        case .present: true
        case .regularExpression(let text): self.matches(expression: text, value)
        }
    }

    private mutating func matches(expression text: String, _ value: String) -> Bool {
        if self.known[text] == nil { self.known[text] = .some(try? RegularExpression(text)) }
        return self.known[text]??.matches(value) ?? false
    }
}

/// Makes routes and requests of few words, so that they meet often.
private struct Words {
    var random: TrafficRandom

    mutating func pick<Value>(_ values: [Value]) -> Value { values[self.random.index(below: values.count)] }
    mutating func chance(_ part: Int) -> Bool { self.random.index(below: part) == 0 }

    mutating func path() -> String {
        var path = ""
        for _ in 0..<self.random.index(below: 4) { path += "/" + self.pick(["a", "b", "ab", "c"]) }
        return path.isEmpty ? "/" : path
    }

    mutating func value() -> StringMatch {
        switch self.random.index(below: 6) {
        case 0: .present
        case 1: .regularExpression(self.pick(["a+", "[ab]", "b.*", ".*,b", "(.*; )?b(; .*)?"]))
        default: .exact(self.pick(["a", "b", "c", "d", "e", "a,b", "a; b", ""]))
        }
    }

    mutating func match() -> RouteMatch {
        var match = RouteMatch()
        switch self.random.index(below: 4) {
        case 0: match.path = .exact(self.path())
        case 1: match.path = .regularExpression(self.path() + self.pick(["", "/.*", "[a-b]*", "(/c)?"]))
        default: match.path = .prefix(self.path())
        }
        if self.chance(4) { match.method = self.pick(["GET", "POST"]) }
        for name in ["x-a", "x-b", "accept", "cookie", "host"] where self.chance(3) {
            match.headers.append(HeaderMatch(name: name, value: self.value()))
        }
        for name in ["q", "r"] where self.chance(4) {
            match.queryParameters.append(QueryParameterMatch(name: name, value: self.value()))
        }
        return match
    }

    mutating func head() -> RequestHead {
        var target = self.path() + self.pick(["", "", "/", "/c"])
        if target.hasPrefix("//") { target.removeFirst() }
        var pairs: [String] = []
        for _ in 0..<self.random.index(below: 4) {
            pairs.append(self.pick(["q", "r", "s"]) + self.pick(["", "=a", "=b", "=c", "=d", "=", "=aa"]))
        }
        if !pairs.isEmpty { target += "?" + pairs.joined(separator: "&") }
        var headers = HeaderBlock()
        for _ in 0..<self.random.index(below: 6) {
            headers.append(
                self.pick(["x-a", "x-b", "accept", "cookie", "x-c"]), self.pick(["a", "b", "c", "d", "aa", ""]))
        }
        return request(self.pick([.get, .post]), target, authority: self.pick(["a", "b", "billing"]), headers)
    }
}

@Suite struct RouteTableFuzzTests {
    @Test(arguments: Array(UInt64(1)...40))
    func `a table answers what a walk over its routes would`(seed: UInt64) {
        var words = Words(random: TrafficRandom(seed: seed &* 0x9e37_79b9))
        let routes = (0..<(1 + words.random.index(below: 200))).map { number in
            Route(name: "\(number)", match: words.match(), action: .respond(status: 500, body: ""))
        }
        let table = table(routes)
        var reference = Reference()
        for _ in 0..<400 {
            let head = words.head()
            let expected = routes.first { reference.matches($0.match, head) }
            #expect(table.match(head)?.name == expected?.name, "\(head.headers)")
        }
    }
}

@Suite struct MatchingCostTests {
    private func steps(_ count: Int, _ match: (Int) -> RouteMatch, _ head: (Int) -> RequestHead) -> Int {
        let table = table(
            (0..<count).map { Route(name: "\($0)", match: match($0), action: .respond(status: 500, body: "")) })
        var most = 0
        for number in stride(from: 0, to: count, by: max(1, count / 50)) {
            var steps = MatchSteps()
            #expect(table.match(head(number), steps: &steps)?.name == "\(number)")
            most = max(most, steps.total)
        }
        return most
    }

    private func expectFlat(_ match: (Int) -> RouteMatch, _ head: (Int) -> RequestHead) {
        let few = self.steps(10, match, head)
        let many = self.steps(10_000, match, head)
        #expect(many <= few + 2, "\(few) steps among 10 routes, \(many) among 10 000")
    }

    @Test func `ten thousand exact paths cost what ten do`() {
        self.expectFlat {
            RouteMatch(path: .exact("/p\($0)/x"))
        } _: {
            request(.get, "/p\($0)/x")
        }
    }

    @Test func `ten thousand prefixes cost what ten do`() {
        self.expectFlat {
            RouteMatch(path: .prefix("/p\($0)"))
        } _: {
            request(.get, "/p\($0)/x/y/z")
        }
    }

    @Test func `ten thousand nested prefixes cost as much as the path is long`() {
        let deep = (0..<10_000).map { "/e\($0 % 100)/f\($0 / 100)" }
        self.expectFlat {
            RouteMatch(path: .prefix(deep[$0]))
        } _: {
            request(.get, deep[$0] + "/tail")
        }
    }

    @Test func `ten thousand values of a header cost what ten do, behind one path`() {
        self.expectFlat {
            RouteMatch(headers: [HeaderMatch(name: "x-tenant", value: .exact("t\($0)"))])
        } _: {
            request(.get, "/", ["accept": "*/*", "x-tenant": "t\($0)"])
        }
    }

    @Test func `ten thousand hosts cost what ten do, as a header and as virtual hosts`() {
        self.expectFlat {
            RouteMatch(headers: [HeaderMatch(name: "host", value: .exact("h\($0)"))])
        } _: {
            request(.get, "/", authority: "h\($0)")
        }
        func steps(_ count: Int) -> Int {
            let table = RouteTable(
                RouteConfiguration(
                    name: "hosts",
                    virtualHosts: (0..<count).map { number in
                        VirtualHost(
                            name: "\(number)", domains: ["h\(number)"],
                            routes: [Route(name: "\(number)", action: .respond(status: 500, body: ""))])
                    }))
            var steps = MatchSteps()
            #expect(table.match(request(.get, "/", authority: "H7"), steps: &steps)?.name == "7")
            return steps.total
        }
        #expect(steps(10_000) == steps(10))
    }

    @Test func `ten thousand names of headers, and of query parameters, cost what ten do`() {
        self.expectFlat {
            RouteMatch(headers: [HeaderMatch(name: "x-\($0)", value: .exact("1"))])
        } _: {
            request(.get, "/", ["accept": "*/*", "x-\($0)": "1"])
        }
        self.expectFlat {
            RouteMatch(queryParameters: [QueryParameterMatch(name: "q\($0)", value: .exact("1"))])
        } _: {
            request(.get, "/?a=b&q\($0)=1")
        }
    }

    @Test func `conditions that all routes share do not hide the one that tells them apart`() {
        self.expectFlat {
            RouteMatch(headers: [
                HeaderMatch(name: "x-env", value: .exact("prod")),
                HeaderMatch(name: "x-tenant", value: .exact("t\($0)")),
            ])
        } _: {
            request(.get, "/", ["x-env": "prod", "x-tenant": "t\($0)"])
        }
    }

    @Test func `a parameter repeated a thousand times is looked up, not matched, a thousand times`() {
        let table = table(
            (0..<100).map {
                Route(
                    name: "\($0)",
                    match: RouteMatch(queryParameters: [QueryParameterMatch(name: "q", value: .exact("\($0)"))]),
                    action: .respond(status: 500, body: ""))
            })
        var steps = MatchSteps()
        let query = Array(repeating: "q=7", count: 1_000).joined(separator: "&")
        #expect(table.match(request(.get, "/?" + query), steps: &steps)?.name == "7")
        #expect(steps.candidates == 1)
    }
}
