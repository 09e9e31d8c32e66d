internal import Crypto
internal import FoundationEssentials
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Logging
internal import SwiftProtobuf
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Takes the sidecar's identity from the agent of its host, by the SPIFFE Workload API, instead of a join token. Nothing of
/// it is saved: the agent has it whenever it is asked.
struct AgentIdentitySource: Sendable {
    /// The agent's Unix socket.
    let socket: String
    /// Which of the identities of this process is meant.
    let namespace: String
    let account: String
    let logger: Logger

    /// The first identity, or the one that follows `old`: another certificate, or other roots. Waits for it, however long
    /// the agent is away.
    func next(after old: WorkloadIdentity?) async throws -> WorkloadIdentity {
        var backoff = ReconnectBackoff()
        var absence = AbsenceNotice()
        while true {
            var cause = "the agent ended the stream"
            do {
                if let identity = try await self.follow(after: old) { return identity }
            } catch let error as RPCError {
                cause = error.message
            } catch {
                cause = "\(error)"
            }
            try Task.checkCancellation()
            if absence.failed(now: .now) {
                self.logger.warning(
                    "the agent of this host gives no identity; it goes on being asked",
                    metadata: [
                        "socket": "\(self.socket)", "identity": "ns/\(self.namespace)/sa/\(self.account)",
                        "cause": "\(cause)", "until": "\(old.map { $0.notAfter.formatted(.iso8601) } ?? "now")",
                    ])
            }
            try await Task.sleep(for: backoff.next())
        }
    }

    /// Follows one stream until it brings what is wanted; nil when it ends before.
    private func follow(after old: WorkloadIdentity?) async throws -> WorkloadIdentity? {
        let transport = try HTTP2ClientTransport.Posix(
            target: .unixDomainSocket(path: self.socket), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { client in
            try await SpiffeWorkloadAPI.Client(wrapping: client).fetchX509SVID(
                X509SVIDRequest(), metadata: ["workload.spiffe.io": "true"]
            ) { response in
                for try await message in response.messages {
                    guard let identity = try self.identity(in: message) else {
                        self.logger.warning(
                            "the agent gives this process identities, and not the one that is meant",
                            metadata: ["given": "\(message.svids.map(\.spiffeID).joined(separator: ", "))"])
                        continue
                    }
                    if identity.serial != old?.serial || identity.bundle != old?.bundle { return identity }
                }
                return nil
            }
        }
    }

    /// The identity that is meant; nil where it is not among those given. Throws for one that does not hold together.
    private func identity(in message: X509SVIDResponse) throws -> WorkloadIdentity? {
        let path = "/ns/\(self.namespace)/sa/\(self.account)"
        guard let svid = message.svids.first(where: { $0.spiffeID.hasSuffix(path) }) else { return nil }
        guard let chain = ConcatenatedDER.split([UInt8](svid.x509Svid)),
            let bundle = ConcatenatedDER.split([UInt8](svid.bundle))
        else { throw WorkloadIdentityError.damaged("the agent's certificates cannot be read") }
        let identity = try WorkloadIdentity(
            key: try P256.Signing.PrivateKey(derRepresentation: svid.x509SvidKey), chain: chain, bundle: bundle,
            now: Date())
        guard identity.id.path == path else {
            throw WorkloadIdentityError.damaged("the certificate is for \(identity.id)")
        }
        return identity
    }
}
