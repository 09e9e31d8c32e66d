internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import WeftIdentity

/// The mesh's gRPC transport: HTTP/2 over the `MeshListener`, and with every call the identity of its caller.
struct MeshTransport: ServerTransport {
    typealias Bytes = GRPCNIOTransportBytes

    private let http2: HTTP2ServerTransport.Custom<MeshListener>
    private let peers: ConnectionPeers
    private let trust: TrustHub

    init(_ listener: MeshListener, limits: ControlPlaneConfiguration.Limits) {
        var config = HTTP2ServerTransport.Custom<MeshListener>.Config.defaults
        config.rpc.maxRequestPayloadSize = limits.messageBytes
        config.http2.maxConcurrentStreams = limits.streamsPerConnection
        // A proxy that is told nothing for long asks whether we are still there; gRPC and Envoy do so every 30 s.
        config.connection.keepalive.clientBehavior = .init(
            minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true)
        // A peer that vanished without a word is found out within this.
        config.connection.keepalive.time = .seconds(30)
        config.connection.keepalive.timeout = .seconds(10)
        self.http2 = HTTP2ServerTransport.Custom(listenerFactory: listener, config: config)
        self.peers = listener.tls.peers
        self.trust = listener.tls.trust
    }

    /// The port it listens on; nil once it does not.
    var listeningPort: Int? {
        get async {
            guard let address = await self.http2.listeningAddress else { return nil }
            return address.ipv4?.port ?? address.ipv6?.port
        }
    }

    func listen(
        streamHandler:
            @escaping @Sendable (_ stream: RPCStream<Inbound, Outbound>, _ context: ServerContext) async -> Void
    ) async throws {
        try await self.http2.listen { [peers = self.peers, trust = self.trust] stream, context in
            var context = context
            let key = ConnectionPeers.Key(remote: context.remotePeer, local: context.localPeer)
            let peer = peers[key]?.verified
            context.transportSpecific = CallPeer(
                verified: peer, isRevoked: peer.map { trust.isRevoked($0.id) } ?? false)
            await streamHandler(stream, context)
        }
    }

    func beginGracefulShutdown() { self.http2.beginGracefulShutdown() }
    func configure(context: GRPCServerContext) { self.http2.configure(context: context) }
}
