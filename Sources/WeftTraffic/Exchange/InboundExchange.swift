package import WeftMessage
package import WeftModel

/// The life of one inbound request: check → connect to the application → forward → respond → record.
///
/// The slim sibling of `Exchange`, driven in the same way and with the same effects; `connect` means a connection to the
/// application, whose connect timeout is the pool's to watch. It refuses what comes too late and repeated attempts beyond
/// the guard's share, and bounds the whole by the caller's deadline. It makes no retries, which are the caller's to pay for, but one: when a
/// kept connection closes before it answers, the request goes once more over a new one, where that is safe.
package struct InboundExchange: ~Copyable {
    enum Phase {
        case idle
        case connecting
        case awaitingResponse
        case responding
        case finished
    }

    var phase = Phase.idle

    /// The request head as it goes to the application. Valid from `begin` on.
    package internal(set) var head = RequestHead(method: .get, headers: HeaderBlock())
    /// Whether the request is its head alone: what `open` wants as `end`.
    package internal(set) var endsWithHead = false
    /// With `connect`: only a new connection will do, not one kept from before.
    package internal(set) var needsNewConnection = false
    /// What to answer when the effects contain `reply`.
    package internal(set) var reply: LocalReply?

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

    var traits = RequestTraits()
    var replay = ReplayBuffer()
    var requestEnded = false
    var responseEnded = false
    var usesKeptConnection = false
    /// When the request went to the application; nil where it did not.
    package internal(set) var sentAt: MonotonicInstant?
    /// Why the application gave no answer, or no whole one.
    package internal(set) var failure: UpstreamFailure?
    /// Whether the connection had served before.
    package var isKept: Bool { self.usesKeptConnection }
    /// When all must be over; `never` without.
    package var deadlineMoment: MonotonicInstant { self.deadline }
    var deadline = MonotonicInstant.never
    /// Until when a request without a deadline waits for a connection.
    var waitDeadline = MonotonicInstant.never
    var timeouts = InboundTimeouts()
    var idleTimeout = Int64.max
    var lastActivity = MonotonicInstant.never
    /// Where a place is held; nil without a limit, and once a gRPC call's answer has begun.
    var gate: ConcurrencyGate?

    package init() {}

    package var isGRPC: Bool { self.traits.isGRPC }
    /// Under way, and of a kind that may go on for as long as both sides like: gRPC, server-sent events.
    package var isOpenStream: Bool { self.phase != .idle && self.phase != .finished && self.traits.isStream }
    /// CONNECT: a stream of bytes rather than a request.
    package var isConnect: Bool { self.traits.isConnect }
    /// The answer has made it a stream of bytes, each of whose directions ends by itself.
    package internal(set) var isTunnelOpen = false
    /// What the caller's `x-weft-attempt` said; 1 without it.
    package var attempt: Int { self.traits.attempt }
    package var isFinished: Bool { self.phase == .finished }
    package var hasResponded: Bool { self.responseStart != nil }
    /// What is left of the caller's time at `now`; nil without a deadline.
    package func deadlineLeft(now: MonotonicInstant) -> Duration? {
        self.deadline == .never ? nil : self.deadline - now
    }

    /// When to call `timerFired`, at the latest; `.never` when nothing waits.
    package var timer: MonotonicInstant {
        switch self.phase {
        case .idle, .finished: .never
        case .connecting: min(self.waitDeadline, self.deadline)
        case .awaitingResponse, .responding:
            min(self.deadline, self.lastActivity.advanced(byNanoseconds: self.idleTimeout))
        }
    }

    // MARK: Request

    /// The request head arrived; `end` when nothing follows it. Once, first. `attempts` is the listener's guard, `limits`
    /// are its rate limits, `source` is the SPIFFE ID that the caller proved, empty where it proved none, `gate` its limit
    /// on requests at once, where it has one, and `timeouts` what it allows of waiting and silence.
    ///
    /// Answers `connect`, or `reply` and `finished`.
    package mutating func begin(
        _ head: consuming RequestHead, end: Bool, attempts: inout AttemptGuard, limits: [RateLimitTable] = [],
        source: String = "", gate: ConcurrencyGate? = nil, timeouts: InboundTimeouts = InboundTimeouts(),
        now: MonotonicInstant
    ) -> ExchangeEffects {
        guard self.phase == .idle else { return [] }
        self.timeouts = timeouts
        self.take(head, end: end, now: now)
        if self.traits.hasDeadlineField {
            switch Deadline.read(self.head.headers) {
            case .none: break
            case .malformed: return self.answer(LocalReply(.badRequest, detail: "grpc-timeout is malformed"), now: now)
            case .left(let left):
                self.deadline = now.advanced(byNanoseconds: left)
                if left <= 0 {
                    return self.answer(
                        LocalReply(.deadlineExceeded, detail: "no time was left when the request arrived"), now: now)
                }
            }
        }
        // Every limit is asked before any is taken from: what is refused anywhere costs nothing.
        for limit in limits {
            let decision = limit.look(self.head, source: source, now: now)
            guard decision.isAdmitted else { return self.answer(LocalReply(decision, of: limit.limit), now: now) }
        }
        guard attempts.admit(attempt: self.traits.attempt, now: now) else {
            return self.answer(
                LocalReply(.attemptRefused, detail: "repeated attempts exceed their share of requests"), now: now)
        }
        // What stays open for hours is no work in progress, and its duration no latency.
        if let gate, !self.traits.isTunnel, !self.traits.wantsEventStream {
            guard gate.admit(now: now) else {
                return self.answer(
                    LocalReply(
                        .overload, detail: "the service has as many requests at once as it can serve in time"),
                    now: now)
            }
            self.gate = gate
        }
        if let refusal = self.take(limits, source: source, now: now) { return self.answer(refusal, now: now) }
        return self.connect(now: now)
    }

    /// Takes from all limits; a refusal, and nothing taken, where another loop has taken the last since they were asked.
    private func take(_ limits: [RateLimitTable], source: String, now: MonotonicInstant) -> LocalReply? {
        for (index, limit) in limits.enumerated() {
            let decision = limit.take(self.head, source: source, now: now)
            if decision.isAdmitted { continue }
            for earlier in limits[..<index] { earlier.giveBack(self.head, source: source, now: now) }
            return LocalReply(decision, of: limit.limit)
        }
        return nil
    }

    /// Answers a request that is not to reach the application: the proxy drains, the peer is not known, …
    ///
    /// Instead of `begin`. Answers `reply` and `finished`.
    package mutating func refuse(
        _ head: consuming RequestHead, end: Bool, with reply: LocalReply, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .idle else { return [] }
        self.take(head, end: end, now: now)
        return self.answer(reply, now: now)
    }

    /// A body chunk arrived from the peer. Answers as `Exchange.requestData` does.
    package mutating func requestData(bytes: Int, end: Bool, now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase != .idle, self.phase != .finished else { return [] }
        self.requestBytes += bytes
        self.lastActivity = now
        if end { self.requestEnded = true }
        if self.phase == .connecting { return self.replay.received(bytes, sending: false, wanted: true) }
        let effects = self.replay.received(bytes, sending: true, wanted: self.usesKeptConnection)
        return end && self.responseEnded ? effects.union(self.finish(now: now)) : effects
    }

    /// The request's trailers arrived; nothing follows. Answers as for a chunk.
    package mutating func requestTrailers(now: MonotonicInstant) -> ExchangeEffects {
        self.requestData(bytes: 0, end: true, now: now)
    }

    /// The peer's stream failed, was reset, or its connection closed. Answers `finished`, with `resetUpstream` or
    /// `abandonConnect` as needed.
    package mutating func downstreamGone(
        because reason: Reason = .clientGone, detail: String = "", now: MonotonicInstant
    ) -> ExchangeEffects {
        if self.phase == .idle || self.phase == .finished { return [] }
        let effects = self.letGo()
        self.reason = reason
        self.detail = detail
        if self.responseStart == nil { self.status = reason.status }
        return effects.union(self.finish(now: now))
    }

    /// What was let in may not go on: who may call has changed. Answers `reply` where no response has begun, else
    /// `resetDownstream`, and `finished`, with `resetUpstream` or `abandonConnect` as needed.
    package mutating func revoke(_ reply: LocalReply, now: MonotonicInstant) -> ExchangeEffects {
        if self.phase == .idle || self.phase == .finished { return [] }
        let effects = self.letGo()
        guard self.phase == .responding else { return effects.union(self.answer(reply, now: now)) }
        self.reply = reply
        return effects.union(self.cutShort(reply.reason, detail: reply.detail, now: now))
    }

    // MARK: Application

    /// A connection to the application is there; `kept` when it has served before.
    ///
    /// Answers `sendRequest`; the empty set when the exchange no longer waits for it.
    package mutating func connectionReady(kept: Bool, now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .connecting else { return [] }
        self.phase = .awaitingResponse
        self.usesKeptConnection = kept
        self.sentAt = now
        self.waitDeadline = .never
        self.lastActivity = now
        if self.deadline != .never {
            Deadline.write(
                self.deadline.nanoseconds - now.nanoseconds, to: &self.head.headers, isGRPC: self.traits.isGRPC)
        }
        return .sendRequest
    }

    /// No connection to the application, or its stream ended before its message did; `mayHaveBeenProcessed` as in
    /// `Exchange.attemptFailed`. Answers `connect` for the one repetition, else `reply` or `resetDownstream`, and
    /// `finished`.
    package mutating func attemptFailed(
        _ failure: UpstreamFailure, mayHaveBeenProcessed: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        self.failure = failure
        switch self.phase {
        case .idle, .finished: return []
        case .connecting: return self.answer(LocalReply(failure.reason, detail: failure.detail), now: now)
        case .awaitingResponse:
            let isSafe = !mayHaveBeenProcessed || failure.provesUnprocessed || self.traits.isIdempotent
            if case .connectionClosed = failure, self.usesKeptConnection, isSafe, self.replay.canReplay(sent: true) {
                self.needsNewConnection = true
                return self.connect(now: now)
            }
            return self.answer(LocalReply(failure.reason, detail: failure.detail), now: now)
        case .responding: return self.cutShort(failure.reason, detail: failure.detail, now: now)
        }
    }

    /// A 1xx head arrived from the application. Answers `forwardInformational`.
    package mutating func informational(now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .awaitingResponse else { return [] }
        self.lastActivity = now
        return .forwardInformational
    }

    /// The application's response head arrived; `end` when nothing follows it. A reason that it copied from a response
    /// of another service is removed: only proxies speak in that field. Answers `forwardResponse`.
    package mutating func responseHead(
        _ response: inout ResponseHead, end: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .awaitingResponse else { return [] }
        self.phase = .responding
        self.lastActivity = now
        self.status = response.status
        self.responseStart = now
        response.headers.remove(.weftReason)
        if self.traits.opensTunnel(response.status) {
            self.isTunnelOpen = true
            // From here on it is a stream of bytes: the caller's time was for the answer.
            self.deadline = .never
        }
        if self.traits.isGRPC {
            if end { self.grpcStatus = response.headers.number(.grpcStatus) }
            // Which calls are streams nobody knows before; from here on one may be, and its work is answered.
            self.leaveGate(isAnswered: true, now: now)
        }
        let effects = self.replay.drop().union(.forwardResponse)
        return end ? effects.union(self.responseIsWhole(now: now)) : effects
    }

    /// A response chunk arrived. Answers `forwardResponse`, with `finished` at the end.
    package mutating func responseData(bytes: Int, end: Bool, now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .responding else { return [] }
        self.lastActivity = now
        self.responseBytes += bytes
        return end ? self.responseIsWhole(now: now).union(.forwardResponse) : .forwardResponse
    }

    /// The response's trailers arrived; nothing follows. Answers `forwardResponse` and `finished`.
    package mutating func responseTrailers(_ trailers: borrowing HeaderBlock, now: MonotonicInstant) -> ExchangeEffects
    {
        guard self.phase == .responding else { return [] }
        self.lastActivity = now
        if self.traits.isGRPC { self.grpcStatus = trailers.number(.grpcStatus) }
        return self.responseIsWhole(now: now).union(.forwardResponse)
    }

    /// The moment `timer` has come, or the driver's timer fired early. Answers as `Exchange.timerFired` does.
    package mutating func timerFired(now: MonotonicInstant) -> ExchangeEffects {
        guard now >= self.timer else { return [] }
        let (reason, detail): (Reason, String) =
            if now >= self.deadline {
                (.deadlineExceeded, "the caller's time is used up")
            } else if self.phase == .connecting {
                (.overflow, "no connection to the application became free in time")
            } else {
                (.streamIdleTimeout, "no byte went either way")
            }
        let effects = self.letGo()
        if self.phase == .responding { return effects.union(self.cutShort(reason, detail: detail, now: now)) }
        return effects.union(self.answer(LocalReply(reason, detail: detail), now: now))
    }

    // MARK: Steps

    private mutating func take(_ head: consuming RequestHead, end: Bool, now: MonotonicInstant) {
        self.head = head
        self.traits = RequestTraits(self.head)
        self.start = now
        self.lastActivity = now
        self.endsWithHead = end
        self.requestEnded = end
        if let idle = self.timeouts.idle ?? self.traits.defaultIdleTimeout, idle > 0 { self.idleTimeout = idle }
    }

    private mutating func connect(now: MonotonicInstant) -> ExchangeEffects {
        self.phase = .connecting
        if self.deadline == .never { self.waitDeadline = now.advanced(byNanoseconds: self.timeouts.wait) }
        return .connect
    }

    private mutating func responseIsWhole(now: MonotonicInstant) -> ExchangeEffects {
        self.responseEnded = true
        if self.requestEnded { return self.finish(now: now) }
        if self.isTunnelOpen { return [] }
        return self.finish(now: now).union(.resetUpstream)
    }

    private func letGo() -> ExchangeEffects {
        switch self.phase {
        case .connecting: .abandonConnect
        case .awaitingResponse, .responding: .resetUpstream
        case .idle, .finished: []
        }
    }

    private mutating func cutShort(_ reason: Reason, detail: String, now: MonotonicInstant) -> ExchangeEffects {
        self.reason = reason
        self.detail = detail
        if self.traits.isGRPC { self.grpcStatus = reason.grpcStatus }
        return self.finish(now: now).union(.resetDownstream)
    }

    private mutating func answer(_ reply: LocalReply, now: MonotonicInstant) -> ExchangeEffects {
        self.reply = reply
        self.reason = reply.reason
        self.detail = reply.detail
        self.status = reply.status
        if self.traits.isGRPC { self.grpcStatus = reply.grpcStatus }
        return self.finish(now: now).union(.reply)
    }

    private mutating func finish(now: MonotonicInstant) -> ExchangeEffects {
        self.leaveGate(isAnswered: self.responseEnded, now: now)
        let effects = self.replay.drop()
        self.phase = .finished
        self.end = now
        return effects.union(.finished)
    }

    private mutating func leaveGate(isAnswered: Bool, now: MonotonicInstant) {
        guard let gate = self.gate else { return }
        self.gate = nil
        gate.finished(since: self.start, isAnswered: isAnswered, now: now)
    }
}
