import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct DisbelievedCallerTests {
    private let caller = SPIFFEID(trustDomain: .standard, namespace: "default", account: "web")

    private func answers(_ configure: (inout AuthorizationAnswers) -> Void = { _ in }) throws -> AuthorizationAnswers {
        let name = InboundListener.name(namespace: "default", workload: "billing-1", appPort: 8080)
        var snapshot = MeshSnapshot(revision: Revision(1))
        snapshot.listeners[name] = .inbound(
            InboundListener(
                name: name, service: ServiceName(namespace: "default", name: "billing"), address: "127.0.0.1",
                port: 15006, appPort: 8080, appProtocol: .http, mtls: .strict))
        var registry = Registry()
        for (index, labels) in [["tier": "gold"], [:]].enumerated() {
            _ = try registry.register(
                Workload(
                    metadata: Metadata(name: "billing-\(index + 1)", labels: labels), account: "billing",
                    service: "billing", address: "127.0.0.1", ports: [Workload.Port(port: 8080, inboundPort: 15006)]),
                identity: SPIFFEID(trustDomain: .standard, namespace: "default", account: "billing"),
                services: ["billing"], proxyVersion: "1", connection: UInt64(index + 1), now: .now, since: 1)
        }
        var answers = AuthorizationAnswers(snapshot: snapshot, entries: registry.all, trustDomain: .standard)
        configure(&answers)
        return answers
    }

    private func verdict(
        from identity: String, to service: String = "billing",
        _ configure: (inout AuthorizationAnswers) -> Void = { _ in }
    ) throws -> AuthorizationCheckReport.Verdict? {
        try self.answers(configure).check(AuthorizationCheckRequest(from: identity, to: service)).verdicts.first
    }

    @Test func `an identity that is revoked gets nowhere, whatever policies say`() throws {
        #expect(try self.verdict(from: "\(self.caller)")?.isAllowed == true)
        let verdict = try #require(try self.verdict(from: "\(self.caller)") { $0.revoked = [self.caller] })
        #expect(!verdict.isAllowed)
        #expect(verdict.reason == Reason.tlsFailed.rawValue)
        #expect(verdict.because.contains("is revoked"))
    }

    @Test func `an identity of a trust domain that nobody believes gets nowhere`() throws {
        let foreign = "spiffe://other.example/ns/default/sa/web"
        let verdict = try #require(try self.verdict(from: foreign))
        #expect(!verdict.isAllowed)
        #expect(verdict.because.contains("nobody here believes the trust domain other.example"))
        let domain = try #require(TrustDomain("other.example"))
        #expect(try self.verdict(from: foreign) { $0.federated = [domain] }?.isAllowed == true)
    }

    @Test func `a service is asked about where its selector leads, and not where workloads say it does`() throws {
        let vault = ServiceName(namespace: "default", name: "vault")
        #expect(
            try self.verdict(from: "\(self.caller)", to: "vault") { $0.selectors[vault] = ["app": "billing"] }?
                .isAllowed
                == true)
        #expect(throws: APIError.self) {
            try self.verdict(from: "\(self.caller)", to: "vault") { $0.selectors[vault] = ["tier": "gold"] }
        }
    }
}
