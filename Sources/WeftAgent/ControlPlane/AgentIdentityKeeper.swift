internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos
internal import WeftProxy

/// Gets the agent's own identity: from disk, by its token, and by renewing under the one it has.
struct AgentIdentityKeeper: Sendable {
    let connection: ControlPlaneConnection
    let storage: PrivateDirectory
    let host: String
    let logger: Logger

    /// The identity saved by an earlier run, while it is valid.
    func saved() throws -> WorkloadIdentity? {
        let identity: WorkloadIdentity
        do {
            guard let found = try WorkloadIdentity.load(from: self.storage) else { return nil }
            identity = found
        } catch {
            self.logger.warning("the saved identity is not used", metadata: ["cause": "\(error)"])
            return nil
        }
        guard identity.id.agentHost == self.host else {
            throw ControlPlaneRefusal(
                cause: "\(self.storage.path) holds the identity \(identity.id), and this host is called \(self.host)",
                remedy: "start with --host \(identity.id.agentHost ?? "…"), or with another --data-dir and a new token")
        }
        if identity.notAfter > Date() { return identity }
        self.logger.warning("the saved identity has expired", metadata: ["identity": "\(identity)"])
        return nil
    }

    /// Trades the token for an identity; tries until the control plane answers. Throws `ControlPlaneRefusal` when there is
    /// no token, or it is refused.
    func attest() async throws -> WorkloadIdentity {
        guard let text = self.connection.access.joinToken else {
            throw ControlPlaneRefusal(
                cause: "there is no identity and no token",
                remedy: "make one with `weft token create --agent --host \(self.host)`")
        }
        guard let token = JoinToken(text) else {
            throw ControlPlaneRefusal(
                cause: "the token is not one", remedy: "it reads weft1.<id>.<secret>.<fingerprint>")
        }
        var backoff = ReconnectBackoff()
        var absence = AbsenceNotice()
        while true {
            do {
                let identity = try await self.attest(with: token)
                self.save(identity)
                return identity
            } catch let error as RPCError
                where [.permissionDenied, .unauthenticated, .invalidArgument, .unimplemented].contains(error.code)
            {
                throw ControlPlaneRefusal(
                    cause: "the control plane refused \(token): \(error.message)",
                    remedy: "make a new one with `weft token create --agent --host \(self.host)`")
            } catch let error as WorkloadIdentityError {
                throw ControlPlaneRefusal(
                    cause: "\(error)", remedy: "check the clocks, and which control plane this is")
            } catch {
                if let cause = self.connection.refusal.take() {
                    throw ControlPlaneRefusal(
                        cause: cause,
                        remedy: "check --control and the clocks, and use a token that this control plane made")
                }
                let wait = backoff.next()
                if absence.failed(now: .now) {
                    self.logger.warning(
                        "the control plane cannot be reached; it goes on being tried",
                        metadata: ["cause": "\(error)"])
                }
                try await Task.sleep(for: wait)
            }
        }
    }

    private func attest(with token: JoinToken) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try Weft_V1_AttestRequest.with {
            $0.token = token.text
            $0.csrDer = Data(try SigningRequest.der(for: key))
            $0.host = self.host
        }
        let transport = try self.connection.transport(pinning: token.rootFingerprint)
        let response = try await withGRPCClient(transport: transport) { client in
            try await Weft_V1_AgentService.Client(wrapping: client).attest(request)
        }
        let identity = try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: response.bundleDer.map { Array($0) }, now: Date())
        guard identity.id.agentHost == self.host else {
            throw WorkloadIdentityError.damaged("it is \(identity.id), not that of the host \(self.host)")
        }
        return identity
    }

    /// Trades `identity`, which `client` connects under, for a newer one.
    func renew(
        _ identity: WorkloadIdentity, over client: GRPCClient<ControlPlaneConnection.Transport>
    ) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try Weft_V1_RenewRequest.with { $0.csrDer = Data(try SigningRequest.der(for: key)) }
        let response = try await Weft_V1_AgentService.Client(wrapping: client).renew(request)
        let renewed = try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: response.bundleDer.map { Array($0) }, expecting: identity.id, now: Date())
        self.save(renewed)
        return renewed
    }

    /// An identity that cannot be saved is used all the same: the next start needs a token then.
    private func save(_ identity: WorkloadIdentity) {
        do { try identity.save(to: self.storage) } catch {
            self.logger.error("the identity could not be saved", metadata: ["cause": "\(error)"])
        }
    }
}
