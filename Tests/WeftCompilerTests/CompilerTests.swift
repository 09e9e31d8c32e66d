import Testing
import WeftCompiler
import WeftModel

@Suite struct CompilerTests {
    private let billing = ServiceName(namespace: "default", name: "billing")

    private func workload(
        _ name: String, port: Int = 8080, readiness: RegisteredWorkload.Readiness = .ready, account: String = "billing"
    ) -> RegisteredWorkload {
        RegisteredWorkload(
            workload: Workload(
                metadata: Metadata(name: name), account: account, service: "billing", address: "127.0.0.1",
                ports: [Workload.Port(name: "http", port: port, inboundPort: 15006)]),
            readiness: readiness)
    }

    private func compile(_ resources: [Resource], _ workloads: [RegisteredWorkload]) -> Compilation {
        Compiler.compile(
            resources: resources, workloads: workloads, trustDomain: .standard, revision: Revision(3))
    }

    private func policy(_ name: String, createdAt: Int64, request: Duration) -> Resource {
        var settings = TrafficSettings()
        settings.requestTimeout = request
        var metadata = Metadata(name: name, createdAt: createdAt)
        metadata.provenance = Provenance(
            resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: name), revision: Revision(createdAt)
        )
        return .trafficPolicy(TrafficPolicy(metadata: metadata, targets: [.service(self.billing)], settings: settings))
    }

    @Test func `a rule about claims without a token that is believed is told of, once for a port`() {
        func policy(_ action: AuthorizationAction, isAudit: Bool = false) -> Resource {
            .authorizationPolicy(
                AuthorizationPolicy(
                    metadata: Metadata(name: "admins"), targets: [.service(self.billing, port: nil)], action: action,
                    isAudit: isAudit,
                    rules: [.init(when: [.init(subject: .claim(["role"]), values: [.exact("admin")])])]))
        }
        let workloads = [self.workload("b1"), self.workload("b2")]
        for (action, effect) in [(AuthorizationAction.deny, "denies nobody"), (.allow, "allows nobody")] {
            let found = self.compile([policy(action)], workloads).diagnostics
            #expect(found.map(\.severity) == [.error])
            #expect(found.first?.resource == "AuthorizationPolicy/default/admins")
            #expect(found.first?.message.contains("port 8080 of billing.default: it \(effect)") == true)
        }
        #expect(self.compile([policy(.deny, isAudit: true)], workloads).diagnostics.map(\.severity) == [.warning])
        let tokens = RequestAuthentication(
            metadata: Metadata(name: "users"), targets: [.service(self.billing, port: nil)],
            rules: [TokenRule(issuer: "i", keys: .inline(""))])
        #expect(self.compile([policy(.deny), .requestAuthentication(tokens)], workloads).diagnostics.isEmpty)
    }

    @Test func `an empty mesh compiles to nothing`() {
        #expect(self.compile([], []).snapshot == MeshSnapshot(revision: Revision(3)))
    }

    @Test func `the order of resources and workloads does not matter`() {
        let resources = [
            self.policy("a", createdAt: 1, request: .seconds(1)), self.policy("b", createdAt: 2, request: .seconds(2)),
            Resource.service(Service(metadata: Metadata(name: "billing"), ports: [Service.Port(port: 80)])),
        ]
        let workloads = [self.workload("b1"), self.workload("b2"), self.workload("b3", account: "other")]
        #expect(
            self.compile(resources, workloads).snapshot
                == self.compile(resources.reversed(), workloads.reversed()).snapshot)
    }

    @Test func `readiness changes endpoints and nothing else`() {
        let before = self.compile([], [self.workload("b1"), self.workload("b2")])
        let now = [self.workload("b1"), self.workload("b2", readiness: .notReady("slow"))]
        let after = Compiler.update(before, workloads: now)
        #expect(after.snapshot == self.compile([], now).snapshot)
        #expect(after.snapshot.clusters == before.snapshot.clusters)
        #expect(after.snapshot.listeners == before.snapshot.listeners)
        #expect(after.snapshot.endpoints["billing.default:80"]?.endpoints.map(\.workload) == ["default/b1"])
    }

    @Test func `an update is what compiling anew would give`() {
        let before = self.compile([], [self.workload("b1")])
        for now in [[], [self.workload("b1", port: 9090)], [self.workload("b1"), self.workload("c1", account: "new")]] {
            #expect(Compiler.update(before, workloads: now).snapshot == self.compile([], now).snapshot)
        }
    }

    @Test func `a registered workload takes the place of a declared one`() {
        let declared = Resource.workload(self.workload("b1", port: 1).workload)
        let compilation = self.compile([declared], [self.workload("b1", readiness: .draining)])
        #expect(compilation.snapshot.endpoints["billing.default:80"]?.endpoints == [])
        #expect(compilation.catalog.workloads.count == 1)
    }

    @Test func `each effective value names the resource that set it`() {
        let index = self.compile(
            [
                self.policy("young", createdAt: 20, request: .seconds(2)),
                self.policy("old", createdAt: 10, request: .seconds(1)),
            ],
            [self.workload("b1")]
        ).policies
        let traffic = index.effective(service: self.billing)
        #expect(traffic.requestTimeout.value == .seconds(1))
        #expect(traffic.requestTimeout.source?.resource.name == "old")
        #expect(traffic.connectTimeout == Sourced(.seconds(1)))
    }

    @Test func `calls to a destination outside are hedged and broken on purpose like any other`() throws {
        let name = ServiceName(namespace: "default", name: "payments")
        var settings = TrafficSettings()
        settings.hedging = HedgePolicy(delay: .milliseconds(50))
        settings.fault = FaultPolicy(abort: .init(status: .http(503), percent: 1), until: 10)
        let snapshot = self.compile(
            [
                .externalService(
                    ExternalService(
                        metadata: Metadata(name: "payments"), host: "pay.example",
                        ports: [ExternalService.Port(port: 80)])),
                .trafficPolicy(
                    TrafficPolicy(
                        metadata: Metadata(name: "p"), targets: [.externalService(name)], settings: settings)),
            ], []
        ).snapshot
        let route = try #require(snapshot.routes["pay.example:80"]?.virtualHosts.first?.routes.first)
        #expect(route.hedging == settings.hedging && route.fault == settings.fault)
    }

    @Test func `an inbound listener names who set what its proxy keeps`() {
        var settings = TrafficSettings()
        settings.trustDeadlines = true
        settings.rateLimits = [RateLimit(name: "all", requests: 10)]
        settings.lines = [.trustDeadlines: 7, .rateLimits: 9]
        var metadata = Metadata(name: "p")
        let key = ResourceKey(kind: .trafficPolicy, namespace: "default", name: "p")
        metadata.provenance = Provenance(resource: key, file: "mesh.yaml", line: 1)
        let policy = TrafficPolicy(metadata: metadata, targets: [.service(self.billing)], settings: settings)
        let snapshot = self.compile([.trafficPolicy(policy)], [self.workload("b1")]).snapshot
        guard case .inbound(let listener)? = snapshot.listeners["inbound/default/b1/8080"] else {
            return #expect(Bool(false))
        }
        #expect(listener.sources.mapValues(\.line) == [.trustDeadlines: 7, .rateLimits: 9])
    }

    @Test func `a peer is one of the members' identities, ready or not`() {
        let snapshot = self.compile(
            [], [self.workload("b1"), self.workload("b2", readiness: .notReady("x"), account: "b2")]
        ).snapshot
        let peers = ["b2", "billing"].map { SPIFFEID(trustDomain: .standard, namespace: "default", account: $0) }
        #expect(snapshot.clusters["billing.default:80"]?.transport == .mutualTLS(peers: peers))
    }

    @Test func `a service without workloads expects its own account`() {
        let service = Resource.service(Service(metadata: Metadata(name: "billing"), ports: [Service.Port(port: 80)]))
        let peer = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")
        #expect(
            self.compile([service], []).snapshot.clusters["billing.default:80"]?.transport == .mutualTLS(peers: [peer]))
    }
}

