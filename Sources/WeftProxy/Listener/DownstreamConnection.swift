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
    private(set) var handshake: PeerHandshake?
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
    /// What the port enforces, for this caller; made when it is first asked, and anew when the policies change.
    private var authorization: ConnectionAuthorization?
    /// In the clear where the port demands mutual TLS: every request is refused, and says so.
    private(set) var refusesPlaintext: Bool
    private var codec: (any ServerConnection)?
    private var isDraining = false
    /// Why this side ended it; nil while it goes on, and where it ended by itself.
    private(set) var ending: (reason: Reason, detail: String)?

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
    /// Where this connection's requests in the clear are counted.
    private var plaintextCaller: PlaintextCallers.Caller?
    /// The edges that this connection's requests are counted on.
    var edges = EdgeCache()
    private(set) var isHTTP2 = false
    /// Bytes pass as they are; the connection is one CONNECT.
    private(set) var isRaw = false
    /// It is not known yet what the connection speaks; a stream that is open is a guess, and is not recorded.
    var isRacing = false
    /// The bytes that may turn out not to be any.
    var guess: InboundRequest?
    /// The last stream was refused because its service takes requests only.
    var refusesBytes = false
    /// Whom a TLS client asked for, where that decides.
    private var serverName: String?

    /// Who may do what on this connection, as `table` says.
    func authorization(by table: AuthorizationTable) -> ConnectionAuthorization {
        if let known = self.authorization, known.table === table { return known }
        let address = self.peerAddress.prefix { $0 != "%" }
        let bound = table.bind(
            peer: self.peer?.description, trustDomain: self.loop.ownIdentity?.trustDomain ?? .standard,
            address: NetworkPrefix.address(String(address)) ?? [])
        self.authorization = bound
        return bound
    }

    /// Whoever calls is not of the mesh.
    private var isAtBorder: Bool { if case .inbound = self.role { self.peer == nil } else { false } }

    /// Streams open now.
    var openStreams: Int { self.codec?.openStreams ?? 0 }

    /// The handler that finds out which HTTP the peer speaks.
    func makeSniffer() -> ProtocolSniffer {
        ProtocolSniffer(
            makeHTTP1: { [self] in
                let codec = HTTP1ServerConnection(
                    delegate: self, limits: self.loop.downstreamLimits, scheme: "http")
                self.attach(codec)
                return codec
            },
            makeHTTP2: { [self] in
                let codec = HTTP2ServerConnection(delegate: self, limits: self.loop.downstreamLimits)
                self.isHTTP2 = true
                self.attach(codec)
                return codec
            }, makeTLS: self.role == .outbound && self.tunnelName == nil ? { [self] in self.makeServerName() } : nil)
    }

    // MARK: Bytes

    /// The handler that stands first, by what the port's service is known to speak; nil is not known.
    func makeEntry(_ appProtocol: AppProtocol?, acceptsTLS: Bool = false) -> any ChannelHandler {
        switch appProtocol {
        case .http, .h2c, .grpc: self.makeSniffer()
        case .tcp where !acceptsTLS: self.makeRaw()
        case .tls where !acceptsTLS: self.makeServerName()
        case .tcp, .tls, .detect, nil: ProtocolRaceHandler(connection: self, acceptsTLS: acceptsTLS)
        }
    }

    /// The codec of a connection whose bytes pass as they are.
    func makeRaw() -> RawServerConnection {
        self.isRaw = true
        let codec = RawServerConnection(
            delegate: self, limits: self.loop.downstreamLimits, authority: self.serverName ?? self.rawAuthority)
        self.attach(codec)
        return codec
    }

    /// Where the bytes of this connection lead.
    private var rawAuthority: String {
        switch self.role {
        case .upstream(let name): name
        case .outbound: self.tunnelName ?? ""
        case .inbound(let appPort): "localhost:\(appPort)"
        }
    }

    /// Reads the name that a TLS client asks for. On the proxy's port it is the only thing that says where the
    /// connection leads; elsewhere it chooses among routes.
    private func makeServerName() -> any ChannelHandler {
        ServerNameHandler(connection: self) { [self] hello in
            guard self.role == .outbound, self.tunnelName == nil else {
                self.serverName = hello?.serverName.map { "\($0):443" }
                return self.makeRaw()
            }
            guard let name = hello?.serverName, let service = self.loop.serviceName(of: "\(name):443") else {
                self.loop.noteRefusal(
                    MessageRefusal(
                        status: 421,
                        cause: hello == nil
                            ? "neither HTTP nor a TLS handshake"
                            : "TLS for \(hello?.serverName ?? "no name"), which is no service of the mesh"), on: self)
                return nil
            }
            self.tunnelName = service
            self.serverName = "\(name):443"
            return self.makeRaw()
        }
    }

    /// After a CONNECT to a service: what follows is for it, in whatever protocol it takes.
    func followTunnel(to name: String) {
        self.tunnelName = name
        guard let codec = self.codec as? HTTP1ServerConnection else { return }
        codec.handOver(to: self.makeEntry(self.loop.appProtocol(of: name)))
    }

    /// What connections to the same port have turned out to be.
    var learnedProtocol: LearnedProtocol? {
        get { self.loop.learnedProtocols[self.learningKey] }
        set { self.loop.learn(newValue, for: self.learningKey) }
    }

    private var learningKey: String {
        switch self.role {
        case .upstream(let name): name
        case .outbound: self.tunnelName ?? ""
        case .inbound(let appPort): "inbound/\(appPort)"
        }
    }

    /// The client began with a handshake that belongs to this proxy.
    func acceptTLS(_ pipeline: ChannelPipeline.SynchronousOperations) throws {
        try self.loop.secure(self, pipeline)
    }

    private func attach(_ codec: any ServerConnection) {
        self.codec = codec
        if self.isDraining { codec.drain() }
    }

    /// The peer is about to prove itself.
    func begins(_ handshake: PeerHandshake) {
        self.handshake = handshake
        self.authorization = nil
        self.refusesPlaintext = false
    }

    /// The port has come to demand mutual TLS. In the clear nothing more is taken, and the connection ends once its requests
    /// have; who has not spoken yet may still begin with a handshake.
    func demandMutualTLS() {
        guard self.handshake == nil else { return }
        self.refusesPlaintext = true
        if self.codec != nil { self.drain() }
    }

    // MARK: Counting

    /// A request in the clear began, or bytes.
    func countPlaintext(for application: ApplicationEndpoint, refused: Bool, at seconds: Int64) {
        if self.plaintextCaller == nil {
            self.plaintextCaller = self.loop.plaintextCallers.caller(
                self.peerAddress, application.service, port: application.port)
            self.plaintextCaller?.connected()
        }
        self.plaintextCaller?.called(refused: refused, at: seconds)
    }

    /// What was guessed to be bytes is: they count from now on.
    func turnedOutToBeBytes() {
        self.isRacing = false
        self.guess?.countPlaintext()
        self.guess = nil
    }

    func channelClosed() {
        self.plaintextCaller?.disconnected()
        self.plaintextCaller = nil
        self.guess = nil
    }

    // MARK: Ending

    /// Finishes what is open and takes nothing new.
    func drain() {
        self.isDraining = true
        if let codec = self.codec { codec.drain() } else { self.channel.close(promise: nil) }
    }

    /// Ends at once, with what is open on it, which is recorded with this reason.
    func end(_ reason: Reason, detail: String) {
        guard self.ending == nil else { return }
        self.ending = (reason, detail)
        self.isDraining = true
        if let codec = self.codec { codec.close() } else { self.channel.close(promise: nil) }
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

    func connectionRefused(
        _ refusal: MessageRefusal, of request: RefusedRequest
    ) -> (head: ResponseHead, body: [UInt8])? {
        let head = self.loop.noteRefusal(refusal, of: request, on: self)
        return self.connectionAnswer(to: refusal, requestID: head.headers[.xRequestID])
    }

    func connectionAnswer(
        to refusal: MessageRefusal, requestID: String?
    ) -> (head: ResponseHead, body: [UInt8])? {
        var request = RequestHead(method: .get, headers: HeaderBlock())
        if let requestID { request.headers.append(.xRequestID, requestID) }
        let reply = LocalReplyRenderer.render(
            LocalReply(refusal.reason, status: refusal.status, detail: refusal.cause), for: request,
            atBorder: self.isAtBorder)
        return (reply.head, reply.body)
    }

    func connectionClosed(_ reason: ConnectionEnd) {
        self.codec = nil
        self.isRaw = false
    }

    private func makeClientCertificateField() -> String {
        guard let handshake = self.handshake, let peer = handshake.peer else { return "" }
        let own = self.loop.ownIdentity.map { "By=\($0);" } ?? ""
        return "\(own)Hash=\(handshake.leafHash);URI=\(peer.id)"
    }
}
