internal import FoundationEssentials
internal import NIOCore
internal import WeftHTTP
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// The life of a request from a peer to the application beside this proxy.
///
/// accept → identify → admit → authorize → forward → record. `InboundExchange` decides, `RelayedRequest` moves the bytes.
final class InboundRequest: RelayedRequest {
    private var exchange = InboundExchange()
    private var connection: DownstreamConnection?
    private var application: ApplicationEndpoint?
    private var appPort = 0
    /// Of the token that was proved.
    private var claims: TokenClaims?
    /// It is counted among what comes in the clear.
    private var isCounted = false
    /// What audited policies would have done, for the record.
    private var audit = ""
    /// Nil where nothing is traced.
    private var trace: RequestTrace?
    /// Looks for requests in bytes to a port of unknown protocol; nil where nobody asks, and afterwards.
    private var search: HiddenRequestSearch?
    /// It began like a request.
    private var hidesRequests = false

    // MARK: Accept

    func accept(_ stream: any ServerStream, on connection: DownstreamConnection, appPort: Int) {
        self.connection = connection
        self.application = self.loop.applicationInForce(port: appPort)
        self.exchange = InboundExchange()
        self.appPort = appPort
        self.claims = nil
        self.isCounted = false
        self.audit = ""
        self.trace = nil
        self.search = nil
        self.hidesRequests = false
        self.open(stream)
    }

    override func requestArrived(_ head: RequestHead, end: Bool) -> ExchangeEffects {
        var head = head
        self.identify(&head.headers)
        RequestFields.ensureRequestID(&head.headers, random: &self.loop.traffic.random)
        if head.method != .connect {
            self.trace = self.loop.telemetry.tracer?.begin(&head.headers, random: &self.loop.traffic.random)
        }
        let effects = self.admit(head, end: end)
        self.countPlaintext()
        return effects
    }

    // MARK: Identify

    /// What the peer says about itself goes; what its certificate says comes.
    private func identify(_ headers: inout HeaderBlock) {
        RequestFields.removeClaims(&headers)
        guard let connection = self.connection, connection.peer != nil else {
            // A caller outside the mesh counts no attempts here, and sets no deadline unless a policy says so.
            if self.application?.trustsDeadlines != true {
                headers.remove(.weftDeadline)
                headers.remove(.xEnvoyExpectedTimeout)
            }
            headers.remove(.weftAttempt)
            headers.remove(.weftCase)
            return
        }
        headers.restoreSpelling()
        headers.append(.weftPeer, connection.peerText)
        headers.append(.xForwardedClientCert, connection.clientCertificateField)
    }

    /// Says who called, to applications that go by addresses.
    private func forwarded(_ headers: inout HeaderBlock, _ policy: ForwardingPolicy) -> LocalReply? {
        guard let connection = self.connection else { return nil }
        if connection.peer == nil, !policy.trustsCallers { RequestFields.removeForwarded(&headers) }
        if !policy.keepsAddresses { RequestFields.addAddress(connection.peerAddress, to: &headers) }
        return policy.namesItself ? RequestFields.addVia(&headers, isHTTP2: connection.isHTTP2) : nil
    }

    // MARK: Admit

