internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import NIOTLS
internal import WeftHTTP
internal import WeftIdentity
internal import WeftModel
internal import WeftTraffic

/// One connection to an endpoint: opens it, secures it, and tells its pool what becomes of it.
final class UpstreamConnection: ClientConnectionDelegate {
    let id: ConnectionPool.ConnectionID
    private unowned let loop: ProxyLoop
    /// Let go when the connection has ended.
    private var pool: EndpointPool?
    /// It has carried a request before.
    var isKept = false
    /// Something was answered on it.
    var hasAnswered = false
    private(set) var codec: (any ClientConnection)?
    private var channel: (any Channel)?
    private var timeout: Scheduled<Void>?
    private let handshake = PeerHandshake()
    private var state = State.opening
    /// Why the peer is no longer believed; set as the connection is ended for it.
    private(set) var refusal: SVIDError?

    private enum State { case opening, open, closed }

    init(id: ConnectionPool.ConnectionID, pool: EndpointPool, loop: ProxyLoop) {
        self.id = id
        self.pool = pool
        self.loop = loop
    }

    /// Who the peer proved to be; nil in the clear.
    var peer: SPIFFEID? { self.handshake.peer?.id }

    func open(_ target: UpstreamTarget, security: TransportSecurity?) {
        let address: SocketAddress
        do { address = try SocketAddress(ipAddress: target.address, port: target.port) } catch {
            return self.fail(.connectFailed, "\(target.address) is not an IP address")
        }
        let expected: [SPIFFEID]?
        switch target.transport {
        case .plaintext, .tls: expected = nil
        case .mutualTLS(let peers):
            guard security != nil else { return self.fail(.tlsFailed, "this sidecar has no identity yet") }
            expected = peers
        }
        let limit = TimeAmount.nanoseconds(target.connectTimeout.wholeNanoseconds)
        let bound = NIOLoopBound(self, eventLoop: self.loop.eventLoop)
        self.timeout = self.loop.eventLoop.scheduleTask(in: limit) {
            bound.value.timedOut(after: target.connectTimeout)
        }
        ClientBootstrap(group: self.loop.eventLoop)
            .connectTimeout(limit)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            // In the clear a peer may end its direction alone; TLS has no such thing here.
            .channelOption(.allowRemoteHalfClosure, value: target.transport == .plaintext)
            .channelOption(.recvAllocator, value: ProxyLoop.receiveAllocator)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = bound.value
                    connection.channel = channel
                    guard connection.state == .opening else { return }
                    let pipeline = channel.pipeline.syncOperations
                    if let expected, let security {
                        try pipeline.addHandler(
                            security.clientHandler(expecting: expected, reportingTo: connection.handshake))
                        try pipeline.addHandler(HandshakeObserver(connection, codec: .http2))
                    } else if case .tls(let tls) = target.transport {
                        try pipeline.addHandler(
                            connection.loop.originations.handler(tls, isHTTP2: target.codec == .http2))
                        try pipeline.addHandler(
                            HandshakeObserver(connection, codec: target.codec, proving: tls))
                    }
                }
            }
            .connect(to: address)
            .whenComplete { result in
                switch result {
                case .success: if target.transport == .plaintext { bound.value.secured(codec: target.codec) }
                case .failure(let error as OriginationFailure): bound.value.fail(.tlsFailed, "\(error)")
                case .failure(let error): bound.value.fail(.connectFailed, "\(error)")
                }
            }
    }

    /// The connection stands, the handshake included.
    fileprivate func secured(codec kind: UpstreamTarget.Codec) {
        guard self.state == .opening, let channel = self.channel, channel.isActive else {
            return self.fail(.connectFailed, "the connection closed at once")
        }
        // What is believed may have changed while the handshake was under way.
        if let peer = self.peer, let refusal = self.loop.security?.refusal(of: peer) {
            return self.fail(refusal.reason, "\(refusal)")
        }
        self.timeout?.cancel()
        self.timeout = nil
        if self.handshake.peer != nil { self.loop.telemetry.handshake(inbound: false, result: "ok") }
        do {
            switch kind {
            case .http2:
                let codec = HTTP2ClientConnection(delegate: self, limits: self.loop.peerLimits)
                self.codec = codec
                try channel.pipeline.syncOperations.addHandler(codec)
            case .http1:
                let codec = HTTP1ClientConnection(delegate: self, limits: self.loop.upstreamLimits)
                self.codec = codec
                try channel.pipeline.syncOperations.addHandler(codec)
            case .raw:
                let codec = RawClientConnection(delegate: self, limits: self.loop.upstreamLimits)
                self.codec = codec
                try channel.pipeline.syncOperations.addHandler(codec)
            }
        } catch {
            return self.fail(.connectFailed, "\(error)")
        }
        guard self.state == .opening else { return }
        self.state = .open
        if self.handshake.peer != nil { self.loop.remember(self, on: channel) }
        self.pool?.connectionOpened(self)
    }

    /// Neither the connection nor its handshake came about in time; a peer that took the one and not the other says so.
    private func timedOut(after limit: Duration) {
        let isHandshake = self.channel?.isActive == true
        self.fail(
            ConnectFailure(
                reason: .connectTimeout,
                cause: isHandshake
                    ? "the connection was taken, and its handshake not done within \(limit)"
                    : "no connection within \(limit)",
                handshake: isHandshake ? "timeout" : nil))
    }

    /// The connection never came to stand.
    fileprivate func fail(_ reason: Reason, _ cause: String) {
        self.fail(ConnectFailure(reason: reason, cause: cause))
    }

    fileprivate func fail(_ failure: HandshakeFailure) { self.fail(ConnectFailure(failure)) }

    private func fail(_ failure: ConnectFailure) {
        guard self.state == .opening else { return }
        self.state = .closed
        self.timeout?.cancel()
        self.timeout = nil
        self.channel?.close(promise: nil)
        let failure = self.handshake.refusal.map { ConnectFailure(HandshakeFailure($0)) } ?? failure
        let pool = self.pool
        self.pool = nil
        pool?.connectionFailed(self, failure)
    }

    func drain() {
        if let codec = self.codec { codec.drain() } else { self.fail(.draining, "no longer wanted") }
    }

    func close() {
        if let codec = self.codec { codec.close() } else { self.fail(.draining, "no longer wanted") }
    }

    /// Ends at once, for the peer is no longer believed; what is under way fails.
    func refuse(_ refusal: SVIDError) {
        self.refusal = refusal
        if self.state == .open { self.pool?.connectionStoppedAccepting(self) }
        self.close()
    }

    // MARK: What the codec says

    func connectionHasCapacity() {
        if self.state == .open { self.pool?.connectionChanged(self) }
    }

    func connectionStoppedAccepting() {
        if self.state == .open { self.pool?.connectionStoppedAccepting(self) }
    }

    /// A peer that would not have this side's certificate, and so has read nothing: it has never answered.
    func refusalByPeer(_ text: String) -> HandshakeFailure? {
        self.handshake.peer == nil || self.hasAnswered ? nil : HandshakeFailure.refusal(inTransport: text)
    }

    func connectionClosed(_ reason: ConnectionEnd) {
        switch self.state {
        case .opening: self.fail(.connectFailed, "the connection closed at once")
        case .open:
            self.state = .closed
            let pool = self.pool
            self.pool = nil
            if case .transport(let text) = reason, let refusal = self.refusalByPeer(text) {
                self.loop.telemetry.handshake(inbound: false, result: refusal.label)
            }
            pool?.connectionEnded(self)
        case .closed: break
        }
    }
}

