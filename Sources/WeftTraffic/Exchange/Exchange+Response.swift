package import WeftMessage
internal import WeftModel

extension Exchange {
    /// What the upstream asks for about retrying.
    enum Pushback {
        /// `grpc-retry-pushback-ms`: nanoseconds, instead of the backoff.
        case wait(Int64)
        /// `retry-after`: nanoseconds, at least.
        case atLeast(Int64)
        /// A negative or unreadable pushback.
        case stop
    }

    /// A 1xx head arrived from upstream. Answers `forwardInformational`; it does not bar a retry.
    package mutating func informational(now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .awaitingResponse else { return [] }
        self.lastActivity = now
        return .forwardInformational
    }

    /// The response head arrived (101 included); `end` when nothing follows it. The route's response modifiers are
    /// applied to `response` when it is to be forwarded.
    ///
    /// Answers `forwardResponse`, with `finished` at the end; or, for a retry, `resetUpstream` unless the stream is
    /// over, and perhaps `connect`.
    package mutating func responseHead(
        _ response: inout ResponseHead, end: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .awaitingResponse, let cluster = self.cluster, let endpoint = self.endpoint,
            let route = self.route
        else { return [] }
        self.lastActivity = now
        if self.saysDeadlinePassed(response, end: end, now: now) { return self.peerRanOutOfTime(end: end, now: now) }
        self.attemptEnd = now
        self.attemptStatus = response.status
        self.hedgeAt = .never
        let latency = now.nanoseconds - self.sentAt.nanoseconds
        let isTrailersOnly = self.traits.isGRPC && end
        let grpcStatus = isTrailersOnly ? response.headers.number(.grpcStatus) : nil
        let failed = Self.couldNotServe(response.status, grpcStatus)
        cluster.balancer.answered(endpoint, latency: latency, failed: failed, now: now)
        let isFailing = response.status >= 400 || (grpcStatus ?? 0) != 0
        let peerReason = isFailing ? self.peerReason(of: response) : nil
        // A call of gRPC shows at its end how it went, but a probe must not wait for the end of a stream.
        let isCallersTime =
            grpcStatus.map { self.saysDeadlinePassed(grpcStatus: $0, now: now) } == true
            && !self.isEndpointLate(now: now)
        if !isCallersTime, !self.traits.isGRPC || isFailing || isTrailersOnly || self.isProbe {
            self.observe(
                EndpointOutcome(status: response.status, grpcStatus: grpcStatus, peerReason: peerReason), now: now)
        }
        var hedgeEffects: ExchangeEffects = []
        if self.rival != nil {
            if self.isWorthWaiting(response, end: end) {
                self.observe(success: !failed, now: now)
                let isOver = end && self.requestEnded
                return self.promoteRival(now: now).union(isOver ? .promoteHedge : [.promoteHedge, .abandonHedge])
            }
            hedgeEffects = self.rivalLost(now: now)
        }

        if isFailing {
            self.reason = peerReason ?? .ok
            let verdict = self.verdict(
                .answered(status: response.status, grpcStatus: grpcStatus, peerReason: peerReason), wasSent: true,
                pushback: Self.pushback(response, unixSeconds: self.traffic?.unixSeconds(at: now) ?? 0), now: now)
            switch verdict {
            case .retry(let delay):
                self.observe(success: !failed, now: now)
                self.closeAttempt(peerReason ?? .ok, status: response.status, now: now)
                self.reason = .ok
                let reset: ExchangeEffects = end && self.requestEnded ? [] : .resetUpstream
                return hedgeEffects.union(reset).union(self.backOff(delay, now: now))
            case .giveUp(let reason):
                if let reason { self.reason = reason }
                self.attemptReason = peerReason ?? .ok
            }
        } else {
            self.median?.observe(latency, now: now)
        }

        self.phase = .responding
        self.status = response.status
        self.responseStart = now
        if self.traits.opensTunnel(response.status) {
            self.isTunnelOpen = true
            // From here on it is a stream of bytes: the time was for the answer.
            self.deadline = .never
            self.tryDeadline = .never
        }
        route.edits.response.apply(to: &response.headers)
        route.backends[self.backend].responseEdits.apply(to: &response.headers)
        self.issueCookies(on: &response, cluster, endpoint)
        if let sessions = route.session { self.carrySession(sessions, on: &response, endpoint) }
        if isTrailersOnly { self.grpcStatus = grpcStatus }
        var effects = hedgeEffects.union(.forwardResponse)
        effects.formUnion(self.replay.drop())
        return end ? effects.union(self.responseIsWhole(now: now)) : effects
    }

