import Testing
import WeftConfig
import WeftModel

@Suite struct RouteLintTests {
    @Test(arguments: [
        ("HTTPRoute", "its calls get 500"), ("GRPCRoute", "its calls end with UNAVAILABLE"),
        ("TCPRoute", "its connections are closed"), ("TLSRoute", "its connections are closed"),
    ])
    func `weights that are all 0 are named with what callers get`(kind: String, end: String) {
        let names = kind == "TLSRoute" ? ", hostnames: [a.example]" : ""
        let found = lint([
            service("billing"), route(kind, "r", "{backendRefs: [{name: billing, port: 80, weight: 0}]}", spec: names),
        ])
        #expect(found.map(\.message) == ["all weights are 0: \(end)"])
    }

    @Test(arguments: [
        ("HTTPRoute", "its share of the calls gets 500"), ("GRPCRoute", "its share of the calls ends with UNAVAILABLE"),
        ("TCPRoute", "its share of the connections is closed"),
    ])
    func `a missing backend is named with what callers get`(kind: String, end: String) {
        let found = lint([
            service("billing"),
            route(kind, "r", "{backendRefs: [{name: billing, port: 80}, {name: missing-one, port: 80}]}"),
        ])
        #expect(found.map { $0.message.hasSuffix(end) } == [true])
    }

    @Test func `a gRPC rule without backends ends its calls with UNAVAILABLE`() {
        #expect(
            lint([service("billing"), route("GRPCRoute", "r", "{name: a}")]).first?.message
                == "the rule names no backend: its calls end with UNAVAILABLE")
    }

    @Test(arguments: [
        ("HTTPRoute", "tcp", true), ("GRPCRoute", "tls", true), ("TCPRoute", "http", true), ("TCPRoute", "grpc", true),
        ("HTTPRoute", "grpc", false), ("GRPCRoute", "http", false), ("TCPRoute", "tls", false),
        ("HTTPRoute", "detect", false), ("TCPRoute", "detect", false),
    ])
    func `a route whose kind cannot carry what the port speaks takes nothing there`(
        kind: String, spoken: String, isRefused: Bool
    ) {
        let found = lint([
            service("billing", "{port: 80, appProtocol: \(spoken)}"), service("other"),
            route(kind, "r", "{backendRefs: [{name: other, port: 80}]}"),
        ])
        #expect(found.map(\.field) == (isRefused ? ["spec.parentRefs[0]"] : []))
    }

    @Test func `a backend that speaks something else is named`() {
        let found = lint([
            service("billing"), service("cache", "{port: 6379, appProtocol: tcp}"),
            route("HTTPRoute", "r", "{backendRefs: [{name: cache, port: 6379}]}"),
        ])
        #expect(found.map(\.field) == ["spec.rules[0].backendRefs[0]"])
        #expect(found.first?.message.contains("speaks tcp") == true)
    }

    @Test func `in a part of a configuration nothing is missing, only unknown`() {
        let found = lint([route("HTTPRoute", "r", "{backendRefs: [{name: a, port: 80}]}")], scope: .documents)
        #expect(found.map(\.severity) == [.warning, .warning])
        #expect(found.allSatisfy { $0.message.contains("not among these documents") })
    }

    // MARK: Conflicts

    private static let backend = "{backendRefs: [{name: billing, port: 80}]}"

    private func conflicts(_ documents: String...) -> [String] {
        lint([service("billing")] + documents).map { "\($0.resource ?? "") \($0.field ?? "")" }
    }

    @Test func `a port has routes of one kind`() {
        #expect(
            self.conflicts(route("GRPCRoute", "g", Self.backend), route("HTTPRoute", "h", Self.backend))
                == ["HTTPRoute/default/h spec.parentRefs[0]"])
    }

    @Test func `of two TCPRoutes on one port the younger takes nothing`() {
        #expect(
            self.conflicts(route("TCPRoute", "b", Self.backend), route("TCPRoute", "a", Self.backend))
                == ["TCPRoute/default/b spec.parentRefs[0]"])
    }

    @Test func `of two TLSRoutes for one name the younger does not have it`() {
        let old = route("TLSRoute", "a", Self.backend, spec: ", hostnames: [one.example]")
        #expect(
            self.conflicts(old, route("TLSRoute", "b", Self.backend, spec: ", hostnames: [one.example]"))
                == ["TLSRoute/default/b spec.parentRefs[0]"])
        #expect(
            self.conflicts(old, route("TLSRoute", "b", Self.backend, spec: ", hostnames: [one.example, two.example]"))
                == ["TLSRoute/default/b spec.hostnames"])
        #expect(self.conflicts(old, route("TLSRoute", "b", Self.backend, spec: ", hostnames: [two.example]")) == [])
    }

    @Test func `routes on different ports do not meet`() {
        let two =
            "apiVersion: v1\nkind: Service\nmetadata: {name: billing}\n"
            + "spec: {ports: [{name: a, port: 80}, {name: b, port: 81}]}"
        let found = lint([
            two, route("TCPRoute", "a", on: "name: billing, port: 80", Self.backend),
            route("TCPRoute", "b", on: "name: billing, port: 81", Self.backend),
        ])
        #expect(found == [])
    }

    @Test func `a route that cannot carry the port does not take it from one that can`() {
        let found = lint([
            service("billing", "{port: 80, appProtocol: tcp}"), route("HTTPRoute", "h", Self.backend),
            route("TCPRoute", "t", Self.backend),
        ])
        #expect(Set(found.map(\.resource)) == ["HTTPRoute/default/h"])
    }
}