@Suite struct RoutePrecedenceTests {
    private func precedence(
        _ match: RouteMatch, name: String = "r", createdAt: Int64 = 0, rule: Int = 0, match position: Int = 0
    ) -> RoutePrecedence {
        RoutePrecedence(match, route: Metadata(name: name, createdAt: createdAt), rule: rule, match: position)
    }

    @Test func `the order is Gateway API's`() {
        let header = HeaderMatch(name: "a", value: .exact("b"))
        let query = QueryParameterMatch(name: "a", value: .exact("b"))
        let ordered = [
            self.precedence(RouteMatch(path: .exact("/a"))),
            self.precedence(RouteMatch(path: .regularExpression("/a.*"))),
            self.precedence(RouteMatch(path: .prefix("/aaa"))),
            self.precedence(RouteMatch(path: .prefix("/a"), method: "GET")),
            self.precedence(RouteMatch(path: .prefix("/a"), headers: [header, header])),
            self.precedence(RouteMatch(path: .prefix("/a"), headers: [header], queryParameters: [query])),
            self.precedence(RouteMatch(path: .prefix("/a"), headers: [header])),
            self.precedence(RouteMatch(path: .prefix("/a"), queryParameters: [query])),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "z", createdAt: 1),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "a", createdAt: 2, rule: 1),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "b", createdAt: 2, match: 0),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "b", createdAt: 2, match: 1),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "b", createdAt: 2, rule: 1),
            self.precedence(RouteMatch(path: .prefix("/a")), name: "a"),
        ]
        for (left, right) in zip(ordered, ordered.dropFirst()) { #expect(left < right) }
        #expect(ordered.reversed().sorted() == ordered)
    }
}
