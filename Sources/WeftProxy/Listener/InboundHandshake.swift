internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import WeftIdentity

/// Stands before the codec of a connection from a peer until its handshake is over.
///
/// Refuses plaintext where the port demands mutual TLS, counts what was refused, and ends handshakes that take too long.
final class InboundHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    /// How long a handshake may take.
    private static let limit = 10

    private let connection: DownstreamConnection
    private let handshake: PeerHandshake
    private let security: TransportSecurity
    private var timeout: Scheduled<Void>?
    private var isDone = false
    /// Nothing that such a peer sends is heard.
    private var isRefused = false

    init(connection: DownstreamConnection, handshake: PeerHandshake, security: TransportSecurity) {
        self.connection = connection
        self.handshake = handshake
        self.security = security
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.timeout = context.eventLoop.scheduleTask(in: .seconds(Int64(Self.limit))) {
            let (handler, context) = bound.value
            handler.refuse(.timedOut(after: Self.limit))
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timeout?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            guard self.handshake.peer != nil || self.admitsResumed(context) else {
                self.refuse(HandshakeFailure(.noCertificate))
                return context.close(promise: nil)
            }
            if let refusal = self.refusalByNow {
                self.refuse(HandshakeFailure(refusal))
                return context.close(promise: nil)
            }
            self.isDone = true
            self.timeout?.cancel()
            self.connection.loop.noteHandshake(of: self.connection, failure: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// What was believed may have changed while the handshake was under way.
    private var refusalByNow: SVIDError? {
        guard let peer = self.handshake.peer else { return .noCertificate }
        return self.connection.loop.security?.refusal(of: peer.id)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !self.isRefused { context.fireChannelRead(data) }
    }

    /// A session that is resumed is not judged by the library; its caller is, here.
    private func admitsResumed(_ context: ChannelHandlerContext) -> Bool {
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        return self.security.admitsResumed(handler?.peerCertificate, reportingTo: self.handshake)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.refuse(HandshakeFailure(library: "\(error)"))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.refuse(.closed)
        context.fireChannelInactive()
    }

    private func refuse(_ failure: HandshakeFailure) {
        guard !self.isDone else { return }
        self.isDone = true
        self.isRefused = true
        self.timeout?.cancel()
        self.connection.loop.noteHandshake(
            of: self.connection, failure: self.handshake.refusal.map(HandshakeFailure.init) ?? failure)
    }
}
