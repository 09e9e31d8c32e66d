import Testing
import WeftConfig
import WeftModel

@Suite struct ServiceObjectiveReaderTests {
    private func objective(_ spec: String) -> Reading {
        read("apiVersion: weft.dev/v1\nkind: ServiceObjective\nmetadata: {name: a, namespace: money}\nspec: \(spec)\n")
    }

    @Test func `an objective says what it says, and is written as it was read`() throws {
        let reading = self.objective(
            """
            {targetRef: {kind: Service, name: billing}, success: {ratio: 0.999},
             latency: {threshold: 250ms, ratio: 0.99}, window: 24h}
            """)
        #expect(reading.diagnostics.map(\.description) == [])
        guard case .serviceObjective(let objective)? = reading.resources.first?.resource else {
            return #expect(Bool(false))
        }
        #expect(objective.target == .service(ServiceName(namespace: "money", name: "billing")))
        #expect(objective.successRatio == 0.999)
        #expect(objective.latency?.milliseconds == 250)
        #expect(objective.latency?.ratio == 0.99)
        #expect(objective.window == .seconds(86_400))
        let again = read(try #require(reading.resources.first?.canonicalJSON), file: "")
        #expect(again.resources.first?.canonicalJSON == reading.resources.first?.canonicalJSON)
    }

    @Test func `routes can be judged, and a window that is not there is thirty days`() throws {
        let reading = self.objective(
            "{targetRef: {group: gateway.networking.k8s.io, kind: HTTPRoute, name: canary}, success: {ratio: 0.9}}")
        guard case .serviceObjective(let objective)? = reading.resources.first?.resource else {
            return #expect(Bool(false))
        }
        #expect(objective.target == .route(ResourceKey(kind: .httpRoute, namespace: "money", name: "canary")))
        #expect(objective.window == .seconds(30 * 86_400))
    }

    @Test(arguments: [
        ("{success: {ratio: 0.9}}", "spec"),
        ("{targetRef: {kind: Service, name: a}}", "spec"),
        ("{targetRef: {kind: Service, name: a}, success: {}}", "spec.success"),
        ("{targetRef: {kind: Service, name: a}, success: {ratio: 1}}", "spec.success.ratio"),
        ("{targetRef: {kind: Service, name: a}, success: {ratio: 99.9}}", "spec.success.ratio"),
        ("{targetRef: {kind: Service, name: a, sectionName: http}, success: {ratio: 0.9}}", "spec.targetRef"),
        ("{targetRef: {kind: TCPRoute, name: a}, success: {ratio: 0.9}}", "spec.targetRef.kind"),
        ("{targetRefs: [{kind: Service, name: a}], success: {ratio: 0.9}}", "spec.targetRefs"),
        ("{targetRef: {kind: Service, name: a}, latency: {ratio: 0.9}}", "spec.latency"),
        ("{targetRef: {kind: Service, name: a}, latency: {threshold: 60s, ratio: 0.9}}", "spec.latency.threshold"),
        ("{targetRef: {kind: Service, name: a}, success: {ratio: 0.9}, window: 5m}", "spec.window"),
        ("{targetRef: {kind: Service, name: a}, success: {ratio: 0.9}, goal: x}", "spec.goal"),
    ])
    func `what cannot be judged is refused where it stands`(spec: String, field: String) {
        let reading = self.objective(spec)
        #expect(reading.resources.isEmpty)
        #expect(reading.diagnostics.contains { $0.severity == .error && $0.field == field }, "\(reading.diagnostics)")
    }

    @Test func `a threshold between two bounds is an estimate, which is told`() {
        let reading = self.objective(
            "{targetRef: {kind: Service, name: a}, latency: {threshold: 300ms, ratio: 0.9}}")
        #expect(reading.resources.count == 1)
        #expect(reading.diagnostics.map(\.field) == ["spec.latency.threshold"])
    }

    @Test func `a target that is not there is told`() {
        let reading = self.objective("{targetRef: {kind: Service, name: biling}, success: {ratio: 0.9}}")
        let service = read(
            "apiVersion: v1\nkind: Service\nmetadata: {name: billing, namespace: money}\nspec: {ports: [{port: 80}]}\n")
        let resources = (reading.resources + service.resources).map(\.resource)
        let findings = Linter.lint(resources)
        #expect(findings.map(\.remedy) == ["Did you mean billing?"])
        #expect(findings.map(\.field) == ["spec.targetRef"])
    }
}
