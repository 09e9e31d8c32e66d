package import WeftMessage
package import WeftModel

/// The life of one outbound request: match → admit → pick → connect → forward → retry or respond → record.
///
/// A machine without IO. The driver tells it what happened and carries out the `ExchangeEffects` it answers; it owns no
/// socket, timer or clock. It belongs to one event loop, is used by one request, and allocates nothing of its own unless
/// a request is retried. What every input means stands at its method; an input that no longer matters (the exchange is
/// over, the attempt is another) answers the empty set, so that the driver need not guard its calls.
///
/// **One timer.** After each input compare `timer` with what is armed: arm when it is earlier, and never cancel. A timer that
/// fires early answers the empty set; arm it again for `timer`, unless that is `.never`.
///
/// **Connections.** How long a connection may take to come about is the pool's to watch, from its own first packet on: it
/// answers `attemptFailed(.connectTimeout)` to those who wait for it. The exchange counts waiting, which may be for a place
/// behind others, only against the request's own time, and 5 s beyond the connect timeout where it has none; no endpoint
/// is blamed for that. For the same reason the pool tells the balancer itself of each connection that fails
/// (`ClusterBalancer.failed`), whether or not anybody still waits for it.
///
/// **Reentrancy.** Every method returns before the driver acts, and effects are ordered so that a codec may call back from
/// inside one of them: nothing follows `connect`, `sendRequest` or `forwardRequest` in a set that contains them.
///
/// ```swift
/// final class OutboundRequest: ServerStreamReceiver, ClientStreamReceiver {
///     private var exchange = Exchange()
///
///     func streamReceived(request head: RequestHead, end: Bool) {
///         self.perform(self.exchange.begin(head, end: end, routes: table, traffic: loop.traffic, now: loop.now))
///     }
///     func streamReceived(data: ByteBuffer, end: Bool) {   // from downstream
///         self.chunk = data
///         self.perform(self.exchange.requestData(bytes: data.readableBytes, end: end, now: loop.now))
///     }
///     func streamReceived(response head: ResponseHead, end: Bool) {   // from upstream
///         var head = head
///         let effects = self.exchange.responseHead(&head, end: end, now: loop.now)
///         self.response = head
///         self.perform(effects)
///     }
///     func perform(_ effects: ExchangeEffects) {
///         if effects.contains(.promoteHedge) { swap(&self.upstream, &self.hedge) }
///         if effects.contains(.abandonHedge) { self.hedge?.reset(.cancel); self.hedge = nil }
///         if effects.contains(.resetUpstream) { self.upstream?.reset(.cancel); self.upstream = nil }
///         if effects.contains(.abandonConnect) { self.waiting?.cancel() }
///         if effects.contains(.hold) { self.held.append(chunk) }
///         if effects.contains(.dropHeld) { self.held.removeAll() }
///         if effects.contains(.forwardRequest) { self.upstream?.sendData(chunk, end: end) }
///         if effects.contains(.connect) { self.pool(of: exchange.endpoint).connection { … connectionReady / attemptFailed } }
///         if effects.contains(.sendRequest) { self.upstream = connection.open(exchange.head, …); send(held) }
///         if effects.contains(.forwardInformational) { self.downstream.sendInformational(head) }
///         if effects.contains(.forwardResponse) { self.downstream.sendResponse(response, end: end) }   // or data, trailers
///         if effects.contains(.reply) { self.send(LocalReplyRenderer.render(exchange.reply, for: exchange.head)) }
///         if effects.contains(.resetDownstream) { self.downstream.reset(.internalError) }
///         if effects.contains(.finished) { self.record(exchange.record); return }
///         loop.wheel.arm(self, noLaterThan: exchange.timer)
///     }
/// }
/// ```
package struct Exchange: ~Copyable {
    enum Phase {
        /// No request yet.
        case idle
        /// An endpoint was picked; waiting for a connection to it.
        case connecting
        /// Between two attempts.
        case backingOff
        /// The request is going upstream; no response head yet.
        case awaitingResponse
        /// Response bytes have gone downstream: from here on failures are resets.
        case responding
        /// The outcome is known and recorded.
        case finished
    }

    var phase = Phase.idle

    /// The request head as it goes upstream, changed by the route and for each attempt. Valid from `begin` on.
    package internal(set) var head = RequestHead(method: .get, headers: HeaderBlock())
    /// Whether the request is its head alone: what `open` wants as `end`.
    package internal(set) var endsWithHead = false
    /// The endpoint of the current attempt, or of the last; nil before the first.
    package internal(set) var endpoint: UpstreamEndpoint?
    /// Where the request goes; nil until matched.
    package internal(set) var cluster: ClusterTraffic?
    /// The route it took; nil when none matched.
    package internal(set) var route: CompiledRoute?
    /// Who gets a copy of the request; final with `begin`.
    package internal(set) var mirrors: [CompiledMirror] = []
    /// The head of those copies; nil where there are none.
    package internal(set) var mirroredHead: RequestHead?
    /// What to answer when the effects contain `reply`.
    package internal(set) var reply: LocalReply?
    /// How many attempts were made; 0 before the first.
    package internal(set) var attempt = 0
    /// What became of a second attempt beside the first; nil where there was none.
    package internal(set) var hedgeOutcome: HedgeOutcome?
    /// What a fault did; nil where there was none.
    package internal(set) var faultEvent: FaultEvent?

    // The outcome, final with `finished`.
    package internal(set) var status = 0
    package internal(set) var grpcStatus: Int?
    package internal(set) var reason = Reason.ok
    package internal(set) var detail = ""
    package internal(set) var start = MonotonicInstant.never
    package internal(set) var responseStart: MonotonicInstant?
    package internal(set) var end = MonotonicInstant.never
    package internal(set) var requestBytes = 0
    package internal(set) var responseBytes = 0

    /// The hash of the caller's address, for what follows it; zero where it is not known. The driver sets it before `begin`.
    package var sourceHash: UInt64 = 0

    // What balancing follows, and the cookies to give out for it.
    var hint = PickHint()
    var issuedHash: UInt64?
    var issuedCohort: UInt64?
    /// The session that the request belongs to and that is followed; nil where one is to begin.
    var session: SessionPin?
    /// Whether the current attempt tries if its endpoint is well again.
    var isProbe = false
    /// Which limit of the cluster refused the request, or its retry; nil where none did.
    var refusedBy: TrafficSetting?
    /// Whether a place among the retries is held.
    var holdsRetry = false
    var countsForAdmission = false
    /// The response broke off, which its status does not tell.
    var wasCutShort = false

    var traits = RequestTraits()
    var traffic: LoopTraffic?
    var median: LatencyMedian?
    var backend = 0
    var replay = ReplayBuffer()
    var requestEnded = false
    var responseEnded = false
    var isAdmitted = false
    var isWaiting = false
    /// Whether the balancer counts the current attempt as in flight.
    var isInFlight = false

    // Moments; `.never` where not set.
    var deadline = MonotonicInstant.never
    /// Whether `deadline` is the caller's, not the route's timeout.
    var deadlineIsCallers = false
    /// Until when an attempt that no time limit of the request bounds waits for its connection.
    var waitDeadline = MonotonicInstant.never
    var tryDeadline = MonotonicInstant.never
    var retryAt = MonotonicInstant.never
    /// Nanoseconds; `.max` without.
    var idleTimeout = Int64.max
    var lastActivity = MonotonicInstant.never

    // The current attempt, and those before it.
    package internal(set) var attemptStart = MonotonicInstant.never
    package internal(set) var sentAt = MonotonicInstant.never
    package internal(set) var attemptEnd = MonotonicInstant.never
    package internal(set) var attemptStatus: Int?
    package internal(set) var attemptReason = Reason.ok
    package internal(set) var attemptPick = AttemptPick()
    package internal(set) var attemptFailure: UpstreamFailure?
    package internal(set) var isKept = false
    /// What was decided after the attempt.
    package internal(set) var after = AfterAttempt.nothing
    package internal(set) var isHedge = false
    package internal(set) var attemptLost = false
    /// Attempts that were made because one before them had failed.
    var retries = 0
    /// How often an attempt went elsewhere for want of room.
    var moves = 0
    var rival: Rival?
    var hedgeAt = MonotonicInstant.never
    var pendingAbort: FaultPolicy.Abort.Status?
    var earlier: [AttemptRecord] = []
    var tried: [UpstreamEndpoint] = []

    /// More moves than these are a destination that is full.
    static let maxMoves = 32

    package init() {}

    package var isGRPC: Bool { self.traits.isGRPC }
    /// CONNECT: a stream of bytes rather than a request.
    package var isConnect: Bool { self.traits.isConnect }
    /// The answer has made it a stream of bytes, each of whose directions ends by itself.
    package internal(set) var isTunnelOpen = false
    package var isFinished: Bool { self.phase == .finished }
    /// Whether response bytes have gone downstream.
    package var hasResponded: Bool { self.responseStart != nil }

    /// When to call `timerFired`, at the latest; `.never` when nothing waits.
    package var timer: MonotonicInstant {
        switch self.phase {
        case .idle, .finished: .never
        case .backingOff: min(self.retryAt, self.deadline)
        case .connecting: min(min(self.waitDeadline, self.tryDeadline), self.deadline)
        case .awaitingResponse:
            min(min(min(self.tryDeadline, self.deadline), self.idleMoment), min(self.hedgeAt, self.rivalDeadline))
        case .responding: min(min(self.tryDeadline, self.deadline), self.idleMoment)
        }
    }

    /// Where the second attempt goes; nil without one.
    package var rivalEndpoint: UpstreamEndpoint? { self.rival?.endpoint }
    var rivalDeadline: MonotonicInstant { self.rival?.deadline ?? .never }
    var idleMoment: MonotonicInstant { self.lastActivity.advanced(byNanoseconds: self.idleTimeout) }

    /// What became of the request; whole once the effects contained `finished`.
    package var record: ExchangeRecord {
        var attempts = self.earlier
        if let last = self.lastAttempt { attempts.append(last) }
        return ExchangeRecord(
            route: self.route?.name ?? "", service: self.cluster?.cluster.service,
            cluster: self.cluster?.cluster.name ?? "",
            status: self.status, grpcStatus: self.grpcStatus, isGRPC: self.traits.isGRPC, reason: self.reason,
            detail: self.detail, provenance: self.responsible(for: self.reason), attempts: attempts,
            requestBytes: self.requestBytes, responseBytes: self.responseBytes, start: self.start,
            responseStart: self.responseStart, end: self.end,
            deadlineLeft: self.deadline == .never ? nil : self.deadline - self.end,
            outgrewReplay: self.replay.isOutgrown)
    }

    /// The head as it came; nil where neither route nor backend changed it before the first attempt.
    package internal(set) var arrivedHead: RequestHead?
    /// When all must be over, and whether the caller said so; `never` without.
    package var deadlineMoment: (at: MonotonicInstant, isCallers: Bool) { (self.deadline, self.deadlineIsCallers) }
    /// The request body outgrew the replay buffer.
    package var outgrewReplay: Bool { self.replay.isOutgrown }
    /// Which of the route's backends it took.
    package var backendIndex: Int { self.backend }
    /// The resource that the outcome comes from.
    package var responsibleResource: Provenance? { self.responsible(for: self.reason) }
    /// The attempts before the last, in order.
    package var earlierAttempts: [AttemptRecord] { self.earlier }

    /// Where the attempt under way goes, or the last went; nil before the first.
    package var lastEndpoint: UpstreamEndpoint? { self.attempt > 0 ? self.endpoint : nil }
    package var lastAttemptEnd: MonotonicInstant { self.attemptEnd == .never ? self.end : self.attemptEnd }
    /// When its request went out; nil where no connection came about.
    package var lastSentAt: MonotonicInstant? {
        self.sentAt == .never || self.sentAt < self.attemptStart ? nil : self.sentAt
    }

    /// The attempt under way, or the last, whole; nil before the first. Who looks at parts of it asks for those.
    package var lastAttempt: AttemptRecord? {
        guard let endpoint = self.lastEndpoint else { return nil }
        var record = AttemptRecord(
            upstream: endpoint, start: self.attemptStart, end: self.lastAttemptEnd, status: self.attemptStatus,
            reason: self.attemptReason, isHedge: self.isHedge, isLost: self.attemptLost)
        record.pick = self.attemptPick
        record.sentAt = self.lastSentAt
        record.isKept = self.isKept
        record.failure = self.attemptFailure
        record.after = self.after
        return record
    }
}
