internal import Foundation
internal import Logging
internal import Synchronization
internal import WeftIdentity
internal import WeftModel

/// The way in for those without an identity: not too many at once, each believed by one attestor, all of them taken down.
final class JoinDoor: Sendable {
    private let authority: Authority
    private let attestors: [any WorkloadAttestor]
    private let audit: any AuditLog
    private let refusals: RefusalWatch
    private let throttle: Mutex<AttemptThrottle>

    /// Why nobody came in.
    enum Refusal: Error, Hashable, Sendable {
        case tooFast(retryAfterMillis: Int64)
        /// What was shown does not suffice; the text is for whoever tried.
        case refused(String)
        /// The signing request is at fault.
        case badRequest(String)
        case unavailable(String)
    }

    init(
        authority: Authority, attestors: [any WorkloadAttestor], audit: any AuditLog, refusals: RefusalWatch,
        limits: AttemptThrottle.Limits
    ) {
        self.authority = authority
        self.attestors = attestors
        self.audit = audit
        self.refusals = refusals
        self.throttle = Mutex(AttemptThrottle(limits))
    }

    /// Gives an identity to one who proves to be a workload. Throws `Refusal`.
    func join(_ evidence: JoinEvidence, csr: [UInt8]) async throws(Refusal) -> SVID {
        let millis = Int64(evidence.now.timeIntervalSince1970 * 1000)
        switch self.throttle.withLock({ $0.attempt(from: evidence.source.bytes, now: millis) }) {
        case .admit: break
        case .refuse(let wait, let scope):
            self.refused(evidence, "too many joins of \(scope == .source ? "this address" : "everyone") at once")
            throw .tooFast(retryAfterMillis: wait)
        }
        if let cause = await self.audit.refusal() {
            throw .unavailable("the audit log cannot be written, and nobody joins without: \(cause)")
        }
        let workload: AttestedWorkload
        let svid: SVID
        let attestor = self.attestor(for: evidence)
        do {
            guard let attestor else {
                throw AttestationRefusal(
                    shown: "no such proof is accepted here", cause: "no attestor for such a proof is configured")
            }
            workload = try await attestor.attest(evidence)
            svid = try await self.authority.admit(
                workload, csr: csr, source: evidence.source.bytes, now: evidence.now)
        } catch {
            throw self.refusal(for: error, evidence, millis: millis)
        }
        var details = workload.details
        details["attestation"] = attestor?.name
        details["service"] = workload.service
        details["serial"] = svid.serial
        await self.audit.record(
            AuditEvent(
                at: millis, kind: .attestation, actor: evidence.source.description,
                subject: workload.identity.description, details: details))
        return svid
    }

    private func attestor(for evidence: JoinEvidence) -> (any WorkloadAttestor)? {
        let name =
            switch evidence.proof {
            case .joinToken: "join_token"
            case .kubernetesToken: "kubernetes"
            }
        return self.attestors.first { $0.name == name }
    }

    private func refusal(for error: any Error, _ evidence: JoinEvidence, millis: Int64) -> Refusal {
        let refusal =
            switch error {
            case let refusal as AttestationRefusal: refusal
            // Another took the last use between the look and the taking.
            case let refusal as JoinTokenRefusal: AttestationRefusal(refusal)
            case AuthorityError.refusedRequest(let cause):
                AttestationRefusal(shown: "\(cause)", cause: "the certificate request: \(cause)")
            case let refusal as IssuingRefusal:
                AttestationRefusal(
                    kind: refusal.isTransient ? .unavailable : .refused, shown: "\(refusal)", cause: "\(refusal)")
            default:
                AttestationRefusal(
                    kind: .unavailable, shown: "the control plane could not take the join", cause: "\(error)")
            }
        if refusal.kind == .refused, !evidence.source.bytes.isEmpty {
            self.throttle.withLock { $0.failed(evidence.source.bytes, now: millis) }
        }
        self.refused(evidence, refusal.cause)
        if case AuthorityError.refusedRequest(let cause) = error { return .badRequest("\(cause)") }
        return refusal.kind == .refused ? .refused(refusal.shown) : .unavailable(refusal.shown)
    }

    private func refused(_ evidence: JoinEvidence, _ cause: String) {
        let claimed = evidence.service.isEmpty ? "a workload" : "\(evidence.service).\(evidence.namespace)"
        self.refusals.failed(
            evidence.source, cause: cause, kind: .attestation, subject: String(claimed.prefix(128)), costs: false,
            now: evidence.now)
    }
}
