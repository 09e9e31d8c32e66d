import Testing
import WeftConfig
import WeftModel

@Suite struct BalancingLintTests {
    private static let split = "backendRefs: [{name: a, port: 80, weight: 9}, {name: b, port: 80}]"
    private static let services = ["a", "b", "billing"].map { service($0) }

    private func fields(_ documents: String...) -> [String?] { lint(Self.services + documents).map(\.field) }

    // MARK: Sides

    @Test(arguments: ["HTTPRoute", "GRPCRoute"])
    func `a cookie that leads to an endpoint needs a side that stays`(kind: String) {
        let route = route(kind, "r", "{\(Self.split)}")
        let sticky = policy("p", "b", "loadBalancing: {stickiness: {}}")
        #expect(self.fields(route, sticky) == ["spec.rules[0].backendRefs"])
        #expect(self.fields(route, mesh("loadBalancing: {stickiness: {}}")) == ["spec.rules[0].backendRefs"])
        #expect(self.fields(route, sticky, policy("c", on: kind, "r", "stickyCohort: {header: x-user}")) == [])
        #expect(self.fields(route, sticky, policy("c", "billing", "stickyCohort: {header: x-user}")) == [])
        #expect(self.fields(route, sticky, mesh("stickyCohort: {header: x-user}")) == [])
    }

    @Test(arguments: ["ring-hash", "maglev"])
    func `a cookie that a hash gives out needs a side that stays`(algorithm: String) {
        let route = route("HTTPRoute", "r", "{\(Self.split)}")
        let given = "loadBalancing: {algorithm: \(algorithm), hashOn: {cookie: user, ttl: 1h}}"
        #expect(self.fields(route, policy("p", "a", given)) == ["spec.rules[0].backendRefs"])
        let brought = "loadBalancing: {algorithm: \(algorithm), hashOn: {cookie: user}}"
        #expect(self.fields(route, policy("p", "a", brought)) == [])
    }

    @Test func `a session of the rule's own keeps the side`() {
        #expect(
            self.fields(
                route("HTTPRoute", "r", "{\(Self.split), sessionPersistence: {}}"),
                policy("p", "b", "loadBalancing: {stickiness: {}}")) == [])
        #expect(
            self.fields(
                route("GRPCRoute", "r", "{\(Self.split), sessionPersistence: {}}"),
                policy("p", "b", "loadBalancing: {stickiness: {}}")) == [])
    }

    @Test func `a backend of weight 0 is no side`() {
        #expect(
            self.fields(
                route("HTTPRoute", "r", "{backendRefs: [{name: a, port: 80}, {name: b, port: 80, weight: 0}]}"),
                policy("p", "a", "loadBalancing: {stickiness: {}}")) == [])
    }

    @Test func `a cohort without weights keeps nobody anywhere`() {
        let cohort = policy("p", "billing", "stickyCohort: {header: x-user}")
        let single = route("HTTPRoute", "r", "{backendRefs: [{name: a, port: 80}]}")
        #expect(self.fields(cohort) == ["spec.stickyCohort"])
        #expect(self.fields(cohort, single) == ["spec.stickyCohort"])
        #expect(
            self.fields(
                cohort, single,
                route("HTTPRoute", "s", "{\(Self.split)}").replacing(
                    "rules: [{", with: "rules: [{matches: [{path: {value: /s}}], ")) == [])
        #expect(
            self.fields(single, policy("p", on: "HTTPRoute", "r", "stickyCohort: {header: x-user}"))
                == ["spec.stickyCohort"])
        #expect(lint(Self.services + [cohort], scope: .documents).isEmpty)
    }

    // MARK: Hashes

    @Test func `stickiness beside a hash leaves the hash little to say`() {
        #expect(
            self.fields(
                policy(
                    "p", "a", "loadBalancing: {algorithm: maglev, hashOn: {header: x-user}, stickiness: {}}"))
                == ["spec.loadBalancing.stickiness"])
        #expect(
            self.fields(
                mesh("loadBalancing: {algorithm: ring-hash, hashOn: {source: true}}"),
                policy("p", "a", "loadBalancing: {stickiness: {}}")) == ["spec.loadBalancing.stickiness"])
    }

    @Test func `a key needs an algorithm that hashes, in whichever policy of the target`() {
        let key = policy("p", "a", "loadBalancing: {hashOn: {header: x-user}}")
        #expect(self.fields(key) == ["spec.loadBalancing.hashOn"])
        #expect(
            self.fields(key, policy("q", "b", "loadBalancing: {algorithm: maglev, hashOn: {source: true}}")) == [
                "spec.loadBalancing.hashOn"
            ])
        #expect(self.fields(key, mesh("loadBalancing: {algorithm: ring-hash, hashOn: {source: true}}")) == [])
    }
}

@Suite struct OutlierLintTests {
    private func messages(
        _ outliers: String, _ workloads: [Workload], _ service: String = service("billing"), settings: String? = nil
    ) -> [String] {
        lint(
            [service, policy("p", "billing", "outliers: {\(outliers)}")] + (settings.map { [$0] } ?? []),
            registered: workloads
        ).map(\.message)
    }

    @Test func `a service with one workload has nobody to take out`() {
        #expect(self.messages("successRate: 90", workloads(1, of: "billing")).count == 1)
        #expect(self.messages("successRate: 90", workloads(2, of: "billing")) == [])
        // Nobody is known yet; there may be many.
        #expect(self.messages("successRate: 90", []) == [])
    }

    @Test func `what is off, or only the default, is not mentioned`() {
        #expect(self.messages("enabled: false", workloads(1, of: "billing")) == [])
        #expect(
            lint(
                [service("billing"), policy("p", "billing", "timeouts: {request: 1s}")],
                registered: workloads(
                    1, of: "billing")) == [])
        #expect(
            lint(
                [service("billing"), mesh("outliers: {successRate: 90}")], registered: workloads(1, of: "billing"))
                == [])
    }

    @Test func `selectors say who is behind a service`() {
        let selecting = service("billing", spec: ", selector: {app: pay, version: v2}")
        let old = workloads(3, of: "pay", labels: ["version": "v1"])
        var new = workloads(1, of: "pay", labels: ["version": "v2"])
        new[0].metadata.name = "pay-new"
        #expect(self.messages("successRate: 90", old + new, selecting).count == 1)
        #expect(self.messages("successRate: 90", old, selecting) == [])
    }

    @Test func `a described workload and one that registers under its name are one`() {
        let described =
            "apiVersion: weft.dev/v1\nkind: Workload\nmetadata: {name: billing-0}\n"
            + "spec: {service: billing, address: 127.0.0.1, ports: [{port: 80}]}"
        #expect(
            lint(
                [service("billing"), described, policy("p", "billing", "outliers: {successRate: 90}")],
                registered: workloads(1, of: "billing")
            ).map(\.field) == ["spec.outliers.successRate"])
    }

    @Test func `a cohort needs as many endpoints as it compares`() {
        #expect(self.messages("cohort: {}", workloads(3, of: "billing")).first?.contains("fewer than 5") == true)
        #expect(self.messages("cohort: {minEndpoints: 3}", workloads(3, of: "billing")) == [])
    }
}
