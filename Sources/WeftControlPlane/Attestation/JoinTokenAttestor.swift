internal import WeftIdentity
internal import WeftModel

/// Believes those who hold a join token.
struct JoinTokenAttestor: WorkloadAttestor {
    let authority: Authority

    var name: String { "join_token" }

    func attest(_ evidence: JoinEvidence) async throws -> AttestedWorkload {
        guard case .joinToken(let text) = evidence.proof else {
            throw AttestationRefusal(shown: "a join token is needed", cause: "no join token was shown")
        }
        do {
            return try await self.authority.joiner(
                token: text, service: evidence.service, namespace: evidence.namespace, source: evidence.source.bytes,
                now: evidence.now)
        } catch let refusal as JoinTokenRefusal {
            throw AttestationRefusal(refusal)
        }
    }
}

extension AttestationRefusal {
    init(_ refusal: JoinTokenRefusal) { self.init(shown: "\(refusal)", cause: refusal.cause) }
}
