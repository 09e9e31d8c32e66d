import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct KubernetesTokenAttestorTests {
    private let secret = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJiaWxsaW5nIn0.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0"

    /// Runs an API server, and an attestor that asks it.
    private func withAttestor(
        timeout: Duration = .seconds(20), _ body: (FakeKubernetes, KubernetesTokenAttestor) async throws -> Void
    ) async throws {
        let directory = "/tmp/weft-k8s-\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let server = try FakeKubernetes()
        try Data(server.authorities.utf8).write(to: URL(fileURLWithPath: "\(directory)/ca.crt"))
        try Data("own.own.own\n".utf8).write(to: URL(fileURLWithPath: "\(directory)/token"))
        try await server.serving { port in
            var configuration = ControlPlaneConfiguration.Kubernetes(
                url: try #require(HTTPSAddress("https://127.0.0.1:\(port)")), caFile: "\(directory)/ca.crt",
                tokenFile: "\(directory)/token")
            configuration.timeout = timeout
            configuration.services = ["shop/billing": ["invoices"]]
            try await body(server, KubernetesTokenAttestor(configuration, trustDomain: .standard))
        }
    }

    private func evidence(service: String = "billing", namespace: String = "shop", token: String? = nil) -> JoinEvidence
    {
        JoinEvidence(
            proof: .kubernetesToken(token ?? self.secret), service: service, namespace: namespace,
            source: SourceAddress("ipv4:10.0.0.1:1"), now: Date())
    }

    /// The refusal, after a look that the token is nowhere in it.
    private func refusal(
        _ attestor: KubernetesTokenAttestor, _ evidence: JoinEvidence
    ) async throws -> AttestationRefusal {
        do {
            let workload = try await attestor.attest(evidence)
            Issue.record("\(workload) was believed")
            throw CancellationError()
        } catch let refusal as AttestationRefusal {
            #expect(!"\(refusal) \(refusal.cause) \(refusal.shown) \(evidence)".contains("c2lnbmF0dXJl"))
            return refusal
        }
    }

    @Test func `a good token gives the identity of its service account, after one question with our own token`()
        async throws
    {
        try await self.withAttestor { server, attestor in
            server.answers()
            let workload = try await attestor.attest(self.evidence())
            #expect(workload.identity.description == "spiffe://mesh.local/ns/shop/sa/billing")
            #expect(workload.service == "billing")
            #expect(try await attestor.attest(self.evidence(service: "invoices")).service == "invoices")
            #expect(try await attestor.attest(self.evidence(service: "", namespace: "")).service == "billing")
            let seen = try #require(server.requests.first)
            #expect(seen.path == "/apis/authentication.k8s.io/v1/tokenreviews")
            #expect(seen.authorization == "Bearer own.own.own")
            #expect(seen.body.contains(#""audiences":["weft"]"#))
        }
    }

    @Test func `another service or namespace than the account's is refused, and its holder hears why`() async throws {
        try await self.withAttestor { server, attestor in
            server.answers()
            let other = try await self.refusal(attestor, self.evidence(service: "payments"))
            #expect(other.shown.contains("invoices.shop"))
            _ = try await self.refusal(attestor, self.evidence(namespace: "default"))
        }
    }

    @Test func `a cluster names no control plane, and an admin of the API only where that is asked for`() async throws {
        try await self.withAttestor { server, attestor in
            let evidence = self.evidence(service: "", namespace: "")
            server.answers(user: "system:serviceaccount:weft:control")
            #expect(try await self.refusal(attestor, evidence).shown.contains("control plane's own"))
            server.answers(user: "system:serviceaccount:weft:admin")
            #expect(try await self.refusal(attestor, evidence).shown.contains("--kubernetes-admin"))
            var configuration = attestor.configuration
            configuration.admitsAdmin = true
            let trusting = KubernetesTokenAttestor(configuration, trustDomain: .standard)
            #expect(try await trusting.attest(evidence).identity.path == "/ns/weft/sa/admin")
            server.answers(user: "system:serviceaccount:weft:control")
            _ = try await self.refusal(trusting, evidence)
        }
    }

    @Test func `a wrong audience, a token not known and a user that is no account are refused alike to the outside`()
        async throws
    {
        try await self.withAttestor { server, attestor in
            server.answers(audience: "api")
            let audience = try await self.refusal(attestor, self.evidence())
            server.answers(authenticated: false)
            let unknown = try await self.refusal(attestor, self.evidence())
            server.answers(user: "jane")
            let user = try await self.refusal(attestor, self.evidence())
            #expect(Set([audience.shown, unknown.shown, user.shown]).count == 1)
            #expect(Set([audience.cause, unknown.cause, user.cause]).count == 3)
            #expect(audience.kind == .refused)
        }
    }

    @Test func `an API server that fails, repeats the token, floods or says nothing is no refusal and no identity`()
        async throws
    {
        try await self.withAttestor { server, attestor in
            for answer in [
                FakeKubernetes.Answer.status(500, self.secret), .status(403, "no"), .status(201, "{"),
                .status(201, String(repeating: "x", count: TokenReview.maxReplyBytes + 1)),
            ] {
                server.answers(answer)
                let refusal = try await self.refusal(attestor, self.evidence())
                #expect(refusal.kind == .unavailable)
            }
        }
        try await self.withAttestor(timeout: .milliseconds(300)) { server, attestor in
            server.answers(.silence)
            let refusal = try await self.refusal(attestor, self.evidence())
            #expect(refusal.kind == .unavailable)
        }
    }

    @Test func `a server by another authority is told no token`() async throws {
        try await self.withAttestor { server, attestor in
            server.answers()
            var configuration = attestor.configuration
            let directory = "/tmp/weft-k8s-\(UInt32.random(in: .min ... .max))"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try Data(try FakeKubernetes().authorities.utf8).write(to: URL(fileURLWithPath: "\(directory)/ca.crt"))
            configuration.caFile = "\(directory)/ca.crt"
            let wary = KubernetesTokenAttestor(configuration, trustDomain: .standard)
            #expect(try await self.refusal(wary, self.evidence()).kind == .unavailable)
            #expect(server.requests.isEmpty)
            #expect(try await self.refusal(attestor, self.evidence(token: "no token")).kind == .refused)
            #expect(server.requests.isEmpty)
        }
    }
}
