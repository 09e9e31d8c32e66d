internal import NIOCore
internal import WeftHTTP
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// One request on its way through this proxy: the two streams, and the bytes between them.
///
/// What both directions share. A subclass tells its machine what happened and says what the machine is about; this
/// class carries out the effects, returns credit on one side only when the other has passed the bytes on, and keeps one
/// lazy timer. Objects are used again: between two requests everything is as `init` left it.
class RelayedRequest: ServerStreamReceiver {
    unowned let loop: ProxyLoop
    /// Names this object in the loop's timers.
    let token: UInt32
    final private(set) lazy var leg = UpstreamLeg(request: self)
    /// The second attempt beside the first; made when a request is first hedged, and kept for the next.
    private var hedge: UpstreamLeg?
    /// Nil when downstream is gone or finished with.
    final private(set) var downstream: (any ServerStream)?
    /// The response head has been sent downstream; from here on a failure is a reset.
    final private(set) var responseStarted = false

    private var held = HeldBody()
    /// Body bytes for which credit has gone back downstream.
    final private(set) var credited = 0
    private var requestEnded = false
    private var responseEnded = false
    private var timer = TimerWheel.Handle.none
    private var timerAt = Int64.max
    private var isOpen = false
    /// How deep in calls of our own this object is; it is not given back before the outermost has returned.
    private var depth = 0

    init(loop: ProxyLoop, token: UInt32) {
        self.loop = loop
        self.token = token
    }

    // MARK: What a subclass tells its machine

