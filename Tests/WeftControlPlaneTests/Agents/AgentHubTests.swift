import Testing
import WeftIdentity
import WeftModel

@testable import WeftControlPlane

@Suite struct AgentHubTests {
    private static let trust = WorkloadTrust(
        own: TrustedDomain(trustDomain: .standard, roots: [], keySet: "{}"))

    private static func entry(_ name: String) -> Resource {
        .registrationEntry(
            RegistrationEntry(
                metadata: Metadata(name: name), account: name, selectors: [.uid(1)]))
    }

    @Test func `a revoked identity is given to no agent, and one that is restored is given again`() async {
        let hub = AgentHub(trust: Self.trust)
        hub.publish([Self.entry("billing"), Self.entry("web")])
        #expect(hub.entries(for: "db-1").map(\.id) == ["default/billing", "default/web"])
        let (id, wakeUps) = hub.subscribe()
        let billing = SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing")
        hub.publish(Self.trust, revoked: [billing])
        for await _ in wakeUps { break }
        #expect(hub.entries(for: "db-1").map(\.id) == ["default/web"])
        // Whoever asks for it all the same is told why.
        #expect(hub.entry("default/billing", for: "db-1") != nil)
        hub.publish(Self.trust, revoked: [])
        #expect(hub.entries(for: "db-1").count == 2)
        hub.unsubscribe(id)
    }
}
