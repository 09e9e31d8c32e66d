import Testing
import WeftConfig
import WeftModel

@Suite struct LinterTests {
    private let billing = "apiVersion: v1\nkind: Service\nmetadata: {name: billing}\nspec: {ports: [{port: 80}]}\n---\n"

    private func lint(_ text: String, registered: [Workload] = []) -> [Diagnostic] {
        let reading = read(text)
        #expect(reading.diagnostics.map(\.description) == [])
        return Linter.lint(reading.resources.map(\.resource), registered: registered)
    }

    @Test func `resources that fit together leave nothing to say`() {
        #expect(self.lint(self.billing + route(rule: "backendRefs: [{name: billing, port: 80}]")).isEmpty)
        let registered = [
            Workload(
                metadata: Metadata(name: "billing-1"), account: "billing", service: "billing", address: "127.0.0.1",
                ports: [Workload.Port(port: 80)])
        ]
        #expect(self.lint(route(rule: "backendRefs: [{name: billing, port: 80}]"), registered: registered).isEmpty)
    }

    @Test func `a missing parent or backend is a warning with the nearest name`() {
        let text = self.billing + route(rule: "backendRefs: [{name: biling, port: 80}, {name: billing, port: 81}]")
        let found = self.lint(text)
        #expect(found.map(\.severity) == [.warning, .warning])
        #expect(found.map(\.field) == ["spec.rules[0].backendRefs[0]", "spec.rules[0].backendRefs[1]"])
        #expect(found.first?.remedy == "Did you mean billing?")
        #expect(self.lint(route(rule: "backendRefs: [{name: billing, port: 80}]")).first?.field == "spec.parentRefs[0]")
    }

    @Test func `rules that can only answer 500 are warned about`() {
        let none = self.lint(self.billing + route(rule: "name: a"))
        #expect(none.map(\.field) == ["spec.rules[0].backendRefs"])
        let zero = self.lint(self.billing + route(rule: "backendRefs: [{name: billing, port: 80, weight: 0}]"))
        #expect(zero.first?.message.contains("all weights are 0") == true)
    }

    @Test func `a match that an earlier rule takes is never reached`() {
        let rules = """
            backendRefs: [{name: billing, port: 80}]
            - matches: [{path: {value: /}}]
            backendRefs: [{name: billing, port: 80}]
            """
        let found = self.lint(self.billing + route(rule: rules))
        #expect(found.map(\.field) == ["spec.rules[1].matches"])
    }

    @Test func `a policy without its target does nothing`() {
        #expect(self.lint(policy("timeouts: {request: 1s}")).first?.message.contains("does nothing") == true)
    }

    @Test func `two policies on one target name the one that counts`() {
        let second = policy("timeouts: {request: 2s}").replacing(
            "metadata: {name: billing}", with: "metadata: {name: later}")
        let found = self.lint(self.billing + policy("timeouts: {request: 1s}") + "\n---\n" + second)
        #expect(found.map(\.resource) == ["TrafficPolicy/default/later"])
    }

    @Test func `one try longer than the whole request is an error across resources`() {
        let settings =
            "apiVersion: weft.dev/v1\nkind: MeshSettings\nmetadata: {name: mesh}\nspec: {traffic: {timeouts: {request: 1s}}}\n---\n"
        let found = self.lint(settings + self.billing + policy("timeouts: {perTry: 2s}"))
        #expect(found.map(\.severity) == [.error])
        let route = self.lint(
            self.billing + policy("timeouts: {request: 1s}") + "\n---\n"
                + route(rule: "backendRefs: [{name: billing, port: 80}]\ntimeouts: {backendRequest: 3s}"))
        #expect(route.map(\.field) == ["spec.rules[0].timeouts.backendRequest"])
    }
}
