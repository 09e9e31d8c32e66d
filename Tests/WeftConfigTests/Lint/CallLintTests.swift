import Testing
import WeftConfig
import WeftModel

@Suite struct CallLintTests {
    private static let backends = "backendRefs: [{name: billing, port: 80}]"
    private let billing = service("billing")

    /// Severity, resource and field of each finding.
    private func found(_ documents: [String], now: Int64? = nil) -> [String] {
        lint([self.billing] + documents, now: now).map { finding in
            "\(finding.severity) \(finding.resource ?? "") \(finding.field ?? "")"
        }
    }

    private func perTry(_ documents: String...) -> [String] { self.found(documents) }

    // MARK: One try against the whole request

    @Test func `two policies on one service are read together`() {
        #expect(
            self.perTry(
                policy("a", "billing", "timeouts: {request: 1s}"), policy("b", "billing", "timeouts: {perTry: 1s}"))
                == ["error TrafficPolicy/default/b spec.timeouts.perTry"])
    }

    @Test func `a try as long as the mesh's request leaves no time for a second`() {
        #expect(
            self.perTry(mesh("timeouts: {request: 1s}"), policy("a", "billing", "timeouts: {perTry: 1s}"))
                == ["error TrafficPolicy/default/a spec.timeouts.perTry"])
        #expect(
            self.perTry(mesh("timeouts: {request: 1s}"), policy("a", "billing", "timeouts: {perTry: 400ms}")) == [])
    }

    @Test(arguments: ["HTTPRoute", "GRPCRoute"])
    func `a service's try is read against the request of a route's policy`(kind: String) {
        let documents = [
            policy("a", "billing", "timeouts: {perTry: 2s}"), route(kind, "r", "{\(Self.backends)}"),
            policy("b", on: kind, "r", "timeouts: {request: 1s}"),
        ]
        #expect(self.found(documents) == ["error TrafficPolicy/default/b spec.timeouts.request"])
        #expect(
            lint([self.billing] + documents).first?.message.contains("timeouts.perTry of TrafficPolicy/default/a")
                == true)
    }

    @Test func `a policy's try is read against the request of a rule, at the rule's own line`() {
        let text = """
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: r}
            spec:
              parentRefs: [{group: "", kind: Service, name: billing}]
              rules:
              - backendRefs: [{name: billing, port: 80}]
                timeouts:
                  request: 1s
            """
        let found = lint([text, self.billing, policy("a", "billing", "timeouts: {perTry: 1s}")])
        #expect(found.map(\.field) == ["spec.rules[0].timeouts.request"])
        #expect(found.first?.severity == .error && found.first?.line == 9)
    }

    @Test func `on one rule the two may be equal, since that asks for one try`() {
        #expect(
            self.perTry(route("HTTPRoute", "r", "{\(Self.backends), timeouts: {request: 1s, backendRequest: 1s}}"))
                == [])
    }

    @Test func `a try longer than the default deadline is a warning, and none of gRPC's, which has no such default`() {
        let long = policy("a", "billing", "{}").replacing("{}", with: "timeouts: {perTry: 20s}")
        #expect(self.perTry(long) == ["warning TrafficPolicy/default/a spec.timeouts.perTry"])
        #expect(self.perTry(long, route("GRPCRoute", "r", "{\(Self.backends)}")) == [])
        #expect(self.perTry(policy("a", "billing", "timeouts: {perTry: 20s, request: 0s}")) == [])
    }

    @Test func `what several calls share is said once`() {
        let rules = "{\(Self.backends)}, {name: b, matches: [{path: {value: /b}}], \(Self.backends)}"
        #expect(
            self.perTry(
                mesh("timeouts: {request: 1s}"), policy("a", "billing", "timeouts: {perTry: 1s}"),
                route("HTTPRoute", "r", rules), route("HTTPRoute", "s", on: "name: billing, port: 80", rules)
            ) == ["error TrafficPolicy/default/a spec.timeouts.perTry"])
    }

    @Test func `a route whose own policy mends it is no contradiction`() {
        #expect(
            self.perTry(
                mesh("timeouts: {request: 1s}"), policy("a", "billing", "timeouts: {perTry: 2s}"),
                route("HTTPRoute", "r", "{\(Self.backends)}"),
                policy("b", on: "HTTPRoute", "r", "timeouts: {request: 10s}")) == [])
    }

    // MARK: All tries

    @Test func `tries from three resources that do not fit name all three`() {
        let found = lint([
            self.billing, mesh("timeouts: {request: 2s}"), policy("a", "billing", "retry: {attempts: 3}"),
            route("HTTPRoute", "r", "{\(Self.backends), timeouts: {backendRequest: 900ms}}"),
        ])
        #expect(found.map(\.field) == ["spec.rules[0].timeouts.backendRequest"])
        let message = found.first?.message ?? ""
        #expect(message.contains("4 tries of 900ms"))
        #expect(message.contains("timeouts.request of MeshSettings/default/mesh"))
        #expect(message.contains("retry.attempts of TrafficPolicy/default/a"))
    }

    @Test func `a rule's own retries count`() {
        let rule = "timeouts: {request: 2s, backendRequest: 600ms}, retry: {attempts: 3}"
        #expect(
            self.perTry(route("HTTPRoute", "r", "{\(Self.backends), \(rule)}"))
                == ["warning HTTPRoute/default/r spec.rules[0].timeouts.backendRequest"])
    }

    @Test func `gRPC calls are looked at too`() {
        #expect(
            self.perTry(
                policy("a", "billing", "timeouts: {perTry: 1s}"), route("GRPCRoute", "r", "{\(Self.backends)}"),
                policy("b", on: "GRPCRoute", "r", "timeouts: {request: 1500ms}"))
                == ["warning TrafficPolicy/default/b spec.timeouts.request"])
    }

    // MARK: Hedging

    @Test func `a hedge after the end of the call is an error across resources`() {
        #expect(
            self.perTry(
                policy("a", "billing", "hedging: {delay: 500ms}"),
                route("HTTPRoute", "r", "{\(Self.backends), timeouts: {request: 500ms}}"))
                == ["error HTTPRoute/default/r spec.rules[0].timeouts.request"])
        #expect(
            self.perTry(
                mesh("timeouts: {perTry: 1s, request: 3s}"), policy("a", "billing", "hedging: {delay: 2s}"))
                == ["error TrafficPolicy/default/a spec.hedging"])
    }

    @Test func `a hedge is paid for by the budget of the backend`() {
        #expect(
            lint([
                self.billing, service("v2"), policy("a", "billing", "hedging: {delay: 50ms}"),
                policy("b", "v2", "retry: {budget: {percent: 0, minRetryRate: 0}}"),
                route("HTTPRoute", "r", "{backendRefs: [{name: v2, port: 80}]}"),
            ]).map(\.field) == ["spec.hedging"])
    }

    // MARK: Connecting and faults

    @Test func `to connect may not take longer than the request`() {
        #expect(
            self.perTry(policy("a", "billing", "timeouts: {connect: 3s, request: 2s}"))
                == ["warning TrafficPolicy/default/a spec.timeouts.connect"])
        #expect(self.perTry(policy("a", "billing", "timeouts: {request: 200ms}")) == [])
    }

    private static let until = "until: 2026-12-01T12:00:00Z"

    @Test func `a delay longer than the request is doubtful`() {
        let fault = "fault: {delay: {duration: 3s, percent: 1}, \(Self.until)}"
        #expect(
            self.perTry(policy("a", "billing", fault), mesh("timeouts: {request: 2s}"))
                == ["warning TrafficPolicy/default/a spec.fault"])
        #expect(self.perTry(policy("a", "billing", fault)) == [])
    }

    @Test func `a fault that is over is named once the time is known`() {
        let fault = [policy("a", "billing", "fault: {abort: {status: 503, percent: 1}, \(Self.until)}")]
        #expect(self.found(fault) == [])
        #expect(self.found(fault, now: 1_796_126_399) == [])
        #expect(self.found(fault, now: 1_796_126_400) == ["warning TrafficPolicy/default/a spec.fault.until"])
    }
}