@Suite struct PolicyLintTests {
    @Test(arguments: [
        "hedging: {delay: 50ms}", "rateLimits: [{name: a, requests: 10}]", "timeouts: {trustDeadlines: true}",
        "fault: {abort: {status: 503, percent: 1}, until: 2026-12-01T12:00:00Z}", "outliers: {successRate: 90}",
        "loadBalancing: {slowStart: 10s}", "retry: {attempts: 1}", "overload: {admission: {}}",
    ])
    func `whatever two policies of one target set is a rivalry`(spec: String) {
        let found = lint([service("billing"), policy("a", "billing", spec), policy("b", "billing", spec)])
        #expect(found.map(\.resource) == ["TrafficPolicy/default/b"])
    }

    @Test func `two policies that set different values get along`() {
        let found = lint([
            service("billing"), policy("a", "billing", "retry: {attempts: 1}, outliers: {successRate: 90}"),
            policy("b", "billing", "retry: {backoff: 1s}, outliers: {minRequests: 3}"),
        ])
        #expect(found == [])
    }

    @Test func `two younger policies are rivals of each other`() {
        let found = lint([
            service("billing"), policy("a", "billing", "timeouts: {request: 1s}"),
            policy("b", "billing", "timeouts: {idle: 1m}"), policy("c", "billing", "timeouts: {idle: 2m}"),
        ])
        #expect(found.map(\.resource) == ["TrafficPolicy/default/c"])
        #expect(
            found.first?.message == "b acts on the same target, is older, and counts for what both set: timeouts.idle")
    }

    @Test func `many policies and routes are looked at in time that grows with them`() {
        let routes: [Resource] = (0..<2_500).map { number in
            let name = ServiceName(namespace: "default", name: "s\(number)")
            let backend = RouteBackend(service: name, port: 80)
            return .httpRoute(
                HTTPRoute(
                    metadata: Metadata(name: "r\(number)"), parents: [RouteParent(service: name)],
                    rules: [HTTPRoute.Rule(backends: [backend, backend])]))
        }
        let policies: [Resource] = (0..<2_500).map { number in
            var settings = TrafficSettings()
            settings.requestTimeout = .seconds(1)
            settings.balancing = BalancingSettings()
            settings.balancing?.stickyCookie = StickyCookie()
            return .trafficPolicy(
                TrafficPolicy(
                    metadata: Metadata(name: "p\(number)"),
                    targets: [
                        .service(ServiceName(namespace: "default", name: "s\(number)")),
                        .route(namespace: "default", name: "gone-\(number)"),
                    ], settings: settings))
        }
        let clock = ContinuousClock()
        var found = 0
        let time = clock.measure { found = Linter.lint(routes + policies).count }
        #expect(found >= 2_500)
        // It takes about a second; comparing all with all would take minutes in a test that is not optimised.
        #expect(time < .seconds(15))
    }
}
