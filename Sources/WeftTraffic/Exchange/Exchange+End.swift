internal import WeftModel

extension Exchange {
    /// The moment `timer` has come, or the driver's timer fired early.
    ///
    /// Answers the empty set when nothing is due; `connect` when a retry is; else what ends the attempt (`resetUpstream`
    /// or `abandonConnect`) and what follows from that.
    package mutating func timerFired(now: MonotonicInstant) -> ExchangeEffects {
        guard now >= self.timer else { return [] }
        // Of two limits that have passed the earlier one counts, however late the timer is.
        if now >= self.deadline, self.deadline <= self.tryDeadline { return self.ranOutOfTime(now: now) }
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
            return self.timedOut(.streamIdleTimeout, detail: "no byte went either way", isBlamed: true, now: now)
        case .responding:
            return self.timedOut(
                now >= self.tryDeadline ? .tryTimeout : .streamIdleTimeout, detail: "", isBlamed: true, now: now)
        }
    }

    /// The deadline has passed, by our clock or by that of the endpoint's proxy, which was told of it.
    ///
    /// A timeout of the route's own speaks against the endpoint. The caller's does not, which may give less time than the
    /// work takes, unless the endpoint had as much as one attempt may take.
    mutating func ranOutOfTime(now: MonotonicInstant) -> ExchangeEffects {
        if self.tryDeadline < self.deadline, self.isAbout(self.tryDeadline, now) {
            return self.timedOut(.tryTimeout, detail: UpstreamFailure.tryTimeout.detail, isBlamed: true, now: now)
        }
        return self.timedOut(
            self.deadlineReason, detail: self.deadlineDetail, isBlamed: self.isEndpointLate(now: now), now: now)
    }

    /// Whether the deadline, which has passed, speaks against the endpoint.
    func isEndpointLate(now: MonotonicInstant) -> Bool {
        !self.deadlineIsCallers || (self.tryDeadline <= self.deadline && self.isAbout(self.tryDeadline, now))
    }

    /// Whether a call of gRPC ends with DEADLINE_EXCEEDED because the deadline that travelled with it has passed.
    func saysDeadlinePassed(grpcStatus: Int, now: MonotonicInstant) -> Bool {
        grpcStatus == 4 && self.isAbout(self.deadline, now)
    }

    /// What is told when the deadline passes.
    var deadlineReason: Reason { self.deadlineIsCallers ? .deadlineExceeded : .requestTimeout }

    var deadlineDetail: String {
        if self.deadlineIsCallers { return "the caller's time is used up" }
        return self.route?.requestTimeout == nil
            ? "the request took longer than the 15 s that hold where nothing else is set"
            : "the request took longer than its timeout"
    }

    /// The time for everything is over.
    private mutating func timedOut(
        _ reason: Reason, detail: String, isBlamed: Bool, now: MonotonicInstant
    ) -> ExchangeEffects {
        if self.phase == .responding {
            // One that begins its answer and then hangs is no better than one that never answers.
            if isBlamed, !self.mayPause(reason) { self.observeTimeout(now: now) }
            return self.cutShort(reason, detail: detail, now: now).union(.resetUpstream)
        }
        if self.isInFlight, self.phase == .awaitingResponse, let endpoint = self.endpoint {
            // An endpoint that lets requests run out of time is slow, though it never answered.
            let waited = now.nanoseconds - self.sentAt.nanoseconds
            if isBlamed {
                self.cluster?.balancer.failed(endpoint, .tryTimeout, waited: waited, now: now)
                self.observeTimeout(now: now)
            } else {
                self.cluster?.balancer.outpaced(endpoint, waited: waited, now: now)
                // What a fault does to its callers shows in their time too.
                self.observe(success: false, now: now)
            }
        }
        if self.isInFlight || self.phase == .backingOff { self.after = .timeUsedUp }
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
        // The endpoint's proxy was told of the deadline, and resets what has passed it.
        if case .reset = failure, self.cluster?.hasPeers == true, self.isAbout(self.deadline, now) {
            if self.isEndpointLate(now: now) { self.observe(.failure, now: now) }
            return self.cutShort(self.deadlineReason, detail: self.deadlineDetail, now: now)
        }
        if failure.blamesEndpoint(unprocessed: false) { self.observe(.failure, now: now) }
        self.observe(success: false, now: now)
        self.attemptFailure = failure
        return self.cutShort(failure.reason, detail: failure.detail, now: now)
    }

    /// Whether a moment may have come by the clock of an endpoint's proxy, which is told of it in whole milliseconds.
    private func isAbout(_ moment: MonotonicInstant, _ now: MonotonicInstant) -> Bool {
        moment != .never && now.nanoseconds >= moment.nanoseconds - 5_000_000
    }

    /// The response had begun and cannot be completed.
    mutating func cutShort(_ reason: Reason, detail: String, now: MonotonicInstant) -> ExchangeEffects {
        self.after = .responseBegun
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
