internal import NIOCore
internal import WeftHTTP
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// The life of a request from the application beside this proxy to a service of the mesh.
///
/// accept → resolve, or wait for discovery → match, admit, pick → connect → forward → answer, or try again → record.
/// `Exchange` decides from the match on, `RelayedRequest` moves the bytes.
final class OutboundRequest: RelayedRequest {
    private var exchange = Exchange()
    private var connection: DownstreamConnection?
    /// The service this connection's port stands for; nil where each request names its own.
    private var fixedName: String?
    /// Copies of this request under way.
    private var mirrors: [MirroredRequest] = []
    /// What was resolved; holds the snapshot that the request began with.
    private var destination: Destination?
    private var waiting: Waiting?
    /// When the head arrived, where it had to wait; nil where it did not.
    private var arrived: MonotonicInstant?
    /// Nil where nothing is traced.
    private var trace: RequestTrace?

    /// A request whose name is being discovered.
    private struct Waiting {
        var head: RequestHead
        var endsWithHead: Bool
        var name: String
        var since: MonotonicInstant
        var until: MonotonicInstant
        /// The caller's own time is over before the mesh's patience with discovery.
        var isCallersLimit: Bool
        var bytes = 0
        var ended = false
    }

    // MARK: Accept

    func accept(_ stream: any ServerStream, on connection: DownstreamConnection, fixed: String?) {
        self.connection = connection
        self.fixedName = fixed ?? connection.tunnelName
        self.exchange = Exchange()
        self.trace = nil
        self.open(stream)
    }

    override func requestArrived(_ head: RequestHead, end: Bool) -> ExchangeEffects {
        if head.method == .connect, self.connection?.isRaw != true {
            if let effects = self.followTunnel(head, end: end) { return effects }
        }
        var head = head
        RequestFields.removeClaims(&head.headers)
        head.headers.recordSpelling()
        RequestFields.ensureRequestID(&head.headers, random: &self.loop.traffic.random)
        if head.method == .connect {
            let destination = self.resolve(&head)
            return self.followBytes(destination, head, end: end)
        }
        RequestFields.ensureForwardedProto(&head.headers)
        self.trace = self.loop.telemetry.tracer?.begin(&head.headers, random: &self.loop.traffic.random)
        let destination = self.resolve(&head)
        if let reply = self.tidy(&head, for: destination) {
            self.destination = destination
            return self.exchange.refuse(head, end: end, with: reply, now: self.loop.now)
        }
        if self.fixedName == nil, self.connection?.isHTTP2 == false, Self.saysHTTPS(head.headers) {
            self.destination = destination
            let reply = LocalReply(
                .badRequest,
                detail: "https:// would be carried in the clear to this proxy; call http://, and the mesh encrypts")
            return self.exchange.refuse(head, end: end, with: reply, now: self.loop.now)
        }
        return self.follow(destination, head, end: end)
    }

    /// What every request goes through before anything is decided by it. An escaped slash may pass here: it is for the
    /// destination's proxy to say whether its application can tell it from a slash.
    private func tidy(_ head: inout RequestHead, for destination: Destination) -> LocalReply? {
        if destination.isOfMesh,
            let reply = RequestFields.normalizePath(&head.headers, keepsEscapedSlashes: true)
        {
            return reply
        }
        return RequestFields.countHop(&head)
    }

    /// The scheme is one of two here, and the longer is the secure one.
    private static func saysHTTPS(_ headers: HeaderBlock) -> Bool {
        guard let index = headers.firstIndex(of: .scheme) else { return false }
        return headers.withValue(at: index) { $0.count == 5 }
    }

