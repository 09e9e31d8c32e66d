internal import NIOCore
internal import NIOTLS
internal import WeftIdentity
internal import WeftModel

/// Why a handshake with a peer came to nothing, in words and as one of a fixed set of labels.
struct HandshakeFailure: Equatable {
    /// The `result` label of the handshake counter.
    let label: String
    let cause: String
    var reason = Reason.tlsFailed

    init(label: String, cause: String) {
        self.label = label
        self.cause = cause
    }

    /// The peer's certificate was judged and found wanting.
    init(_ error: SVIDError) {
        self.label = error.label
        self.cause = "\(error)"
        self.reason = error.reason
    }

    /// What the TLS library says, which names its own sources; only the name of the failure is kept.
    init(_ error: any Error) {
        let text = "\(error)"
        let name = text.components(after: "OPENSSL_internal:").uppercased()
        if name.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") {
            self.init(.noCertificate)
        } else if name.contains("UNSUPPORTED_PROTOCOL") || name.contains("WRONG_VERSION_NUMBER") {
            self.init(label: "no_tls13", cause: "the peer does not offer TLS 1.3")
        } else if name.contains("_ALERT_") {
            self.init(
                label: "refused_by_peer",
                cause: "the peer refused this side: \(name.lowercased().replacing("_", with: " "))")
        } else if name.isEmpty {
            self.init(label: "failed", cause: "the connection failed during the handshake")
        } else {
            self.init(label: "failed", cause: "TLS failed: \(name.lowercased().replacing("_", with: " "))")
        }
    }
}

extension String {
    /// The word of letters, digits and underscores behind the first `marker`; empty when there is none.
    fileprivate func components(after marker: String) -> String {
        guard let range = self.firstRange(of: marker) else { return "" }
        return String(self[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }
}

/// Stands before the codec of a connection from a peer until its handshake is over.
///
/// Refuses plaintext where the port demands mutual TLS, counts what was refused, and ends handshakes that take too long.
final class InboundHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

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
        self.timeout = context.eventLoop.scheduleTask(in: .seconds(10)) {
            let (handler, context) = bound.value
            handler.refuse(HandshakeFailure(label: "timeout", cause: "the handshake took longer than 10 s"))
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
        self.refuse(HandshakeFailure(error))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.refuse(
            HandshakeFailure(label: "closed", cause: "the peer closed the connection during the handshake"))
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