    /// Refuses what must not begin: what comes too late, and further attempts beyond what the application bears.
    private func admit(_ head: consuming RequestHead, end: Bool) -> ExchangeEffects {
        let now = self.loop.now
        if let connection = self.connection, connection.refusesPlaintext {
            // The caller proved nothing, so it is told why and nothing else.
            connection.drain()
            return self.exchange.refuse(head, end: end, with: Self.plaintextRefusal, now: now)
        }
        if head.method == .connect, !self.takesBytes {
            let reply = LocalReply(
                .protocolUnknown, status: 405, detail: "this port takes requests only: CONNECT is not passed on")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        guard let application = self.application else {
            return self.exchange.refuse(head, end: end, with: LocalReply(.internal), now: now)
        }
        if self.loop.awaitsConfiguration {
            let reply = LocalReply(
                .internal, status: 503, grpcStatus: 14, detail: "this sidecar has no configuration yet",
                retryAfterSeconds: 1)
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        if head.method == .connect, application.appProtocol == .detect { self.search = HiddenRequestSearch() }
        var head = head
        if head.method != .connect,
            let reply = RequestFields.normalizePath(
                &head.headers, keepsEscapedSlashes: application.forwarding.keepsEscapedSlashes)
                ?? self.forwarded(&head.headers, application.forwarding) ?? RequestFields.countHop(&head)
        {
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        if let authorization = application.authorization, let reply = self.authorize(&head, authorization) {
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        return self.exchange.begin(
            head, end: end, attempts: &application.attempts, limits: application.limits,
            source: self.connection?.peerText ?? "", gate: application.gate,
            timeouts: self.connection?.peer == nil ? application.timeouts : application.peerTimeouts, now: now)
    }

    private static var plaintextRefusal: LocalReply {
        LocalReply(.plaintextRefused, detail: "this port takes mutual TLS only; call through a sidecar of the mesh")
    }

    // MARK: Authorize

    /// Proves the token, and asks whether the caller may do this; a reply where not.
    private func authorize(_ head: inout RequestHead, _ authorization: PortAuthorization) -> LocalReply? {
        guard let connection = self.connection else { return LocalReply(.internal) }
        let reply =
            self.authenticate(&head, authorization, on: connection)
            ?? self.judge(head, authorization, on: connection)
        if reply != nil, head.method == .connect, connection.isRacing { connection.refusesBytes = true }
        return reply
    }

    private func authenticate(
        _ head: inout RequestHead, _ authorization: PortAuthorization, on connection: DownstreamConnection
    ) -> LocalReply? {
        do throws(TokenError) {
            self.claims = try authorization.authenticate(&head)
            return nil
        } catch {
            if !connection.isRacing { self.loop.telemetry.tokenRefused(error) }
            return authorization.reply(to: error)
        }
    }

    private func judge(
        _ head: RequestHead, _ authorization: PortAuthorization, on connection: DownstreamConnection
    ) -> LocalReply? {
        guard let verdict = authorization.verdict(on: head, self.claims, connection) else { return nil }
        if !connection.isRacing { authorization.count(verdict, in: self.loop.telemetry.registry) }
        self.audit = authorization.auditText(verdict)
        return authorization.reply(to: verdict)
    }

    /// What holds for the port has changed: ends what it no longer allows. A token that was proved stays so until its
    /// request ends, even past its expiry, as long as its issuer is believed.
    func judgeAgain(port: Int) {
        guard let connection = self.connection, self.appPort == port, !self.exchange.isFinished,
            self.exchange.start != .never
        else { return }
        guard let reply = self.refusalByNow(on: connection) else { return }
        self.act { self.exchange.revoke(reply, now: self.loop.now) }
    }

    private func refusalByNow(on connection: DownstreamConnection) -> LocalReply? {
        if connection.refusesPlaintext { return Self.plaintextRefusal }
        guard let authorization = self.loop.applicationInForce(port: self.appPort).authorization else { return nil }
        do throws(TokenError) {
            self.claims = try authorization.authenticate(open: self.exchange.head, self.claims)
        } catch {
            self.loop.telemetry.tokenRefused(error)
            return authorization.reply(to: error)
        }
        return self.judge(self.exchange.head, authorization, on: connection)
    }

    /// Whether CONNECT opens the application's port to bytes: a peer's way to carry TCP, or such a connection itself.
    private var takesBytes: Bool {
        guard let connection = self.connection, self.application?.appProtocol.allowsBytes == true else { return false }
        return connection.isRaw || connection.peer != nil
    }

    // MARK: Forward

    override func poolForAttempt() -> EndpointPool? {
        guard let application = self.application else { return nil }
        if self.exchange.isConnect { return application.pool.speaking(.raw) }
        // Without a word on the protocol: gRPC is HTTP/2, everything else HTTP/1.1.
        let isGRPC = self.exchange.isGRPC && application.appProtocol == .detect
        let pool = isGRPC ? application.pool.speaking(.http2) : application.pool
        if self.exchange.needsNewConnection { pool.closeUnused() }
        return pool
    }

    override func connectionReady(kept: Bool) -> ExchangeEffects {
        self.exchange.connectionReady(kept: kept, now: self.loop.now)
    }

    override func upstreamFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects {
        self.exchange.attemptFailed(failure, mayHaveBeenProcessed: !untouched, now: self.loop.now)
    }

    override func headForAttempt() -> (head: RequestHead, end: Bool) {
        var head = self.exchange.head
        // Between proxies only; rare, so that the head is seldom copied.
        if self.exchange.attempt > 1 { head.headers.remove(.weftAttempt) }
        return (head, self.exchange.endsWithHead)
    }

    /// Bytes to a port that may speak HTTP must not carry requests past the rules for requests: a peer's tunnel, or a
    /// connection whose beginning did not look like any.
    override func bodyPasses(_ data: ByteBuffer, end: Bool) {
        guard var search = self.search else { return }
        self.search = nil
        switch data.withUnsafeReadableBytes({ search.look($0, isLast: end) }) {
        case .looking: self.search = search
        case .request: self.hidesRequests = true
        case .bytes: break
        }
    }

    override func requestData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        if self.hidesRequests {
            self.hidesRequests = false
            return self.exchange.downstreamGone(because: .protocolUnknown, now: self.loop.now).union(.resetDownstream)
        }
        return self.exchange.requestData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func requestTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        self.exchange.requestTrailers(now: self.loop.now)
    }

    // MARK: Answer

    override func informationalArrived(_ head: ResponseHead) -> ExchangeEffects {
        self.exchange.informational(now: self.loop.now)
    }

    override func responseArrived(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects {
        if self.connection?.peer != nil {
            head.headers.recordSpelling()
        } else {
            head.headers.remove(.weftCase)
        }
        return self.exchange.responseHead(&head, end: end, now: self.loop.now)
    }

    override func responseData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        self.exchange.responseData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func responseTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        self.exchange.responseTrailers(trailers, now: self.loop.now)
    }

    override var requestID: String? { self.exchange.head.headers[.xRequestID] }

    override func renderReply() -> RenderedReply {
        LocalReplyRenderer.render(
            self.exchange.reply ?? LocalReply(.internal), for: self.exchange.head,
            atBorder: self.connection?.peer == nil)
    }

    override func trailersForFailure() -> HeaderBlock? {
        self.exchange.isGRPC
            ? LocalReplyRenderer.trailers(LocalReply(self.exchange.reason, detail: self.exchange.detail)) : nil
    }

    override func spell(requestTrailers trailers: inout HeaderBlock) {
        if self.connection?.peer != nil {
            trailers.restoreSpelling()
        } else {
            trailers.remove(.weftCase)
        }
    }

    override func spell(responseTrailers trailers: inout HeaderBlock) {
        if self.connection?.peer != nil {
            trailers.recordSpelling()
        } else {
            trailers.remove(.weftCase)
        }
    }

    override func downstreamGone(_ reason: Reason) -> ExchangeEffects {
        guard let ending = self.connection?.ending else {
            return self.exchange.downstreamGone(because: reason, now: self.loop.now)
        }
        return self.exchange.downstreamGone(because: ending.reason, detail: ending.detail, now: self.loop.now)
    }

    override var isOpenStream: Bool { self.exchange.isOpenStream }

    override var isTunnelOpen: Bool { self.exchange.isTunnelOpen }

    // MARK: Time

    override var nextTimer: MonotonicInstant { self.exchange.timer }

    override func timerFired() -> ExchangeEffects { self.exchange.timerFired(now: self.loop.now) }

    // MARK: Record

    override func finished() {
        guard let connection = self.connection, let application = self.application, !connection.isRacing else {
            return
        }
        self.loop.telemetry.record(
            self.exchange, from: connection, to: application, audit: self.audit, trace: self.trace)
    }

    /// Whoever calls in the clear is seen from the beginning, however long it goes on. Guesses are not calls yet.
    func countPlaintext() {
        guard let connection = self.connection, let application = self.application, connection.peer == nil,
            !self.isCounted
        else { return }
        if connection.isRacing {
            connection.guess = self
            return
        }
        self.isCounted = true
        connection.countPlaintext(
            for: application, refused: self.exchange.reason == .plaintextRefused,
            at: Int64(Date().timeIntervalSince1970))
    }

    override func retired() {
        self.claims = nil
        if self.connection?.guess === self { self.connection?.guess = nil }
        self.connection = nil
        self.application = nil
        self.loop.release(self)
    }
}
