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
            "it wants a value of the query parameter card (values are not kept)"
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
    }
}
