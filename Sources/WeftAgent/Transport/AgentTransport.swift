internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix

/// The agent's gRPC transport: HTTP/2 over a Unix socket, and with every call the process that makes it.
struct AgentTransport: ServerTransport {
    typealias Bytes = GRPCNIOTransportBytes

    private let http2: HTTP2ServerTransport.Custom<AgentListener>
    private let callers: CallerTable

    init(_ listener: AgentListener, limits: AgentConfiguration.Limits) {
        var config = HTTP2ServerTransport.Custom<AgentListener>.Config.defaults
        config.rpc.maxRequestPayloadSize = limits.messageBytes
        config.http2.maxConcurrentStreams = limits.streamsPerConnection
        config.connection.keepalive.clientBehavior = .init(
            minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true)
        self.http2 = HTTP2ServerTransport.Custom(listenerFactory: listener, config: config)
        self.callers = listener.callers
    }

    /// Whether it listens; waits until that is known.
    var isListening: Bool { get async { await self.http2.listeningAddress != nil } }

    func listen(
        streamHandler:
            @escaping @Sendable (_ stream: RPCStream<Inbound, Outbound>, _ context: ServerContext) async -> Void
    ) async throws {
        try await self.http2.listen { [callers = self.callers] stream, context in
            var context = context
            context.transportSpecific = AgentCaller(
                process: NumberedChannel.number(of: context.remotePeer).flatMap { callers[$0] })
            await streamHandler(stream, context)
        }
    }

    func beginGracefulShutdown() { self.http2.beginGracefulShutdown() }
    func configure(context: GRPCServerContext) { self.http2.configure(context: context) }
}
