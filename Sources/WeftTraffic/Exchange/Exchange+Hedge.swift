package import WeftMessage
internal import WeftModel

// The second attempt beside the first. The machine calls the one that would answer, were there no other, the attempt; the
// other is its rival. When the rival takes over, the driver exchanges the two streams (`promoteHedge`).

/// A second attempt beside the first.
struct Rival {
    let endpoint: UpstreamEndpoint
    let start: MonotonicInstant
    /// It probes an endpoint that had been taken out.
    let isProbe: Bool
    let pick: AttemptPick
    /// When its request went out; `.never` while it waits for a connection.
    var sentAt = MonotonicInstant.never
    /// As the attempt's own: where nothing else bounds its waiting.
    var waitDeadline: MonotonicInstant
    var tryDeadline: MonotonicInstant

    var isSent: Bool { self.sentAt != .never }
    var deadline: MonotonicInstant { min(self.waitDeadline, self.tryDeadline) }
}

/// What became of a request's second attempt beside the first.
package enum HedgeOutcome: String, Hashable, Sendable {
    /// It took over: it answered first, or the first attempt failed.
    case won
    case lost
    /// The budget did not hold it.
    case unpaid
}

extension Exchange {
    /// The pool has a connection for the second attempt. Answers `sendHedge`; the empty set when it is no longer wanted.
    package mutating func hedgeReady(now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .awaitingResponse, let rival = self.rival, !rival.isSent else { return [] }
        self.stopWaiting()
        self.rival?.sentAt = now
        self.rival?.waitDeadline = .never
        self.lastActivity = now
        self.markAttempt(now: now)
        return .sendHedge
    }

    /// The second attempt failed, as `attemptFailed` says of the first. The first goes on alone.
    package mutating func hedgeFailed(
        _ failure: UpstreamFailure, mayHaveBeenProcessed: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .awaitingResponse, let rival = self.rival else { return [] }
        self.blame(rival, failure, unprocessed: !mayHaveBeenProcessed, now: now)
        self.dropRival(failure.reason, status: nil, now: now)
        return []
    }

    /// The second attempt's response head arrived. The first good answer wins: answers `promoteHedge`, `abandonHedge` and
    /// what `responseHead` answers; `abandonHedge`, unless the stream is over, where the answer is one that a retry might
    /// better while the first attempt is still out.
    package mutating func hedgeHead(
        _ response: inout ResponseHead, end: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .awaitingResponse, let rival = self.rival, rival.isSent else { return [] }
        if self.saysDeadlinePassed(response, end: end, now: now) {
            return self.passedOver(self.ranOutOfTime(now: now), end: end, .abandonHedge)
        }
        if self.isWorthWaiting(response, end: end) {
            self.cluster?.balancer.answered(
                rival.endpoint, latency: now.nanoseconds - rival.sentAt.nanoseconds, failed: true, now: now)
            self.observe(
                EndpointOutcome(
                    status: response.status,
                    grpcStatus: self.traits.isGRPC && end ? response.headers.number(.grpcStatus) : nil,
                    peerReason: self.peerReason(of: response)), of: rival.endpoint, wasProbe: rival.isProbe, now: now)
            self.dropRival(.ok, status: response.status, now: now)
            return end && self.requestEnded ? [] : .abandonHedge
        }
        if let endpoint = self.endpoint {
            self.cluster?.balancer.outpaced(endpoint, waited: now.nanoseconds - self.sentAt.nanoseconds, now: now)
        }
        self.attemptLost = true
        self.after = .outpaced
        let effects: ExchangeEffects = [.promoteHedge, .abandonHedge]
        return effects.union(self.promoteRival(now: now)).union(self.responseHead(&response, end: end, now: now))
    }

    // MARK: Starting

    /// From which moment the request just sent may have a second attempt.
    mutating func planHedge(now: MonotonicInstant) {
        guard let hedging = self.route?.hedging, self.attempt == 1, self.traits.isIdempotent, !self.traits.isTunnel
        else { return }
        var delay = hedging.delay
        if hedging.percentile > 0, let known = self.median?.value(percentile: hedging.percentile, now: now) {
            delay = known
        }
        if delay > 0 { self.hedgeAt = now.advanced(byNanoseconds: delay) }
    }

