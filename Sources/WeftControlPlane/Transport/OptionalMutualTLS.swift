internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import WeftIdentity

/// Puts TLS 1.3 in front of accepted connections, with a client certificate that may be absent but not wrong, and
/// remembers whom each one proved to be.
struct OptionalMutualTLS: Sendable {
    let certificate: ServerCertificate
    /// Whom callers' certificates are verified by.
    let trust: TrustHub
    let peers: ConnectionPeers
    let maxConnections: Int
    /// Counts what was refused.
    var refusals = RefusedHandshakes()
    let logger: Logger
    /// Told of those who showed a certificate that is not believed.
    var watch: RefusalWatch?
    /// Told of those whose identity is revoked.
    var revoked: RevokedCallers?

    /// Adds the handler; fails, so that the connection is closed, when there are too many.
    func secure(_ channel: any Channel) -> EventLoopFuture<Void> {
        let peer = ConnectionPeer()
        let key = Self.key(of: channel)
        guard self.peers.open(key, peer, limit: self.maxConnections) else {
            self.logger.warning("too many connections; one refused", metadata: ["peer": "\(key.remote)"])
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        channel.closeFuture.whenComplete { [peers = self.peers] _ in peers.close(key, peer) }
        let generation = self.certificate.generation
        let (trust, refusals, watch, logger) = (self.trust, self.refusals, self.watch, self.logger)
        let revoked = self.revoked
        return channel.eventLoop.makeCompletedFuture {
            let handler = NIOSSLServerHandler(
                context: generation.context,
                customVerificationCallbackWithMetadata: { certificates, promise in
                    do {
                        let shown = try certificates.map { try $0.toDERBytes() }
                        peer.prove(try trust.verifier.verify(shown, now: Date()))
                        generation.proved.note(shown)
                        promise.succeed(.certificateVerified(VerificationMetadata(nil)))
                    } catch {
                        peer.refuse(error as? SVIDError ?? .malformed("\(error)"))
                        if case .revoked(let identity)? = error as? SVIDError {
                            revoked?.note(identity, now: Int64(Date().timeIntervalSince1970))
                        }
                        // A sidecar whose certificate ran out must not cost its host's operators their logins.
                        watch?.failed(
                            SourceAddress(key.remote), cause: "its certificate was refused: \(error)", subject: "TLS",
                            costs: false)
                        promise.succeed(.failed)
                    }
                })
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.pipeline.syncOperations.addHandler(
                HandshakeWitness(
                    peer: peer, generation: generation, trust: trust, remote: key.remote, refusals: refusals,
                    logger: logger))
        }
    }

    /// Who is at the other end; nil for one that showed no certificate, or whose identity has been revoked since.
    func peer(of channel: any Channel) -> SVIDVerifier.Peer? {
        guard let peer = self.peers[Self.key(of: channel)]?.verified, !self.trust.isRevoked(peer.id) else { return nil }
        return peer
    }

    private static func key(of channel: any Channel) -> ConnectionPeers.Key {
        ConnectionPeers.Key(remote: self.name(of: channel.remoteAddress), local: self.name(of: channel.localAddress))
    }

    /// As the gRPC transport writes an address for its services.
    private static func name(of address: SocketAddress?) -> String {
        switch address {
        case .v4(let known)?: "ipv4:\(known.host):\(address?.port ?? 0)"
        case .v6(let known)?: "ipv6:[\(known.host)]:\(address?.port ?? 0)"
        case .unixDomainSocket?, nil: "<unknown>"
        }
    }
}
