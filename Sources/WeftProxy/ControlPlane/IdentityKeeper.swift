internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Gets the sidecar's identity: from disk, by joining, and by renewing under the one it has. The private key never
/// leaves the process but for its own file.
struct IdentityKeeper: Sendable {
    let connection: ControlPlaneConnection
    /// Nil keeps nothing.
    let storage: PrivateDirectory?
    /// What the join token must be for; nil takes any.
    let service: ServiceName?
    /// The account that the identity must have; nil takes any.
    var account: String?
    let trust: TrustKeeper
    let logger: Logger

    /// How long one renewal may take, the wait for a connection included.
    private static let renewalLimit = Duration.seconds(30)

    /// The identity saved by an earlier run, while it is valid.
    func saved() -> WorkloadIdentity? {
        guard let storage = self.storage else { return nil }
        do {
            guard let identity = try WorkloadIdentity.load(from: storage) else { return nil }
            if let cause = self.mismatch(of: identity) {
                self.logger.warning("the saved identity is not used", metadata: ["cause": "\(cause)"])
            } else if identity.notAfter > Date() {
                try self.trust.restore(for: identity)
                return identity
            } else {
                self.logger.warning("the saved identity has expired", metadata: ["identity": "\(identity)"])
            }
        } catch {
            self.logger.warning("the saved identity is not used", metadata: ["cause": "\(error)"])
        }
        return nil
    }

    /// Trades the join token for an identity; tries until the control plane answers. Throws `ControlPlaneRefusal` when
    /// there is no token, or it is refused.
    func join() async throws -> WorkloadIdentity {
        let proof = try JoinProof(self.connection.access)
        var backoff = ReconnectBackoff()
        var absence = AbsenceNotice()
        while true {
            do {
                let identity = try await self.join(with: proof)
                self.begin(identity)
                return identity
            } catch let error as RPCError where Self.isFinal(error.code) {
                throw ControlPlaneRefusal(
                    cause: "the control plane refused \(proof): \(error.message)", remedy: proof.remedy)
            } catch let error as ControlPlaneRefusal {
                throw error
            } catch let error where error is WorkloadIdentityError || error is TrustStateError {
                throw ControlPlaneRefusal(
                    cause: "\(error)", remedy: "check the clocks, and which control plane this is")
            } catch {
                if let cause = self.connection.refusal.take() {
                    throw ControlPlaneRefusal(
                        cause: cause,
                        remedy: "check --control-plane and the clocks, and use a token that this control plane made")
                }
                let wait = backoff.next()
                if absence.failed(now: .now) {
                    self.logger.warning(
                        "the control plane cannot be reached; joining goes on being tried",
                        metadata: [
                            "address": "\(self.connection.access.host):\(self.connection.access.port)",
                            "cause": "\(error)",
                        ])
                }
                try await Task.sleep(for: wait)
            }
        }
    }

    /// Why the control plane would never let this workload register with `identity`; nil where nothing stands against it.
    private func mismatch(of identity: WorkloadIdentity) -> String? {
        guard let service = self.service, let account = self.account else { return nil }
        guard identity.id.workload.map({ $0.namespace == service.namespace && $0.account == account }) != true else {
            return nil
        }
        return "\(identity.id) is not the account \(account) of the namespace \(service.namespace)"
    }

    private static func isFinal(_ code: RPCError.Code) -> Bool {
        [.permissionDenied, .unauthenticated, .invalidArgument].contains(code)
    }

    private func join(with proof: JoinProof) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try Weft_V1_JoinRequest.with {
            switch proof.kind {
            case .joinToken(let token): $0.token = token.text
            case .kubernetes(let file): $0.kubernetesToken = try JoinProof.kubernetesToken(in: file)
            }
            $0.csrDer = Data(try SigningRequest.der(for: key))
            $0.service = self.service?.name ?? ""
            $0.namespace = self.service?.namespace ?? ""
        }
        let transport = try self.connection.transport(pinning: proof.rootFingerprint)
        let response = try await withGRPCClient(transport: transport) { client in
            try await Weft_V1_WorkloadService.Client(wrapping: client).join(request)
        }
        // The roots in the answer are believed because the root that the token pins stood behind the connection.
        let trust = response.hasTrust ? try TrustState(response.trust) : nil
        let identity = try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: trust?.roots ?? response.bundleDer.map { Array($0) },
            now: Date())
        if let cause = self.mismatch(of: identity) {
            throw ControlPlaneRefusal(
                cause: "\(proof) gives an identity that this workload cannot register with: \(cause)",
                remedy: proof.remedy(for: self.service, account: self.account))
        }
        if let trust, trust.trustDomain != identity.id.trustDomain {
            throw TrustStateError.otherTrustDomain(trust.trustDomain, expected: identity.id.trustDomain)
        }
        try self.trust.begin(
            with: trust ?? TrustState(trustDomain: identity.id.trustDomain, roots: identity.bundle))
        return identity
    }

    /// Keeps an identity of another origin than the one before: what was trusted then is forgotten first, so that no
    /// crash leaves the one with the other.
    private func begin(_ identity: WorkloadIdentity) {
        if let storage = self.storage {
            do { try SavedTrust.remove(from: storage) } catch {
                self.logger.error("what was trusted could not be forgotten", metadata: ["cause": "\(error)"])
            }
        }
        self.save(identity)
        self.trust.save()
    }

    /// Trades `identity`, which `client` connects under, for a newer one.
    func renew(
        _ identity: WorkloadIdentity, over client: GRPCClient<ControlPlaneConnection.Transport>
    ) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try Weft_V1_RenewRequest.with { $0.csrDer = Data(try SigningRequest.der(for: key)) }
        // A control plane that takes the call and never answers must not keep the next attempt from being made.
        var options = CallOptions.defaults
        options.timeout = Self.renewalLimit
        let demand = self.trust.held?.state.renewBefore
        let response = try await Weft_V1_WorkloadService.Client(wrapping: client).renew(request, options: options)
        try self.believe(response, of: identity)
        let renewed = try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: self.trust.held?.state.roots ?? response.bundleDer.map { Array($0) },
            expecting: identity.id, now: Date())
        self.save(renewed)
        self.trust.renewed(for: demand)
        return renewed
    }

    /// Takes what came with a certificate, unless something newer is known. A control plane that does not tell versions
    /// tells roots alone.
    private func believe(_ response: Weft_V1_SVIDResponse, of identity: WorkloadIdentity) throws {
        if response.hasTrust {
            _ = try self.trust.take(try TrustState(response.trust))
        } else if let held = self.trust.held?.state, held.version == 0 {
            var next = held
            next.roots = response.bundleDer.map { Array($0) }
            _ = try self.trust.take(next)
        }
    }

    /// An identity that cannot be saved is used all the same: the next start needs a token then.
    private func save(_ identity: WorkloadIdentity) {
        guard let storage = self.storage else { return }
        do { try identity.save(to: storage) } catch {
            self.logger.error("the identity could not be saved", metadata: ["cause": "\(error)"])
        }
    }
}

/// The control plane will not have this sidecar; trying again changes nothing.
package struct ControlPlaneRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package var cause: String
    package var remedy: String

    package init(cause: String, remedy: String) {
        self.cause = cause
        self.remedy = remedy
    }

    package var description: String { "\(self.cause); \(self.remedy)" }
}