    /// A response chunk arrived; `end` when nothing follows. Answers `forwardResponse`, with `finished` at the end.
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
        if self.traits.isGRPC {
            self.grpcStatus = trailers.number(.grpcStatus)
            self.observe(grpcStatus: self.grpcStatus, now: now)
        }
        return self.responseIsWhole(now: now).union(.forwardResponse)
    }

    private mutating func responseIsWhole(now: MonotonicInstant) -> ExchangeEffects {
        self.responseEnded = true
        self.observe(success: !Self.couldNotServe(self.status, self.grpcStatus), now: now)
        if self.requestEnded { return self.finish(now: now) }
        // A tunnel's other direction goes on; any other request has its answer and nobody reads the rest.
        if self.isTunnelOpen { return [] }
        return self.finish(now: now).union(.resetUpstream)
    }

    /// Whether the endpoint's proxy answers that the time it was told of is over, and it is, or nearly. The timer here is
    /// set to the same moment; whose runs out first is chance.
    func saysDeadlinePassed(_ response: borrowing ResponseHead, end: Bool, now: MonotonicInstant) -> Bool {
        guard response.status == 504 || (self.traits.isGRPC && end), self.deadline != .never,
            now.nanoseconds >= self.deadline.nanoseconds - 100_000_000
        else { return false }
        return self.peerReason(of: response) == .deadlineExceeded
    }

    /// What follows from that, as if it had been found out here.
    func passedOver(_ effects: ExchangeEffects, end: Bool, _ reset: ExchangeEffects) -> ExchangeEffects {
        // A stream that has ended is not reset.
        end && self.requestEnded ? effects.subtracting(reset) : effects
    }

    private mutating func peerRanOutOfTime(end: Bool, now: MonotonicInstant) -> ExchangeEffects {
        let effects = self.ranOutOfTime(now: now)
        return self.passedOver(effects, end: end, .resetUpstream)
    }

    /// Whether an answer says that the endpoint could not serve the request: 429, 5xx, UNAVAILABLE, RESOURCE_EXHAUSTED.
    private static func couldNotServe(_ status: Int, _ grpcStatus: Int?) -> Bool {
        status == 429 || status >= 500 || grpcStatus == 14 || grpcStatus == 8
    }

    /// The reason that a peer's proxy gives. Only a proxy that has proved itself may say that repeating is safe; an
    /// application without one may not.
    func peerReason(of response: borrowing ResponseHead) -> Reason? {
        self.cluster?.hasPeers == true ? response.headers[.weftReason].flatMap(Reason.init(rawValue:)) : nil
    }

    /// `unixSeconds` is the wall clock, for dates in responses that do not say what their own is.
    static func pushback(_ response: borrowing ResponseHead, unixSeconds: Int64) -> Pushback? {
        if let index = response.headers.firstIndex(of: .grpcRetryPushback) {
            guard let milliseconds = response.headers.withValue(at: index, { Int(saturating: $0) }) else {
                return .stop
            }
            return .wait(Int64(min(milliseconds, 1_000_000_000)) * 1_000_000)
        }
        guard let index = response.headers.firstIndex(of: .retryAfter) else { return nil }
        if let seconds = response.headers.withValue(at: index, { Int(saturating: $0) }) {
            return .atLeast(Int64(min(seconds, 1_000_000)) * 1_000_000_000)
        }
        guard let date = response.headers.withValue(at: index, { HTTPDate.seconds($0, now: unixSeconds) }) else {
            return nil
        }
        // Against the clock that wrote it, where the response says what that showed: ours may differ.
        let theirs = response.headers.firstIndex(of: .date).flatMap { index in
            response.headers.withValue(at: index) { HTTPDate.seconds($0, now: unixSeconds) }
        }
        return .atLeast(min(max(0, date - (theirs ?? unixSeconds)), 1_000_000) * 1_000_000_000)
    }
}
