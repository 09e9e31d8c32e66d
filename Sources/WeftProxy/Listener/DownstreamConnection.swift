internal import NIOCore
internal import NIOTLS
internal import WeftHTTP
internal import WeftIdentity
internal import WeftModel

/// One connection from the application or a peer: gives every request of it a receiver, and ends with it.
final class DownstreamConnection: ServerConnectionDelegate {
    unowned let loop: ProxyLoop
    let role: ListenerRole
    let channel: any Channel
    /// What the handshake found out; nil in the clear.
    let handshake: PeerHandshake?
    /// The peer's address without its port, for the log.
    private(set) lazy var peerAddress = self.channel.remoteAddress?.ipAddress ?? ""
    /// `x-forwarded-client-cert` as the application gets it; the same for every request of the connection.
    private(set) lazy var clientCertificateField = self.makeClientCertificateField()
    /// The service that a CONNECT on this connection named; later requests are for it.
    var tunnelName: String? { didSet { self.recentDestination = nil } }
    /// What the last outbound request of this connection was for: the next is usually for the same.
    var recentDestination: Destination?
    /// The authority that requests of a declared upstream's port get: `billing.default`, with a port other than 80.
    private(set) lazy var fixedAuthority: String? = {
        guard case .upstream(let name) = self.role else { return nil }
        return name.hasSuffix(":80") ? String(name.dropLast(3)) : name
    }()
    private var codec: (any ServerConnection)?
    private var isDraining = false

    init(loop: ProxyLoop, role: ListenerRole, channel: any Channel, handshake: PeerHandshake? = nil) {
        self.loop = loop
        self.role = role
        self.channel = channel
        self.handshake = handshake
    }

    /// Who the peer proved to be.
    var peer: SPIFFEID? { self.handshake?.peer?.id }
    private(set) lazy var peerText = self.peer?.description ?? ""
    /// The service the peer belongs to, as far as its identity tells: accounts are named for their services.
    private(set) lazy var sourceService: String = {
        guard let workload = self.peer?.workload else { return "unknown" }
        return ServiceName(namespace: workload.namespace, name: workload.account).description
    }()
    /// The edges that this connection's requests are counted on.
    var edges = EdgeCache()
    private(set) var isHTTP2 = false

    /// Streams open now.
    var openStreams: Int { self.codec?.openStreams ?? 0 }

    /// The handler that finds out which HTTP the peer speaks.
    func makeSniffer() -> ProtocolSniffer {
        ProtocolSniffer(
            makeHTTP1: { [self] in
                let codec = HTTP1ServerConnection(
                    delegate: self, limits: self.loop.downstreamLimits, scheme: "http")
                // Whether a tunnel is granted is the request's decision; what it carries may be either HTTP.
                codec.makeTunnelReader = { [self] in self.makeSniffer() }
                self.attach(codec)
                return codec
            },
            makeHTTP2: { [self] in
                let codec = HTTP2ServerConnection(delegate: self, limits: self.loop.downstreamLimits)
                self.isHTTP2 = true
                self.attach(codec)
                return codec
            })
    }

    private func attach(_ codec: any ServerConnection) {
        self.codec = codec
        if self.isDraining { codec.drain() }
    }

    /// Finishes what is open and takes nothing new.
    func drain() {
        self.isDraining = true
        if let codec = self.codec { codec.drain() } else { self.channel.close(promise: nil) }
    }

    /// Closes now.
    func close() { self.channel.close(promise: nil) }

    // MARK: What the codec says

    func connectionOpened(_ stream: any ServerStream) -> any ServerStreamReceiver {
        switch self.role {
        case .inbound(let appPort): self.loop.inboundRequest(stream, on: self, appPort: appPort)
        case .outbound: self.loop.outboundRequest(stream, on: self, fixed: nil)
        case .upstream(let name): self.loop.outboundRequest(stream, on: self, fixed: name)
        }
    }

    func connectionRefused(_ refusal: MessageRefusal) { self.loop.noteRefusal(refusal, on: self) }

    func connectionClosed(_ reason: ConnectionEnd) { self.codec = nil }

    private func makeClientCertificateField() -> String {
        guard let handshake = self.handshake, let peer = handshake.peer else { return "" }
        let own = self.loop.ownIdentity.map { "By=\($0);" } ?? ""
        return "\(own)Hash=\(handshake.leafHash);URI=\(peer.id)"
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
            handler.refuse("the handshake took longer than 10 s")
            context.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timeout?.cancel() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted = event as? TLSUserEvent {
            self.isDone = true
            self.timeout?.cancel()
            self.connection.loop.noteHandshake(of: self.connection, refusal: nil, cause: "")
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.refuse("\(error)")
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.refuse("the peer closed the connection during the handshake")
        context.fireChannelInactive()
    }

    private func refuse(_ cause: String) {
        guard !self.isDone else { return }
        self.isDone = true
        self.timeout?.cancel()
        self.connection.loop.noteHandshake(of: self.connection, refusal: self.handshake.refusal, cause: cause)
    }
}

/// Looks at the first byte of a connection from a peer: a TLS handshake begins with 22, and no HTTP request does.
final class PlaintextDetector: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let decide: (_ isTLS: Bool, ChannelPipeline.SynchronousOperations) throws -> Void

    /// `decide` adds the handlers for what was found, or closes.
    init(decide: @escaping (_ isTLS: Bool, ChannelPipeline.SynchronousOperations) throws -> Void) {
        self.decide = decide
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        guard let first = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return }
        do {
            try self.decide(first == 22, context.pipeline.syncOperations)
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(Self.wrapInboundOut(bytes))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