    /// The moment has come: answers `connectHedge`, or nothing where there is nowhere well to go or nothing to pay with.
    mutating func startHedge(now: MonotonicInstant) -> ExchangeEffects {
        self.hedgeAt = .never
        guard self.requestEnded, self.replay.isWhole, let route = self.route, let cluster = self.cluster,
            let traffic = self.traffic, let first = self.endpoint, !self.isTooLate(after: 0, now: now),
            let endpoint = cluster.balancer.pick(
                self.hint, excluding: self.tried + CollectionOfOne(first), random: &traffic.random, now: now),
            endpoint !== first, endpoint.isWell
        else { return [] }
        guard self.holdsRetry || cluster.load.mayRetry, cluster.load.startWaiting() else { return [] }
        let pick = cluster.balancer.describePick(of: endpoint)
        self.isWaiting = true
        guard cluster.budget.withdraw(now: now) else {
            self.stopWaiting()
            self.hedgeOutcome = .unpaid
            return []
        }
        if !self.holdsRetry { self.holdsRetry = cluster.load.startRetry() }
        self.attempt += 1
        let isProbe = cluster.balancer.started(endpoint)
        let tryDeadline = route.perTryTimeout > 0 ? now.advanced(byNanoseconds: route.perTryTimeout) : .never
        let isBounded = self.deadline != .never || tryDeadline != .never
        self.rival = Rival(
            endpoint: endpoint, start: now, isProbe: isProbe, pick: pick,
            waitDeadline: isBounded ? .never : cluster.waitLimit(from: now), tryDeadline: tryDeadline)
        return .connectHedge
    }

    // MARK: Ending

    /// The rival has run out of time; the first attempt goes on.
    mutating func rivalTimedOut(now: MonotonicInstant) -> ExchangeEffects {
        guard let rival = self.rival else { return [] }
        let failure: UpstreamFailure = now >= rival.tryDeadline ? .tryTimeout : .overflow
        // While it waits for a connection nobody can be blamed.
        if rival.isSent { self.blame(rival, failure, unprocessed: false, now: now) }
        self.dropRival(failure.reason, status: nil, now: now)
        return .abandonHedge
    }

    /// The rival becomes the attempt, whose accounts are settled here. Answers the empty set, to be joined.
    mutating func promoteRival(now: MonotonicInstant) -> ExchangeEffects {
        guard let rival = self.rival, let endpoint = self.endpoint else { return [] }
        // Only the rival waits for a connection, and goes on doing so.
        let stillWaits = self.isWaiting
        self.isWaiting = false
        self.closeAttempt(.ok, status: nil, now: now)
        self.isWaiting = stillWaits
        self.keepAttempt()
        self.tried.append(endpoint)
        self.rival = nil
        self.hedgeOutcome = .won
        self.isInFlight = true
        self.isHedge = true
        self.isProbe = rival.isProbe
        self.endpoint = rival.endpoint
        self.attemptStart = rival.start
        self.sentAt = rival.sentAt
        self.attemptEnd = .never
        self.attemptStatus = nil
        self.attemptReason = .ok
        self.attemptLost = false
        self.attemptPick = rival.pick
        self.attemptFailure = nil
        self.isKept = false
        self.after = .nothing
        self.waitDeadline = rival.waitDeadline
        self.tryDeadline = rival.tryDeadline
        self.phase = rival.isSent ? .awaitingResponse : .connecting
        return []
    }

    /// The rival is given up or over: its accounts are settled, and it is kept for the record.
    mutating func dropRival(_ reason: Reason, status: Int?, lost: Bool = false, now: MonotonicInstant) {
        guard let rival = self.rival else { return }
        self.rival = nil
        self.hedgeOutcome = .lost
        self.stopWaiting()
        self.cluster?.balancer.finished(rival.endpoint, wasProbe: rival.isProbe)
        self.tried.append(rival.endpoint)
        var record = AttemptRecord(
            upstream: rival.endpoint, start: rival.start, end: now, status: status, reason: reason)
        record.isHedge = true
        record.isLost = lost
        record.pick = rival.pick
        record.sentAt = rival.isSent ? rival.sentAt : nil
        record.after = lost ? .outpaced : .nothing
        self.earlier.append(record)
    }

    /// Another answer came first.
    mutating func rivalLost(now: MonotonicInstant) -> ExchangeEffects {
        guard let rival = self.rival else { return [] }
        if rival.isSent {
            self.cluster?.balancer.outpaced(
                rival.endpoint, waited: now.nanoseconds - rival.sentAt.nanoseconds, now: now)
        }
        self.dropRival(.ok, status: nil, lost: true, now: now)
        return .abandonHedge
    }

    /// Whether an answer is one that a retry might better, so that another attempt under way is worth waiting for.
    func isWorthWaiting(_ response: borrowing ResponseHead, end: Bool) -> Bool {
        let grpcStatus = self.traits.isGRPC && end ? response.headers.number(.grpcStatus) : nil
        guard response.status >= 400 || (grpcStatus ?? 0) != 0, let route = self.route else { return false }
        return route.retry.allows(
            .answered(status: response.status, grpcStatus: grpcStatus, peerReason: self.peerReason(of: response)),
            idempotent: self.traits.isIdempotent)
    }

    private mutating func blame(
        _ rival: Rival, _ failure: UpstreamFailure, unprocessed: Bool, now: MonotonicInstant
    ) {
        if failure.blamesEndpoint(unprocessed: unprocessed) {
            self.observe(.failure, of: rival.endpoint, wasProbe: rival.isProbe, now: now)
        }
        self.cluster?.balancer.failed(
            rival.endpoint, failure, waited: now.nanoseconds - rival.start.nanoseconds, now: now)
        if failure != .overflow { self.observe(success: false, now: now) }
    }
}
