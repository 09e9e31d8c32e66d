internal import Foundation
internal import NIOHTTP1
internal import Synchronization
internal import WeftModel

/// Believes those who hold a service-account token of a Kubernetes cluster, after asking its API server.
///
/// The identity is `ns/NAMESPACE/sa/ACCOUNT`. A pod's labels are not asked for, so the service is the account's name, or
/// one that the operator set for the account.
struct KubernetesTokenAttestor: WorkloadAttestor {
    let configuration: ControlPlaneConfiguration.Kubernetes
    let trustDomain: TrustDomain
    private let asking = Asking()

    init(_ configuration: ControlPlaneConfiguration.Kubernetes, trustDomain: TrustDomain) {
        self.configuration = configuration
        self.trustDomain = trustDomain
    }

    var name: String { "kubernetes" }

    func attest(_ evidence: JoinEvidence) async throws -> AttestedWorkload {
        guard case .kubernetesToken(let token) = evidence.proof else {
            throw AttestationRefusal(
                shown: "a service-account token is needed", cause: "no service-account token was shown")
        }
        guard TokenReview.isToken(token) else { throw Self.refused("what was shown has not the form of a token") }
        switch try await self.review(token) {
        case .refused(let cause): throw Self.refused(cause)
        case .unavailable(let cause): throw Self.unavailable(cause)
        case .account(let namespace, let account):
            if let cause = self.reservation(namespace: namespace, account: account) {
                throw AttestationRefusal(shown: cause, cause: cause)
            }
            let allowed = self.services(namespace: namespace, account: account)
            let service = evidence.service.isEmpty ? account : evidence.service
            guard evidence.namespace.isEmpty || evidence.namespace == namespace, allowed.contains(service) else {
                // Whose token it is was proved, so its holder may hear why.
                let cause =
                    "the service account \(namespace)/\(account) may join as \(allowed.sorted().map { "\($0).\(namespace)" }.joined(separator: ", ")), not as \(service.prefix(64)).\(evidence.namespace.prefix(64))"
                throw AttestationRefusal(shown: cause, cause: cause)
            }
            return AttestedWorkload(
                identity: SPIFFEID(trustDomain: self.trustDomain, namespace: namespace, account: account),
                service: service, proof: .other, details: ["account": "\(namespace)/\(account)"])
        }
    }

    /// Why the cluster's word does not suffice for an account of these names.
    private func reservation(namespace: String, account: String) -> String? {
        switch ReservedIdentity(namespace: namespace, account: account) {
        case .controlPlane?: ReservedIdentity.controlPlane.refusal
        case .admin? where !self.configuration.admitsAdmin:
            "the account admin in the namespace weft is an admin of the control plane's API, and clusters do not name those; start the control plane with --kubernetes-admin where this one may"
        case .admin?, nil: nil
        }
    }

    private func services(namespace: String, account: String) -> Set<String> {
        self.configuration.services["\(namespace)/\(account)", default: []].union([account])
    }

    private func review(_ token: String) async throws -> TokenReview.Verdict {
        guard self.asking.begin() else { throw Self.unavailable("too many questions to the API server are open") }
        defer { self.asking.end() }
        guard let own = try? String(contentsOfFile: self.configuration.tokenFile, encoding: .utf8) else {
            throw Self.unavailable("the control plane's own token \(self.configuration.tokenFile) cannot be read")
        }
        let bearer = own.trimmingCharacters(in: .whitespacesAndNewlines)
        guard TokenReview.isToken(bearer) else {
            throw Self.unavailable("\(self.configuration.tokenFile) holds no token")
        }
        let base = self.configuration.url.path == "/" ? "" : self.configuration.url.path
        let request = HTTPSFetch.Request(
            address: self.configuration.url, path: base + TokenReview.path, method: .POST,
            headers: [("authorization", "Bearer \(bearer)"), ("content-type", "application/json")],
            body: TokenReview.request(token: token, audience: self.configuration.audience))
        let fetch = HTTPSFetch(timeout: self.configuration.timeout, maxBytes: TokenReview.maxReplyBytes)
        do {
            let reply = try await fetch.send(request, trusting: .web(roots: self.configuration.caFile))
            return TokenReview.verdict(
                status: reply.status, body: reply.body, audience: self.configuration.audience)
        } catch let error as HTTPSFetch.Failure {
            return .unavailable(cause: "the Kubernetes API server \(self.configuration.url.authority): \(error)")
        }
    }

    private static func refused(_ cause: String) -> AttestationRefusal {
        AttestationRefusal(shown: "the service-account token is not accepted here", cause: cause)
    }

    private static func unavailable(_ cause: String) -> AttestationRefusal {
        AttestationRefusal(
            kind: .unavailable, shown: "the service-account token cannot be checked at the moment", cause: cause)
    }

    /// Counts the questions that are open.
    private final class Asking: Sendable {
        private let open = Mutex(0)

        func begin() -> Bool {
            self.open.withLock { open in
                guard open < 64 else { return false }
                open += 1
                return true
            }
        }

        func end() { self.open.withLock { $0 -= 1 } }
    }
}
