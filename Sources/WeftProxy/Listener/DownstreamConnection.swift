internal import NIOCore
internal import NIOTLS
internal import WeftHTTP
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// One connection from the application or a peer: gives every request of it a receiver, and ends with it.
final class DownstreamConnection: ServerConnectionDelegate {
    unowned let loop: ProxyLoop
    let role: ListenerRole
    let channel: any Channel
    /// What the handshake found out; nil in the clear.
    let handshake: PeerHandshake?
    /// The peer's address without its port, for the log.
    private(set) lazy var peerAddress = self.channel.remoteAddress?.ipAddress ?? ""
    /// What policies that follow the caller's address go by.
    private(set) lazy var sourceHash = AffinityHash.of(self.peerAddress)
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
    /// In the clear where the port demands mutual TLS: every request is refused, and says so.
    let refusesPlaintext: Bool
    private var codec: (any ServerConnection)?
    private var isDraining = false

    init(
        loop: ProxyLoop, role: ListenerRole, channel: any Channel, handshake: PeerHandshake? = nil,
        refusesPlaintext: Bool = false
    ) {
        self.loop = loop
        self.role = role
        self.channel = channel
        self.handshake = handshake
        self.refusesPlaintext = refusesPlaintext
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

    func connectionAnswer(to refusal: MessageRefusal) -> (head: ResponseHead, body: [UInt8])? {
        let reply = LocalReplyRenderer.render(
            LocalReply(refusal.reason, status: refusal.status, detail: refusal.cause),
            for: RequestHead(method: .get, headers: HeaderBlock()))
        return (reply.head, reply.body)
    }

    func connectionClosed(_ reason: ConnectionEnd) { self.codec = nil }

    private func makeClientCertificateField() -> String {
        guard let handshake = self.handshake, let peer = handshake.peer else { return "" }
        let own = self.loop.ownIdentity.map { "By=\($0);" } ?? ""
        return "\(own)Hash=\(handshake.leafHash);URI=\(peer.id)"
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
