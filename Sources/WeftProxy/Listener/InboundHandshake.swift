internal import NIOCore
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
    private var timeout: Scheduled<Void>?
    private var isDone = false

    init(connection: DownstreamConnection, handshake: PeerHandshake) {
        self.connection = connection
        self.handshake = handshake
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
            if let refusal = self.refusalByNow {
                self.refuse(HandshakeFailure(refusal))
                context.close(promise: nil)
                return
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
        self.timeout?.cancel()
        self.connection.loop.noteHandshake(
            of: self.connection, failure: self.handshake.refusal.map(HandshakeFailure.init) ?? failure)
    }
}
