import Testing
import WeftConfig
import WeftModel

@Suite struct ServiceReaderTests {
    private func service(_ spec: String) -> Reading {
        read("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: \(spec)\n")
    }

    @Test func `the target port is the port where none is given`() throws {
        let resource = try #require(self.service("{ports: [{port: 80}]}").resources.first?.resource)
        guard case .service(let service) = resource else { return #expect(Bool(false)) }
        #expect(service.ports == [Service.Port(port: 80, targetPort: .number(80), appProtocol: .detect)])
        #expect(service.selector.isEmpty)
    }

    @Test(arguments: [
        ("{}", "spec"), ("{ports: []}", "spec.ports"), ("{ports: [{name: a}]}", "spec.ports[0]"),
        ("{ports: [{port: 0}]}", "spec.ports[0].port"), ("{ports: [{port: \"80\"}]}", "spec.ports[0].port"),
        ("{ports: [{port: 80}, {port: 81}]}", "spec.ports[0]"),
        ("{ports: [{name: a, port: 80}, {name: b, port: 80}]}", "spec.ports[1]"),
        ("{ports: [{name: a, port: 80}, {name: a, port: 81}]}", "spec.ports[1]"),
        ("{ports: [{port: 80, protocol: UDP}]}", "spec.ports[0].protocol"),
        ("{ports: [{port: 80, appProtocol: [http]}]}", "spec.ports[0].appProtocol"),
        ("{ports: [{port: 80, nodePort: 30000}]}", "spec.ports[0].nodePort"),
        ("{ports: [{port: 80}], type: NodePort}", "spec.type"),
        ("{ports: [{port: 80}], selector: {version: 1}}", "spec.selector.version"),
        ("{ports: [{port: 80}], selector: app}", "spec.selector"), ("[]", "spec"),
    ])
    func `a service that cannot stand is refused where it is wrong`(spec: String, field: String) {
        let reading = self.service(spec)
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.map(\.field).contains(field))
    }
}

@Suite struct WorkloadReaderTests {
    @Test(arguments: ["10.0.0.1", "::", "::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"])
    func `addresses are numeric`(address: String) {
        #expect(self.workload("address: \"\(address)\"").diagnostics.isEmpty)
    }

    @Test(arguments: [
        "localhost", "1.2.3", "256.1.1.1", "01.2.3.4", "1:2:3", "1::2::3", ":1", "1:2:3:4:5:6:7:8:9", "::12345",
        "1:::2",
        "1.2.3.4.5", "::1.2.3", "1:2:3:4:5:6:7::8:9",
    ])
    func `what is no address is refused`(address: String) {
        #expect(self.workload("address: \"\(address)\"").diagnostics.map(\.field) == ["spec.address"])
    }

