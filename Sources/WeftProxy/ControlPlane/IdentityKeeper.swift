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
    let logger: Logger

    /// How long one renewal may take, the wait for a connection included.
    private static let renewalLimit = Duration.seconds(30)

    /// The identity saved by an earlier run, while it is valid.
    func saved() -> WorkloadIdentity? {
        guard let storage = self.storage else { return nil }
        do {
            guard let identity = try WorkloadIdentity.load(from: storage) else { return nil }
            if identity.notAfter > Date() { return identity }
            self.logger.warning("the saved identity has expired", metadata: ["identity": "\(identity)"])
        } catch {
            self.logger.warning("the saved identity is not used", metadata: ["cause": "\(error)"])
        }
        return nil
    }

    /// Trades the join token for an identity; tries until the control plane answers. Throws `ControlPlaneRefusal` when
    /// there is no token, or it is refused.
    func join() async throws -> WorkloadIdentity {
        guard let text = self.connection.access.joinToken else {
            throw ControlPlaneRefusal(
                cause: "there is no identity and no join token", remedy: "make one with `weft token create`")
        }
        guard let token = JoinToken(text) else {
            throw ControlPlaneRefusal(
                cause: "the join token is not one", remedy: "it reads weft1.<id>.<secret>.<fingerprint>")
        }
        var backoff = ReconnectBackoff()
        var absence = AbsenceNotice()
        while true {
            do {
                let identity = try await self.join(with: token)
                self.save(identity)
                return identity
            } catch let error as RPCError where Self.isFinal(error.code) {
                throw ControlPlaneRefusal(
                    cause: "the control plane refused \(token): \(error.message)",
                    remedy: "make a new one with `weft token create`")
            } catch let error as WorkloadIdentityError {
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

    private static func isFinal(_ code: RPCError.Code) -> Bool {
        [.permissionDenied, .unauthenticated, .invalidArgument].contains(code)
    }

    private func join(with token: JoinToken) async throws -> WorkloadIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try Weft_V1_JoinRequest.with {
            $0.token = token.text
            $0.csrDer = Data(try SigningRequest.der(for: key))
            $0.service = self.service?.name ?? ""
            $0.namespace = self.service?.namespace ?? ""
        }
        let transport = try self.connection.transport(pinning: token.rootFingerprint)
        let response = try await withGRPCClient(transport: transport) { client in
            try await Weft_V1_WorkloadService.Client(wrapping: client).join(request)
        }
        // The roots in the answer are believed because the root that the token pins stood behind the connection.
        return try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: response.bundleDer.map { Array($0) },
            now: Date())
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
        let response = try await Weft_V1_WorkloadService.Client(wrapping: client).renew(request, options: options)
        let renewed = try WorkloadIdentity(
            key: key, chain: response.certificateChainDer.map { Array($0) },
            bundle: response.bundleDer.map { Array($0) },
            expecting: identity.id, now: Date())
        self.save(renewed)
        return renewed
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

    package var description: String { "\(self.cause); \(self.remedy)" }
}