/// Waits for the end of a client's handshake, then makes way for the codec.
private final class HandshakeObserver: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: UpstreamConnection
    private let codec: UpstreamTarget.Codec
    /// What a destination outside the mesh has to prove; nil for a peer, which proves an identity.
    private let origination: TLSOrigination?
    private var isMutual: Bool { self.origination == nil }

    init(_ connection: UpstreamConnection, codec: UpstreamTarget.Codec, proving origination: TLSOrigination? = nil) {
        self.connection = connection
        self.codec = codec
        self.origination = origination
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let negotiated) = event as? TLSUserEvent {
            if let origination = self.origination, !self.isProved(origination, context) {
                self.connection.fail(
                    HandshakeFailure(
                        label: "wrong_identity", cause: "the certificate carries none of the names wanted"))
            } else if self.isMutual, self.connection.peer == nil {
                // A handshake in which nobody was judged, such as a resumed one, proves nothing.
                self.connection.fail(HandshakeFailure(.noCertificate))
            } else if negotiated == "h2" || self.codec != .http2 {
                self.connection.secured(codec: self.codec)
            } else {
                self.connection.fail(
                    HandshakeFailure(
                        label: "no_alpn", cause: "the peer does not speak HTTP/2 (ALPN \(negotiated ?? "absent"))"))
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func isProved(_ origination: TLSOrigination, _ context: ChannelHandlerContext) -> Bool {
        let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
        return OriginationContexts.isProved(origination, by: handler?.peerCertificate)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.connection.fail(HandshakeFailure(library: "\(error)"))
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.connection.fail(HandshakeFailure.closed)
        context.fireChannelInactive()
    }
}
