import NIOCore
import NIOPosix
import NIOTLS
import WeftIdentity

@testable import WeftProxy

/// One connection to a sidecar's inbound port under an identity, kept open between requests.
struct PeerClient {
    /// SHA-256 of the certificate that the sidecar showed.
    let leafHash: String
    private let channel: any Channel
    private let answers: AsyncStream<String>

    /// - Parameter onceOpen: what happens before the client begins its handshake.
    static func connect(
        to port: Int, as identity: WorkloadIdentity, on group: any EventLoopGroup,
        onceOpen: (() async throws -> Void)? = nil
    ) async throws -> PeerClient {
        let security = try TransportSecurity(identity: identity)
        let eventLoop = group.next()
        let proved = eventLoop.makePromise(of: String.self)
        let (answers, heard) = AsyncStream.makeStream(of: String.self)
        @Sendable func begin(_ channel: any Channel) throws {
            let handshake = PeerHandshake()
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(security.clientHandler(expecting: [], reportingTo: handshake))
            try pipeline.addHandler(Listener(handshake, proved, heard))
        }
        let waits = onceOpen != nil
        let connecting = ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { if !waits { try begin(channel) } }
            }
            .connect(host: "127.0.0.1", port: port)
        connecting.cascadeFailure(to: proved)
        let channel = try await connecting.get()
        if let onceOpen {
            try await onceOpen()
            try await eventLoop.submit { try begin(channel) }.get()
        }
        return PeerClient(leafHash: try await proved.futureResult.get(), channel: channel, answers: answers)
    }

    /// Asks over HTTP/1.1; what comes back first.
    func ask(_ path: String) async throws -> String {
        let request = ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: billing\r\n\r\n")
        try await self.channel.writeAndFlush(request)
        for await answer in self.answers { return answer }
        return ""
    }

    /// Sends bytes as they are.
    func send(_ bytes: some Sequence<UInt8>) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// What comes next.
    func more() async -> String {
        for await answer in self.answers { return answer }
        return ""
    }

    func close() async { try? await self.channel.close() }

    private final class Listener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let handshake: PeerHandshake
        private let proved: EventLoopPromise<String>
        private let heard: AsyncStream<String>.Continuation

        init(
            _ handshake: PeerHandshake, _ proved: EventLoopPromise<String>, _ heard: AsyncStream<String>.Continuation
        ) {
            self.handshake = handshake
            self.proved = proved
            self.heard = heard
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .handshakeCompleted = event as? TLSUserEvent { self.proved.succeed(self.handshake.leafHash) }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.heard.yield(String(buffer: Self.unwrapInboundIn(data)))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { self.proved.fail(error) }

        func channelInactive(context: ChannelHandlerContext) {
            self.proved.fail(ChannelError.ioOnClosedChannel)
            self.heard.finish()
        }
    }
}