    /// CONNECT to a service over HTTP/1.1: what follows on the connection is for it, in whatever it speaks.
    ///
    /// Some clients tunnel through an HTTP proxy whatever the scheme; requests that come through such a tunnel are read
    /// as all others. Over HTTP/2 a stream is the tunnel, and only bytes can go through it; nil goes on with that.
    private func followTunnel(_ head: RequestHead, end: Bool) -> ExchangeEffects? {
        let now = self.loop.now
        var authority = head.authority
        let destination = authority.withUTF8 {
            self.loop.destinations.find(UnsafeRawBufferPointer($0), in: self.loop.snapshot)
        }
        guard destination.isService, let connection = self.connection, connection.role == .outbound else {
            self.destination = destination
            var head = head
            RequestFields.ensureRequestID(&head.headers, random: &self.loop.traffic.random)
            let reply = LocalReply(.noRoute, detail: "no tunnel to \(head.authority): it is not a service of the mesh")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        if connection.isHTTP2 { return nil }
        self.downstream?.sendResponse(ResponseHead(status: 200), end: true)
        connection.followTunnel(to: destination.name)
        return []
    }

    /// Bytes go to services that take them; to any other they would be requests that nobody has looked at.
    private func followBytes(_ destination: Destination, _ head: RequestHead, end: Bool) -> ExchangeEffects {
        if let appProtocol = self.loop.appProtocol(of: destination.name), !appProtocol.allowsBytes {
            self.destination = destination
            self.connection?.refusesBytes = true
            let reply = LocalReply(
                .protocolUnknown, detail: "\(destination.name) speaks \(appProtocol.rawValue), and this is not HTTP")
            return self.exchange.refuse(head, end: end, with: reply, now: self.loop.now)
        }
        return self.follow(destination, head, end: end)
    }

    // MARK: Resolve

    /// What the request's authority means under the snapshot in force.
    private func resolve(_ head: inout RequestHead) -> Destination {
        let snapshot = self.loop.snapshot
        let recent = self.connection?.recentDestination
        if let fixedName = self.fixedName {
            if head.method != .connect, let authority = self.connection?.fixedAuthority {
                head.headers.set(.authority, authority)
            }
            if let recent, recent.snapshot === snapshot { return recent }
            let found = Destination.named(fixedName, in: snapshot)
            self.connection?.recentDestination = found
            return found
        }
        guard let index = head.headers.firstIndex(of: .authority) else {
            return Destination(authority: [], name: "", meaning: .malformed, snapshot: snapshot)
        }
        return head.headers.withValue(at: index) { authority in
            if let recent, recent.snapshot === snapshot, recent.isWritten(authority) { return recent }
            let found = self.loop.destinations.find(authority, in: snapshot)
            self.connection?.recentDestination = found
            return found
        }
    }

    /// Goes on with what the name means.
    private func follow(_ destination: Destination, _ head: RequestHead, end: Bool) -> ExchangeEffects {
        self.destination = destination
        let now = self.loop.now
        if self.loop.traffic.wantsClock(now: now) { self.loop.readClock(now: now) }
        switch destination.meaning {
        case .routes where self.loop.awaitsNames(destination.name):
            return self.wait(for: destination.name, head, end: end, now: now)
        case .routes(let table):
            self.exchange.sourceHash = self.connection?.sourceHash ?? 0
            let effects = self.exchange.begin(
                head, end: end, routes: table, traffic: self.loop.traffic, arrived: self.arrived, now: now)
            if let copy = self.exchange.mirroredHead { self.startMirrors(copy, end: end) }
            return effects
        case .unknown:
            return self.wait(for: destination.name, head, end: end, now: now)
        case .absent:
            let reply = LocalReply(
                .noRoute, detail: "\(destination.name) is neither a service of the mesh nor an external service")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        case .foreign:
            let reply = LocalReply(.noRoute, detail: "\(destination.name) is not a service of the mesh")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        case .malformed:
            let reply = LocalReply(.badRequest, detail: "the request's authority names no host")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
    }

    // MARK: Mirror

    /// Sends copies of the head; the loop bounds how many copies are under way.
    private func startMirrors(_ head: RequestHead, end: Bool) {
        for mirror in self.exchange.mirrors {
            guard let copy = self.loop.mirroredRequest() else { continue }
            copy.begin(mirror, head: head, end: end)
            if !end { self.mirrors.append(copy) }
        }
        if self.mirrors.isEmpty { return }
        // What came while the name was being discovered.
        let held = self.heldBody
        let last = held.chunks.count - 1
        for (index, chunk) in held.chunks.enumerated() {
            self.bodyPasses(chunk, end: index == last && held.isComplete && held.trailers == nil)
        }
        if let trailers = held.trailers {
            self.trailersPass(trailers)
        } else if held.isComplete, held.chunks.isEmpty {
            self.bodyPasses(ByteBuffer(), end: true)
        }
    }

    override func bodyPasses(_ data: ByteBuffer, end: Bool) {
        if self.mirrors.isEmpty { return }
        for mirror in self.mirrors { mirror.copy(data, end: end) }
        if end { self.mirrors.removeAll() }
    }

    override func trailersPass(_ trailers: HeaderBlock) {
        if self.mirrors.isEmpty { return }
        for mirror in self.mirrors { mirror.copy(trailers: trailers) }
        self.mirrors.removeAll()
    }

    // MARK: Wait for discovery

    private func wait(for name: String, _ head: RequestHead, end: Bool, now: MonotonicInstant) -> ExchangeEffects {
        guard self.loop.park(self, for: name) else {
            let reply = LocalReply(.overflow, detail: "too many requests wait for names to be discovered")
            return self.exchange.refuse(head, end: end, with: reply, now: now)
        }
        var until = now + self.loop.configuration.limits.discoveryTimeout
        var isCallersLimit = false
        let since = self.arrived ?? now
        if case .left(let left) = Deadline.read(head.headers), since.advanced(byNanoseconds: left) < until {
            until = since.advanced(byNanoseconds: left)
            isCallersLimit = true
        }
        self.waiting = Waiting(
            head: head, endsWithHead: end, name: name, since: since, until: until, isCallersLimit: isCallersLimit,
            ended: end)
        return []
    }

    /// The name has become known, one way or the other; called by the loop, which has forgotten the request.
    func resume(_ destination: Destination) { self.act { self.resumed(destination) } }

    private func resumed(_ destination: Destination) -> ExchangeEffects {
        guard let waiting = self.waiting else { return [] }
        self.waiting = nil
        self.arrived = waiting.since
        let isConnect = waiting.head.method == .connect
        let effects =
            isConnect
            ? self.followBytes(destination, waiting.head, end: waiting.endsWithHead)
            : self.follow(destination, waiting.head, end: waiting.endsWithHead)
        guard !waiting.endsWithHead, waiting.bytes > 0 || waiting.ended else { return effects }
        // What came in the meantime is held already; the exchange only has to know of it.
        let known = self.exchange.requestData(bytes: waiting.bytes, end: waiting.ended, now: self.loop.now)
        return effects.union(known.subtracting([.hold, .forwardRequest]))
    }

    private func giveUpWaiting(
        _ waiting: Waiting, _ reply: LocalReply?, _ reason: Reason = .clientGone
    ) -> ExchangeEffects {
        self.waiting = nil
        self.loop.unpark(self, for: waiting.name)
        let now = self.loop.now
        guard let reply else {
            // The caller has gone; there is nobody to answer, yet the request is recorded.
            return self.exchange.refuse(
                waiting.head, end: waiting.endsWithHead, with: LocalReply(reason), arrived: waiting.since, now: now
            ).subtracting(.reply)
        }
        return self.exchange.refuse(
            waiting.head, end: waiting.endsWithHead, with: reply, arrived: waiting.since, now: now)
    }

    // MARK: Connect

    override func poolForAttempt() -> EndpointPool? {
        guard let endpoint = self.exchange.endpoint, let cluster = self.exchange.cluster else { return nil }
        let pool = self.loop.pool(of: endpoint, in: cluster)
        return self.exchange.isConnect ? pool.speaking(.raw) : pool
    }

    override func connectionReady(kept: Bool) -> ExchangeEffects {
        self.exchange.connectionReady(kept: kept, now: self.loop.now)
    }

    override func poolForHedge() -> EndpointPool? {
        guard let endpoint = self.exchange.rivalEndpoint, let cluster = self.exchange.cluster else {
            return nil
        }
        return self.loop.pool(of: endpoint, in: cluster)
    }

    override func hedgeReady() -> ExchangeEffects { self.exchange.hedgeReady(now: self.loop.now) }

    override func hedgeFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects {
        self.exchange.hedgeFailed(failure, mayHaveBeenProcessed: !untouched, now: self.loop.now)
    }

    override func hedgeAnswered(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects {
        self.restoreSpelling(of: &head)
        return self.exchange.hedgeHead(&head, end: end, now: self.loop.now)
    }

    /// Names as the application on the other side wrote them, where its proxy says how.
    private func restoreSpelling(of head: inout ResponseHead) {
        if self.exchange.cluster?.hasPeers == true {
            head.headers.restoreSpelling()
        } else {
            head.headers.remove(.weftCase)
        }
    }

    override func upstreamFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects {
        self.exchange.attemptFailed(failure, mayHaveBeenProcessed: !untouched, now: self.loop.now)
    }

    // MARK: Forward

    override func headForAttempt() -> (head: RequestHead, end: Bool) {
        guard let cluster = self.exchange.cluster?.cluster, !cluster.isMutual, cluster.appProtocol.isHTTP2,
            self.exchange.head.headers.contains(.weftCase)
        else {
            return (self.exchange.head, self.exchange.endsWithHead)
        }
        // How names were written is for proxies of the mesh to know; HTTP/1 takes it from the block itself.
        var head = self.exchange.head
        head.headers.remove(.weftCase)
        return (head, self.exchange.endsWithHead)
    }

    override func requestData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        if self.waiting != nil {
            self.waiting?.bytes += bytes
            self.waiting?.ended = end
            return .hold
        }
        return self.exchange.requestData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func requestTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        if self.waiting != nil {
            self.waiting?.ended = true
            return .hold
        }
        return self.exchange.requestTrailers(now: self.loop.now)
    }

    // MARK: Answer

    override func informationalArrived(_ head: ResponseHead) -> ExchangeEffects {
        self.exchange.informational(now: self.loop.now)
    }

    override func responseArrived(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects {
        self.restoreSpelling(of: &head)
        return self.exchange.responseHead(&head, end: end, now: self.loop.now)
    }

    override func responseData(_ bytes: Int, end: Bool) -> ExchangeEffects {
        self.exchange.responseData(bytes: bytes, end: end, now: self.loop.now)
    }

    override func responseTrailers(_ trailers: HeaderBlock) -> ExchangeEffects {
        self.exchange.responseTrailers(trailers, now: self.loop.now)
    }

    override var requestID: String? { (self.waiting?.head ?? self.exchange.head).headers[.xRequestID] }

    override func renderReply() -> RenderedReply {
        LocalReplyRenderer.render(self.exchange.reply ?? LocalReply(.internal), for: self.exchange.head)
    }

    override func trailersForFailure() -> HeaderBlock? {
        self.exchange.isGRPC
            ? LocalReplyRenderer.trailers(LocalReply(self.exchange.reason, detail: self.exchange.detail)) : nil
    }

    override func spell(requestTrailers trailers: inout HeaderBlock) {
        if self.exchange.cluster?.hasPeers == true {
            trailers.recordSpelling()
        } else {
            trailers.remove(.weftCase)
        }
    }

    override func spell(responseTrailers trailers: inout HeaderBlock) {
        if self.exchange.cluster?.hasPeers == true {
            trailers.restoreSpelling()
        } else {
            trailers.remove(.weftCase)
        }
    }

    override func downstreamGone(_ reason: Reason) -> ExchangeEffects {
        if let waiting = self.waiting { return self.giveUpWaiting(waiting, nil, reason) }
        return self.exchange.downstreamGone(because: reason, now: self.loop.now)
    }

    override var isTunnelOpen: Bool { self.exchange.isTunnelOpen }

    // MARK: Time

    override var nextTimer: MonotonicInstant { self.waiting?.until ?? self.exchange.timer }

    override func timerFired() -> ExchangeEffects {
        let now = self.loop.now
        guard let waiting = self.waiting else { return self.exchange.timerFired(now: now) }
        guard now >= waiting.until else { return [] }
        if waiting.isCallersLimit {
            return self.giveUpWaiting(
                waiting,
                LocalReply(.deadlineExceeded, detail: "\(waiting.name) was not discovered in the time that was left"))
        }
        let limit = self.loop.configuration.limits.discoveryTimeout
        if self.loop.awaitsNames(waiting.name) {
            return self.giveUpWaiting(
                waiting, LocalReply(.dnsFailed, detail: "\(waiting.name) was not resolved within \(limit)"))
        }
        return self.giveUpWaiting(
            waiting,
            LocalReply(.noRoute, status: 503, detail: "\(waiting.name) was not discovered within \(limit)"))
    }

    // MARK: Record

    override func finished() {
        guard let connection = self.connection, let destination = self.destination, !connection.isRacing else { return }
        self.loop.telemetry.record(self.exchange, from: connection, to: destination, trace: self.trace)
        if let cluster = self.exchange.cluster, !cluster.balancer.events.isEmpty { self.loop.noteEvents(of: cluster) }
    }

    override func retired() {
        for mirror in self.mirrors { mirror.originalEnded() }
        self.mirrors.removeAll()
        self.connection = nil
        self.destination = nil
        self.waiting = nil
        self.arrived = nil
        self.fixedName = nil
        self.loop.release(self)
    }
}