    @Test func `the account is the service's name where none is given`() throws {
        let reading = self.workload("address: 10.0.0.1\n  service: billing")
        guard case .workload(let workload)? = reading.resources.first?.resource else { return #expect(Bool(false)) }
        #expect(workload.account == "billing")
        #expect(workload.weight == 1)
    }

    private func workload(_ spec: String) -> Reading {
        read("apiVersion: weft.dev/v1\nkind: Workload\nmetadata: {name: w}\nspec:\n  ports: [{port: 80}]\n  \(spec)\n")
    }
}

@Suite struct TrafficPolicyReaderTests {
    @Test func `every knob is read`() throws {
        let reading = read(
            policy(
                """
                timeouts: {request: 2s, perTry: 500ms, connect: 100ms, idle: 1m}
                retry: {attempts: 2, codes: [500], grpcCodes: [UNAVAILABLE], nonIdempotent: true, backoff: 5ms, budget: {percent: 10, minRetryRate: 3}}
                loadBalancing: {algorithm: round-robin}
                limits: {connections: 7, pendingRequests: 8, requests: 9}
                """))
        #expect(reading.diagnostics.isEmpty)
        guard case .trafficPolicy(let policy)? = reading.resources.first?.resource else { return #expect(Bool(false)) }
        #expect(policy.targets == [.service(ServiceName(namespace: "default", name: "billing"))])
        var expected = TrafficSettings()
        expected.requestTimeout = .seconds(2)
        expected.perTryTimeout = .milliseconds(500)
        expected.connectTimeout = .milliseconds(100)
        expected.idleTimeout = .seconds(60)
        var retry = RetrySettings()
        retry.attempts = 2
        retry.statuses = [500]
        retry.grpcStatuses = [14]
        retry.nonIdempotent = true
        retry.backoffBase = .milliseconds(5)
        retry.budgetRatio = 0.1
        retry.budgetMinPerSecond = 3
        expected.retry = retry
        expected.loadBalancing = .roundRobin
        expected.maxConnections = 7
        expected.maxPendingRequests = 8
        expected.maxRequests = 9
        #expect(policy.settings.lines[.maxRequests] == policy.settings.lines[.maxConnections])
        var settings = policy.settings
        settings.lines = [:]
        #expect(settings == expected)
    }

    @Test(arguments: [
        ("timeouts: {request: 1s, perTry: 1s}", "spec.timeouts.perTry"),
        ("timeouts: {connect: 0s}", "spec.timeouts.connect"), ("timeouts: {retry: 1s}", "spec.timeouts.retry"),
        ("retry: {codes: [200]}", "spec.retry.codes[0]"), ("retry: {codes: 503}", "spec.retry.codes"),
        ("retry: {grpcCodes: [UNAVAILBLE]}", "spec.retry.grpcCodes[0]"),
        ("retry: {budget: {percent: 101}}", "spec.retry.budget.percent"),
        ("retry: {nonIdempotent: \"yes\"}", "spec.retry.nonIdempotent"),
        ("loadBalancing: peak-ewma", "spec.loadBalancing"),
        ("loadBalancing: {algorithm: peak}", "spec.loadBalancing.algorithm"),
        ("limits: {connections: 0}", "spec.limits.connections"), ("limits: {requests: 1.5}", "spec.limits.requests"),
    ])
    func `a knob that cannot stand is refused where it is`(spec: String, field: String) {
        let reading = read(policy(spec))
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.filter { $0.severity == .error }.map(\.field) == [field])
    }

    @Test func `a policy that sets nothing is doubtful`() {
        let reading = read(policy(""))
        #expect(reading.diagnostics.map(\.severity) == [.warning])
        #expect(reading.resources.count == 1)
    }

    @Test func `a route cannot have connections of its own`() {
        let reading = read(
            policy("limits: {requests: 1}").replacing(
                "{group: \"\", kind: Service, name: billing}",
                with: "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: billing}"))
        #expect(reading.diagnostics.first?.message.contains("limits cannot differ by route") == true)
    }

    @Test func `the mesh has one MeshSettings`() {
        let reading = read("apiVersion: weft.dev/v1\nkind: MeshSettings\nmetadata: {name: other}\nspec: {}\n")
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.first?.remedy?.contains("name: mesh") == true)
    }
}

@Suite struct ExternalPolicyTests {
    @Test(arguments: [
        "rateLimits: [{name: a, requests: 10}]", "timeouts: {trustDeadlines: true}", "overload: {concurrency: {}}",
        "stickyCohort: {header: x-user}",
    ])
    func `what acts beside a service's workloads is refused for a destination outside`(spec: String) {
        let reading = read(policy("p", on: "ExternalService", "payments", spec))
        #expect(reading.diagnostics.filter { $0.severity == .error }.map(\.field) == ["spec.targetRefs[0]"])
    }

    @Test(arguments: [
        "overload: {admission: {}}", "timeouts: {request: 1s, connect: 1s}", "limits: {requests: 4}",
        "hedging: {delay: 50ms}", "outliers: {successRate: 90}",
    ])
    func `what acts at the callers may be said of a destination outside`(spec: String) {
        #expect(read(policy("p", on: "ExternalService", "payments", spec)).diagnostics == [])
    }
}
