internal import WeftModel

extension Exchange {
    /// The moment `timer` has come, or the driver's timer fired early.
    ///
    /// Answers the empty set when nothing is due; `connect` when a retry is; else what ends the attempt (`resetUpstream`
    /// or `abandonConnect`) and what follows from that.
    package mutating func timerFired(now: MonotonicInstant) -> ExchangeEffects {
        guard now >= self.timer else { return [] }
        if now >= self.deadline {
            return self.timedOut(
                self.deadlineIsCallers ? .deadlineExceeded : .requestTimeout,
                detail: self.deadlineIsCallers
                    ? "the caller's time is used up" : "the request took longer than its timeout", now: now)
        }
        switch self.phase {
        case .idle, .finished: return []
        case .backingOff: return self.waited(now: now)
        case .connecting:
            let failure: UpstreamFailure = now >= self.tryDeadline ? .tryTimeout : .overflow
            return self.attemptEnded(failure, unprocessed: true, now: now).union(.abandonConnect)
        case .awaitingResponse:
            if now >= self.tryDeadline {
                let isRivalled = self.rival != nil
                return self.attemptEnded(.tryTimeout, unprocessed: false, now: now)
                    .union(isRivalled ? .abandonHedge : .resetUpstream)
            }
            if now >= self.rivalDeadline { return self.rivalTimedOut(now: now) }
            if now >= self.hedgeAt { return self.startHedge(now: now) }
            return self.timedOut(.streamIdleTimeout, detail: "no byte went either way", now: now)
        case .responding:
            return self.timedOut(now >= self.tryDeadline ? .tryTimeout : .streamIdleTimeout, detail: "", now: now)
        }
    }

    /// The time for everything is over.
    private mutating func timedOut(_ reason: Reason, detail: String, now: MonotonicInstant) -> ExchangeEffects {
        if self.phase == .responding {
            // One that begins its answer and then hangs is no better than one that never answers.
            if !self.mayPause(reason) { self.observeTimeout(now: now) }
            return self.cutShort(reason, detail: detail, now: now).union(.resetUpstream)
        }
        if self.isInFlight, self.phase == .awaitingResponse, let endpoint = self.endpoint {
            // An endpoint that lets requests run out of time is slow, though it never answered.
            self.cluster?.balancer.failed(
                endpoint, .tryTimeout, waited: now.nanoseconds - self.sentAt.nanoseconds, now: now)
            self.observeTimeout(now: now)
        }
        let effects = self.letGo(reason, now: now)
        return effects.union(self.answer(LocalReply(reason, detail: detail), now: now))
    }

    private mutating func observeTimeout(now: MonotonicInstant) {
        self.observe(.failure, now: now)
        self.observe(success: false, now: now)
    }

    /// Whether what ended the response is no fault of it: silence is as much a part of tunnels and event streams as bytes.
    func mayPause(_ reason: Reason) -> Bool {
        self.isTunnelOpen || (reason == .streamIdleTimeout && self.traits.wantsEventStream)
    }

    /// Gives up the current attempt, wherever it stands.
    mutating func letGo(_ reason: Reason, now: MonotonicInstant) -> ExchangeEffects {
        let effects: ExchangeEffects =
            switch self.phase {
            case .connecting: .abandonConnect
            case .awaitingResponse, .responding: .resetUpstream
            case .idle, .backingOff, .finished: []
            }
        self.closeAttempt(reason, status: nil, now: now)
        guard self.rival != nil else { return effects }
        self.dropRival(reason, status: nil, now: now)
        return effects.union(.abandonHedge)
    }

    /// The upstream broke off in the middle of its response.
    mutating func cutShortByUpstream(_ failure: UpstreamFailure, now: MonotonicInstant) -> ExchangeEffects {
        if failure.blamesEndpoint(unprocessed: false) { self.observe(.failure, now: now) }
        self.observe(success: false, now: now)
        return self.cutShort(failure.reason, detail: failure.detail, now: now)
    }

    /// The response had begun and cannot be completed.
    mutating func cutShort(_ reason: Reason, detail: String, now: MonotonicInstant) -> ExchangeEffects {
        self.closeAttempt(reason, status: nil, now: now)
        self.reason = reason
        self.detail = detail
        self.wasCutShort = !self.mayPause(reason)
        if self.traits.isGRPC { self.grpcStatus = reason.grpcStatus }
        return self.finish(now: now).union(.resetDownstream)
    }

    /// Answers downstream itself.
    mutating func answer(_ reply: LocalReply, now: MonotonicInstant) -> ExchangeEffects {
        var reply = reply
        if reply.provenance == nil { reply.provenance = self.responsible(for: reply.reason) }
        self.reply = reply
        self.reason = reply.reason
        self.detail = reply.detail
        self.status = reply.status
        if self.traits.isGRPC { self.grpcStatus = reply.grpcStatus }
        return self.finish(now: now).union(.reply)
    }

    /// Settles all accounts.
    mutating func finish(now: MonotonicInstant) -> ExchangeEffects {
        self.closeAttempt(.ok, status: nil, now: now)
        if let cluster = self.cluster { self.settleLimits(cluster, now: now) }
        if self.isAdmitted {
            self.isAdmitted = false
            self.cluster?.load.release()
        }
        let effects = self.replay.drop()
        if self.reason == .ok, self.faultEvent == .delay {
            self.reason = .faultDelay
            self.detail = "a fault delayed the request on purpose"
        }
        self.phase = .finished
        self.end = now
        self.tried.removeAll()
        return effects.union(.finished)
    }
}
