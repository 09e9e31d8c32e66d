import Foundation
import Testing
import WeftModel

@testable import WeftControlPlane

/// Changes to a configuration that contradicts itself, or would.
@Suite(.serialized) struct ContradictionTests {
    private let service = """
        apiVersion: v1
        kind: Service
        metadata: {name: billing}
        spec: {ports: [{port: 80, appProtocol: http}]}
        """
    private let tokens = """
        apiVersion: weft.dev/v1
        kind: RequestAuthentication
        metadata: {name: tokens}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          rules: [{issuer: "https://issuer.example", jwksFile: /nowhere/keys}]
        """
    private let policy = """
        apiVersion: weft.dev/v1
        kind: AuthorizationPolicy
        metadata: {name: guests}
        spec:
          targetRefs: [{kind: Service, name: billing}]
          action: DENY
          rules: [{when: [{claim: role, values: [guest]}]}]
        """
    private let other = """
        apiVersion: v1
        kind: Service
        metadata: {name: other}
        spec: {ports: [{port: 80}]}
        """

    private func error(_ answer: (status: Int, body: Data)) throws -> APIError {
        try JSONDecoder().decode(APIError.self, from: answer.body)
    }

    @Test(.timeLimit(.minutes(10)))
    func
        `a deletion that makes a contradiction is refused unless forced, and what was wrong before blocks nobody else`()
        async throws
    {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let documents = [self.service, self.tokens, self.policy].joined(separator: "\n---\n")
                let applied = try await plane.apply(documents)
                #expect(applied.status == 200, "\(String(decoding: applied.body, as: UTF8.self))")
                let path = "/v1/resources/RequestAuthentication/default/tokens"
                let refused = try await plane.call("DELETE", path)
                #expect(refused.status == 422)
                let error = try self.error(refused)
                #expect(error.message == "nothing was deleted: 1 mistake")
                #expect(error.remedy?.contains("--force") == true)
                #expect(error.diagnostics.first?.resource == "AuthorizationPolicy/default/guests")
                #expect(try await plane.call("GET", path).status == 200)
                let revision = try await plane.get(ResourceList.self, "/v1/resources").revision

                let forced = try await plane.call("DELETE", path + "?force=true")
                #expect(forced.status == 200)
                let deleted = try JSONDecoder().decode(DeleteResponse.self, from: forced.body)
                #expect(deleted.revision == revision.next)
                let told = try #require(deleted.warnings?.first)
                #expect(told.severity == .warning && told.resource == "AuthorizationPolicy/default/guests")

                // Others go on, and hear of it.
                let elsewhere = try await plane.apply(self.other)
                #expect(elsewhere.status == 200)
                let answer = try JSONDecoder().decode(ApplyResponse.self, from: elsewhere.body)
                #expect(answer.warnings.contains { $0.message == told.message && $0.severity == .warning })
                // Whoever applies what is wrong must mend it.
                #expect(try await plane.apply(self.policy).status == 422)
                #expect(try await plane.apply(self.policy + "\n---\n" + self.tokens).status == 200)
                // In its own order everything can go.
                #expect(
                    try await plane.call("DELETE", "/v1/resources/AuthorizationPolicy/default/guests").status == 200)
                #expect(try await plane.call("DELETE", path).status == 200)
                #expect(try await plane.call("DELETE", path).status == 404)
            }
        }
    }

    @Test func `only what a change brings about is new, and an error is one though it was a warning`() {
        let standing = StandingErrors([
            Diagnostic(.error, "a", resource: "X", field: "spec.one"), Diagnostic(.warning, "b", resource: "X"),
        ])
        let after = [
            Diagnostic(.error, "a", resource: "X", field: "spec.two"), Diagnostic(.error, "b", resource: "X"),
            Diagnostic(.warning, "b", resource: "X"), Diagnostic(.error, "a", resource: "Y"),
        ]
        #expect(standing.new(after) == [after[1], after[3]])
        #expect(standing.softened(after, but: []).map(\.severity) == [.warning, .error, .warning, .error])
        #expect(standing.softened(after, but: ["X"]).map(\.severity) == [.error, .error, .warning, .error])
    }
}