    func requestArrived(_ head: RequestHead, end: Bool) -> ExchangeEffects { [] }
    func requestData(_ bytes: Int, end: Bool) -> ExchangeEffects { [] }
    func requestTrailers(_ trailers: HeaderBlock) -> ExchangeEffects { [] }
    /// `kept` when the connection has served before.
    func connectionReady(kept: Bool) -> ExchangeEffects { [] }
    func upstreamFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects { [] }
    func informationalArrived(_ head: ResponseHead) -> ExchangeEffects { [] }
    /// May change the head that is then forwarded.
    func responseArrived(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects { [] }
    func responseData(_ bytes: Int, end: Bool) -> ExchangeEffects { [] }
    func responseTrailers(_ trailers: HeaderBlock) -> ExchangeEffects { [] }
    /// `reason` is `clientGone`, or what was wrong with the rest of the request.
    func downstreamGone(_ reason: Reason) -> ExchangeEffects { [] }
    func timerFired() -> ExchangeEffects { [] }

    /// A chunk of the request's body is passing, before anything is done with it.
    func bodyPasses(_ data: ByteBuffer, end: Bool) {}
    func trailersPass(_ trailers: HeaderBlock) {}
    /// Sees to it that names of trailers are written as their sender's application writes them.
    func spell(requestTrailers trailers: inout HeaderBlock) {}
    func spell(responseTrailers trailers: inout HeaderBlock) {}

    // MARK: What a subclass knows

    /// The same of a second attempt beside the first; only of machines that answer `connectHedge`.
    func hedgeReady() -> ExchangeEffects { [] }
    func hedgeFailed(_ failure: UpstreamFailure, untouched: Bool) -> ExchangeEffects { [] }
    func hedgeAnswered(_ head: inout ResponseHead, end: Bool) -> ExchangeEffects { [] }
    func poolForHedge() -> EndpointPool? { nil }
    /// The connections of the endpoint to connect to; nil when there is no such thing any more.
    func poolForAttempt() -> EndpointPool? { nil }
    /// The head as the next attempt sends it, and whether nothing follows.
    func headForAttempt() -> (head: RequestHead, end: Bool) {
        (RequestHead(method: .get, headers: HeaderBlock()), true)
    }
    /// By which the request is found in records.
    var requestID: String? { nil }
    /// The proxy's own answer.
    func renderReply() -> RenderedReply {
        LocalReplyRenderer.render(LocalReply(.internal), for: RequestHead(method: .get, headers: HeaderBlock()))
    }
    /// What ends a response that has begun and cannot be finished; nil when only a reset can tell.
    func trailersForFailure() -> HeaderBlock? { nil }
    /// Under way, and of a kind that is given longer than a request when the sidecar stops.
    var isOpenStream: Bool { false }
    /// The answer has made the request a stream of bytes: the two directions end apart.
    var isTunnelOpen: Bool { false }
    /// When the machine wants to be told of the time next.
    var nextTimer: MonotonicInstant { .never }
    /// The machine is done: writes the record.
    func finished() {}
    /// Both sides are done with this object; it goes back to its free list.
    func retired() {}

    // MARK: Downstream

    /// Takes a new stream; called before its head arrives.
    final func open(_ stream: any ServerStream) {
        self.downstream = stream
        self.isOpen = true
    }

    /// Begins without a stream: nobody waits for the answer.
    final func openAlone() { self.isOpen = true }

    /// What is kept of the body.
    final var heldBody: HeldBody { self.held }

    final func streamReceived(request head: RequestHead, end: Bool) {
        self.requestEnded = end
        self.act { self.requestArrived(head, end: end) }
    }

    final func streamReceived(data: ByteBuffer, end: Bool) {
        self.requestEnded = end
        let count = data.readableBytes
        self.depth += 1
        self.bodyPasses(data, end: end)
        let effects = self.requestData(count, end: end)
        if effects.isDisjoint(with: [.hold, .forwardRequest]) { self.downstream?.consumed(count) }
        if effects.contains(.resetUpstream) { self.leg.abandon() }
        if effects.contains(.hold) { self.held.hold(data, end: end) }
        if effects.contains(.dropHeld) { self.held.drop() }
        if effects.contains(.forwardRequest) { self.leg.send(data, end: end) }
        self.perform(effects.subtracting([.resetUpstream, .hold, .dropHeld, .forwardRequest]))
        self.leave()
    }

    final func streamReceived(trailers: HeaderBlock) {
        var trailers = trailers
        self.spell(requestTrailers: &trailers)
        self.requestEnded = true
        self.depth += 1
        self.trailersPass(trailers)
        let effects = self.requestTrailers(trailers)
        if effects.contains(.hold) { self.held.hold(trailers: trailers) }
        if effects.contains(.dropHeld) { self.held.drop() }
        if effects.contains(.forwardRequest) { self.leg.send(trailers: trailers) }
        self.perform(effects.subtracting([.hold, .dropHeld, .forwardRequest]))
        self.leave()
    }

    /// Response bytes have left downstream: upstream may send as many again.
    final func streamSent(bytes: Int) { self.leg.consumed(bytes) }

    final func streamFailed(_ failure: StreamFailure) {
        self.downstream = nil
        let reason: Reason =
            switch failure {
            case .protocolError: .badRequest
            case .headersTooLarge: .headersTooLarge
            case .reset, .refused, .connectionClosed, .transport: .clientGone
            }
        self.act { self.downstreamGone(reason) }
    }

    final func streamClosed() {
        self.downstream = nil
        self.retireIfDone()
    }

    // MARK: Upstream

    /// A connection was found; the leg opens its stream from within.
    final func connectionOffered(kept: Bool, to leg: UpstreamLeg) {
        self.act { leg === self.leg ? self.connectionReady(kept: kept) : self.hedgeReady() }
    }

    final func attemptFailed(_ failure: UpstreamFailure, untouched: Bool, on leg: UpstreamLeg) {
        guard leg === self.leg else { return self.act { self.hedgeFailed(failure, untouched: untouched) } }
        // Once the whole response is through, how the stream ends is nobody's concern.
        if self.responseEnded { return self.retireIfDone() }
        self.act { self.upstreamFailed(failure, untouched: untouched) }
    }

    final func upstreamSaid(informational head: ResponseHead, on leg: UpstreamLeg) {
        guard leg === self.leg else { return }
        self.depth += 1
        let effects = self.informationalArrived(head)
        if effects.contains(.forwardInformational) { self.downstream?.sendInformational(head) }
        self.perform(effects.subtracting(.forwardInformational))
        self.leave()
    }

    final func upstreamAnswered(_ head: ResponseHead, end: Bool, on leg: UpstreamLeg) {
        self.depth += 1
        var head = head
        let effects =
            leg === self.leg ? self.responseArrived(&head, end: end) : self.hedgeAnswered(&head, end: end)
        self.settleHedge(effects)
        if effects.contains(.dropHeld) { self.held.drop() }
        if effects.contains(.forwardResponse) {
            self.responseStarted = true
            self.responseEnded = end
            self.downstream?.sendResponse(head, end: end)
        }
        self.perform(effects.subtracting([.promoteHedge, .abandonHedge, .dropHeld, .forwardResponse]))
        if end { self.stopRequest() }
        self.leave()
    }

    final func upstreamSent(_ data: ByteBuffer, end: Bool, on leg: UpstreamLeg) {
        // The rest of an answer that was passed over.
        guard leg === self.leg else { return leg.consumed(data.readableBytes) }
        self.depth += 1
        let effects = self.responseData(data.readableBytes, end: end)
        if effects.contains(.forwardResponse) {
            self.responseEnded = end
            if let downstream = self.downstream {
                downstream.sendData(data, end: end)
            } else {
                self.leg.consumed(data.readableBytes)
            }
        } else {
            self.leg.consumed(data.readableBytes)
        }
        self.perform(effects.subtracting(.forwardResponse))
        if end { self.stopRequest() }
        self.leave()
    }

    final func upstreamSent(trailers: HeaderBlock, on leg: UpstreamLeg) {
        guard leg === self.leg else { return }
        var trailers = trailers
        self.spell(responseTrailers: &trailers)
        self.depth += 1
        let effects = self.responseTrailers(trailers)
        if effects.contains(.forwardResponse) {
            self.responseEnded = true
            self.downstream?.sendTrailers(trailers)
        }
        self.perform(effects.subtracting(.forwardResponse))
        self.stopRequest()
        self.leave()
    }

    final func upstreamClosed() { self.retireIfDone() }

    /// The present attempt has passed on this much of the body; bytes that an earlier attempt passed on have been paid.
    final func upstreamTook(totalBytes: Int) {
        guard totalBytes > self.credited else { return }
        let credit = totalBytes - self.credited
        self.credited = totalBytes
        self.downstream?.consumed(credit)
    }

    /// An answer that came before the request was complete ends the request too, without an error.
    private func stopRequest() {
        if self.responseEnded, !self.requestEnded, !self.isTunnelOpen { self.leg.abandon(.noError) }
    }

    // MARK: Effects

    /// Tells the machine something and does what it answers.
    final func act(_ input: () -> ExchangeEffects) {
        self.depth += 1
        self.perform(input())
        self.leave()
    }

    /// Exchanges the streams of the two attempts, and gives up the one that lost.
    private func settleHedge(_ effects: ExchangeEffects) {
        guard !effects.isDisjoint(with: [.promoteHedge, .abandonHedge]), let hedge = self.hedge else { return }
        if effects.contains(.promoteHedge) {
            self.hedge = self.leg
            self.leg = hedge
        }
        if effects.contains(.abandonHedge) { self.hedge?.abandon() }
    }

    private func perform(_ effects: ExchangeEffects) {
        if !effects.isEmpty {
            self.settleHedge(effects)
            if effects.contains(.resetUpstream) || effects.contains(.abandonConnect) { self.leg.abandon() }
            if effects.contains(.dropHeld) { self.held.drop() }
            if effects.contains(.connect) { self.connect() }
            if effects.contains(.sendRequest) { self.sendRequest(on: self.leg) }
            if effects.contains(.connectHedge) { self.connectHedge() }
            if effects.contains(.sendHedge), let hedge = self.hedge { self.sendRequest(on: hedge) }
            if effects.contains(.reply) { self.sendReply() }
            if effects.contains(.resetDownstream) { self.resetDownstream(.internalError) }
            if effects.contains(.finished) { self.finished() }
        }
        let next = self.nextTimer
        if next.nanoseconds < self.timerAt { self.setTimer(next) }
    }

    private func connect() {
        guard let pool = self.poolForAttempt() else {
            return self.attemptFailed(.connectFailed("the endpoint has gone"), untouched: true, on: self.leg)
        }
        self.leg.connect(through: pool)
    }

    private func connectHedge() {
        let leg = self.hedge ?? UpstreamLeg(request: self)
        self.hedge = leg
        guard let pool = self.poolForHedge() else {
            return self.attemptFailed(.connectFailed("the endpoint has gone"), untouched: true, on: leg)
        }
        leg.connect(through: pool)
    }

    /// Opens the stream and sends all that is held, in order.
    private func sendRequest(on leg: UpstreamLeg) {
        let (head, end) = self.headForAttempt()
        guard leg.open(head, end: end), !end else { return }
        let generation = leg.generation
        let held = self.held
        let last = held.chunks.count - 1
        for (index, chunk) in held.chunks.enumerated() {
            // A stream that failed under our hands has been dealt with from within.
            guard leg.generation == generation else { return }
            leg.send(chunk, end: index == last && held.isComplete && held.trailers == nil)
        }
        guard leg.generation == generation else { return }
        if let trailers = held.trailers {
            leg.send(trailers: trailers)
        } else if held.isComplete, held.chunks.isEmpty {
            leg.send(ByteBuffer(), end: true)
        }
    }

    private func sendReply() {
        guard let downstream = self.downstream else { return }
        let reply = self.renderReply()
        self.responseStarted = true
        self.responseEnded = true
        downstream.sendResponse(reply.head, end: reply.body.isEmpty)
        if !reply.body.isEmpty { downstream.sendData(ByteBuffer(bytes: reply.body), end: true) }
    }

    /// A response that cannot be finished: a gRPC caller gets its status all the same, any other a broken message.
    private func resetDownstream(_ code: StreamResetCode) {
        if let trailers = self.trailersForFailure() {
            self.responseEnded = true
            self.downstream?.sendTrailers(trailers)
            return
        }
        let stream = self.downstream
        self.downstream = nil
        stream?.reset(code)
    }

    // MARK: Time

    /// Moves the timer forward. A later time leaves it where it is: when it fires, it is looked at again.
    private func setTimer(_ instant: MonotonicInstant) {
        self.loop.cancelTimer(self.timer)
        self.timer = self.loop.setTimer(self.token, at: instant.nanoseconds)
        self.timerAt = instant.nanoseconds
    }

    /// Called by the loop when the timer has fired.
    final func timerIsDue() {
        self.timer = .none
        self.timerAt = .max
        self.act { self.timerFired() }
    }

    // MARK: The end

    private func leave() {
        self.depth -= 1
        self.retireIfDone()
    }

    /// Goes back to the free list once neither side can call any more.
    private func retireIfDone() {
        guard self.isOpen, self.depth == 0, self.downstream == nil, self.leg.isIdle, self.hedge?.isIdle ?? true else {
            return
        }
        self.isOpen = false
        self.loop.cancelTimer(self.timer)
        self.timer = .none
        self.timerAt = .max
        self.held.drop()
        self.credited = 0
        self.requestEnded = false
        self.responseStarted = false
        self.responseEnded = false
        self.retired()
    }
}
