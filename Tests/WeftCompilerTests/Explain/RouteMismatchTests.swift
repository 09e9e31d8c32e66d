import Testing
import WeftCompiler
import WeftModel

@Suite struct RouteMismatchTests {
    private static func snapshot(_ routes: [Route]) -> MeshSnapshot {
        let name = "billing.default:80"
        return MeshSnapshot(
            routes: [
                name: RouteConfiguration(
                    name: name, virtualHosts: [VirtualHost(name: name, domains: ["*"], routes: routes)])
            ])
    }

    private static func record(_ change: (inout HopRecord) -> Void) -> HopRecord {
        var record = HopRecord()
        record.source = "shop.default"
        record.method = "GET"
        record.authority = "billing"
        record.path = "/pay?card=*"
        change(&record)
        return record
    }

    private static func route(_ name: String, _ match: RouteMatch) -> Route {
        Route(name: name, match: match, action: .respond(status: 500, body: ""))
    }

    @Test(arguments: [
        (RouteMatch(path: .exact("/other")), "its path is /other"),
        (RouteMatch(path: .prefix("/pa")), "its path begins with /pa"),
        (RouteMatch(path: .regularExpression("/p.x")), "its path is the expression /p.x"),
        (RouteMatch(method: "POST"), "it is for POST"),
        (
            RouteMatch(headers: [HeaderMatch(name: "x-user", value: .exact("beta"))]),
            "it wants x-user: beta, not alpha"
        ),
        (
            RouteMatch(headers: [HeaderMatch(name: "x-more", value: .present)]),
            "it wants the header x-more, which the request had not"
        ),
        (
            RouteMatch(queryParameters: [QueryParameterMatch(name: "to", value: .present)]),
            "it wants the query parameter to, which the request had not"
        ),
        (
            RouteMatch(queryParameters: [QueryParameterMatch(name: "card", value: .exact("1"))]),
            "it wants a value of the query parameter card, which the request had; with which value cannot be told, as "
                + "values are not kept"
        ),
    ])
    func `each part that does not hold is named`(match: RouteMatch, cause: String) {
        let record = Self.record { record in
            record.headers = [HopRecord.Header(name: "x-user", value: "alpha")]
            record.route = "taken"
        }
        let findings = RouteMismatch.findings(
            for: record, in: Self.snapshot([Self.route("first", match), Self.route("taken", RouteMatch())]))
        #expect(findings.map(\.route) == ["first"])
        #expect(findings.first?.cause == cause)
    }

    @Test func `routes after the one taken were never looked at, and none taken looks at all`() {
        let routes = [
            Self.route("a", RouteMatch(path: .exact("/a"))), Self.route("taken", RouteMatch(path: .prefix("/pay"))),
            Self.route("b", RouteMatch(path: .exact("/b"))),
        ]
        let snapshot = Self.snapshot(routes)
        #expect(RouteMismatch.findings(for: Self.record { $0.route = "taken" }, in: snapshot).map(\.route) == ["a"])
        let other = Self.record { $0.path = "/none" }
        #expect(RouteMismatch.findings(for: other, in: snapshot).map(\.route) == ["a", "taken", "b"])
        #expect(RouteMismatch.findings(for: Self.record { $0.authority = "127.0.0.1" }, in: snapshot).isEmpty)
        // The one taken is gone: what stands there now was not in force.
        #expect(RouteMismatch.findings(for: Self.record { $0.route = "gone" }, in: snapshot).isEmpty)
    }

    @Test(arguments: [
        RouteMatch(queryParameters: [QueryParameterMatch(name: "card", value: .exact("1"))]),
        RouteMatch(headers: [HeaderMatch(name: "authorization", value: .exact("Bearer x"))]),
        RouteMatch(headers: [HeaderMatch(name: "x-user", value: .exact("alpha"))]),
        RouteMatch(path: .exact("/other")),
    ])
    func `the list ends with the route taken, whatever is known of the request`(match: RouteMatch) {
        let routes = [
            Self.route("first", RouteMatch(method: "POST")), Self.route("taken", match),
            Self.route("rest", RouteMatch()),
        ]
        let record = Self.record { $0.route = "taken" }
        let findings = RouteMismatch.findings(for: record, in: Self.snapshot(routes))
        #expect(findings.map(\.route) == ["first"])
        #expect(findings.map(\.cause) == ["it is for POST"])
    }

    @Test func `of several matches of the rule taken the one that held ends the list`() {
        let routes = [
            Self.route("taken", RouteMatch(path: .exact("/other"))), Self.route("b", RouteMatch(path: .exact("/b"))),
            Self.route("taken", RouteMatch(path: .prefix("/pay"))), Self.route("c", RouteMatch(path: .exact("/c"))),
        ]
        let record = Self.record { $0.route = "taken" }
        #expect(RouteMismatch.findings(for: record, in: Self.snapshot(routes)).map(\.route) == ["b"])
    }

    @Test func `a header without its value was there, and one that is missing only where all names are kept`() throws {
        let wanted = RouteMatch(headers: [HeaderMatch(name: "authorization", value: .exact("Bearer 1"))])
        let snapshot = Self.snapshot([Self.route("vip", wanted), Self.route("taken", RouteMatch())])
        func cause(_ change: (inout HopRecord) -> Void) throws -> String {
            let record = Self.record { record in
                record.route = "taken"
                change(&record)
            }
            let cause = try #require(RouteMismatch.findings(for: record, in: snapshot).first).cause
            #expect(!cause.contains("Bearer"))
            return cause
        }
        let there = try cause { $0.headers = [HopRecord.Header(name: "authorization", value: nil)] }
        #expect(there.contains("which the request had; with which value cannot be told"))
        #expect(try cause { _ in } == "it wants the header authorization, which the request had not")
        let full = try cause { record in
            record.hasAllHeaders = true
            record.headers = (0..<24).map { HopRecord.Header(name: "x-\($0)", value: nil) }
        }
        #expect(full == "it wants the header authorization; whether the request had it cannot be told")
    }

    @Test func `what is cut or repeated is not taken for something else`() throws {
        func cause(_ match: RouteMatch, _ change: (inout HopRecord) -> Void) throws -> String {
            let record = Self.record { record in
                record.route = "taken"
                change(&record)
            }
            let snapshot = Self.snapshot([Self.route("first", match), Self.route("taken", RouteMatch())])
            return try #require(RouteMismatch.findings(for: record, in: snapshot).first).cause
        }
        let long = "/" + String(repeating: "a", count: 600)
        #expect(
            try cause(RouteMatch(path: .exact(long))) { $0.path = String(long.prefix(512)) }.contains("cut long paths"))
        let value = String(repeating: "v", count: 200)
        let exact = RouteMatch(headers: [HeaderMatch(name: "x-user", value: .exact(value))])
        #expect(
            try cause(exact) { $0.headers = [HopRecord.Header(name: "x-user", value: String(value.prefix(128)))] }
                .contains("not kept whole"))
        let list = RouteMatch(headers: [HeaderMatch(name: "x-user", value: .exact("a,c"))])
        #expect(
            try cause(list) { record in
                record.headers = ["a", "b"].map { HopRecord.Header(name: "x-user", value: $0) }
            } == "it wants x-user: a,c, not a,b")
        let query = RouteMatch(queryParameters: [QueryParameterMatch(name: "to", value: .present)])
        #expect(try cause(query) { $0.path = "/pay?%74o=*" }.contains("cannot be told"))
        let host = RouteMatch(headers: [HeaderMatch(name: "host", value: .exact("other"))])
        #expect(try cause(host) { _ in } == "it wants host: other, not billing")
    }
}
