import Testing

@testable import WeftCLI

@Suite struct ServiceBehaviourTests {
    @Test func `behaviour changes by query, and what is wrong changes nothing it names`() throws {
        var behaviour = ServiceBehaviour()
        try behaviour.apply(query: "latency=200ms&errors=0.5&status=500")
        #expect(behaviour.latency == 200 && behaviour.errors == 0.5 && behaviour.status == 500)
        #expect(throws: CommandFailure.self) { try behaviour.apply(query: "errors=2") }
        #expect(behaviour.errors == 0.5)
    }

    @Test func `a declared upstream is called by its port, others through the proxy`() throws {
        let call = try #require(ServiceCall("billing=/charge"))
        #expect(call.url(environment: [:]) == "http://billing/charge")
        #expect(call.url(environment: ["http_proxy": "http://127.0.0.1:1/"]) == "http://127.0.0.1:1/charge")
        let direct = call.url(environment: ["WEFT_UPSTREAM_BILLING": "http://127.0.0.1:20080"])
        #expect(direct == "http://127.0.0.1:20080/charge")
        #expect(ServiceCall("=/x") == nil && ServiceCall("a=b") == nil)
    }

    @Test func `the version that took part is found through all calls`() {
        let billing = ServiceAnswer(service: "billing", version: "v2", instance: "b", path: "/")
        var enrollment = ServiceAnswer(service: "enrollment", version: "", instance: "e", path: "/")
        enrollment.answers = [.init(service: "billing", status: 200, milliseconds: 1, answer: billing)]
        #expect(enrollment.part(of: "billing")?.version == "v2")
        #expect(enrollment.part(of: "catalog") == nil)
    }
}
