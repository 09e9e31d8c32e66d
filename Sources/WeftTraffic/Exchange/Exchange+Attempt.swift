internal import WeftMessage
internal import WeftModel

extension Exchange {
    /// The pool has a connection for the attempt.
    ///
    /// Answers `sendRequest`; the empty set when the exchange no longer waits for it (give the connection back). `kept` when
    /// it has served before.
    package mutating func connectionReady(kept: Bool = false, now: MonotonicInstant) -> ExchangeEffects {
        guard self.phase == .connecting else { return [] }
        self.isKept = kept
        self.stopWaiting()
        self.phase = .awaitingResponse
        self.waitDeadline = .never
        self.sentAt = now
        self.lastActivity = now
        self.markAttempt(now: now)
        if self.route?.hedging != nil { self.planHedge(now: now) }
        return .sendRequest
    }

    /// Writes the attempt's number and what time is left into the head.
    mutating func markAttempt(now: MonotonicInstant) {
        if self.attempt > 1 {
            self.head.headers.set(.weftAttempt, self.attempt)
            if self.traits.isGRPC { self.head.headers.set(.grpcPreviousAttempts, self.attempt - 1) }
        }
        if self.deadline != .never {
            Deadline.write(
                self.deadline.nanoseconds - now.nanoseconds, to: &self.head.headers, isGRPC: self.traits.isGRPC)
        }
        if self.cluster?.cluster.resolution != nil {
            // Nobody outside the mesh is told what its proxies tell each other.
            self.head.headers.remove(.weftAttempt)
            self.head.headers.remove(.weftDeadline)
        }
    }

    /// The attempt failed: no connection, or the stream ended before its message did. The stream is gone already.
    ///
    /// `mayHaveBeenProcessed` is false only when no byte of the request can have reached the application. Answers
    /// `connect` for an immediate retry, or where a limit of ours left no room at the endpoint and there is some at another;
    /// the empty set while waiting for one (see `timer`), or `reply` or
    /// `resetDownstream`, and `finished`.
    package mutating func attemptFailed(
        _ failure: UpstreamFailure, mayHaveBeenProcessed: Bool, now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        switch self.phase {
        case .idle, .backingOff, .finished: []
        case .connecting where failure == .overflow: self.crowdedOut(now: now)
        case .connecting, .awaitingResponse:
            self.attemptEnded(failure, unprocessed: !mayHaveBeenProcessed || self.phase == .connecting, now: now)
        case .responding: self.cutShortByUpstream(failure, now: now)
        }
    }

    // MARK: Starting

    /// Whether a retry is still possible as far as its number goes.
    var mayRetry: Bool {
        guard self.phase != .responding, let route = self.route else { return false }
        return self.retries < route.retry.attempts || self.hedgeAt != .never
    }

    mutating func startAttempt(now: MonotonicInstant) -> ExchangeEffects {
        guard let route = self.route, let cluster = self.cluster, let traffic = self.traffic else { return [] }
        if self.isTooLate(after: 0, now: now) {
            self.after = .tooLate
            return self.answer(
                LocalReply(self.deadlineReason, detail: "less time was left than the route usually takes"), now: now)
        }
        guard let endpoint = cluster.balancer.pick(self.hint, excluding: self.tried, random: &traffic.random, now: now)
        else {
            return self.answer(Self.nowhere(cluster), now: now)
        }
        if self.attempt > 0, !self.holdsRetry {
            guard cluster.load.startRetry() else {
                self.after = .retryLimit
                return self.refuse(
                    by: .maxRetries, LocalReply(.overflow, detail: "too many requests are being retried"), now: now)
            }
            self.holdsRetry = true
        }
        guard cluster.load.startWaiting() else {
            return self.refuse(
                by: .maxPendingRequests, LocalReply(.overflow, detail: UpstreamFailure.overflow.detail), now: now)
        }
        if self.attempt == 0 { cluster.budget.depositFirstAttempt(now: now) }
        self.keepAttempt()
        self.isWaiting = true
        self.isInFlight = true
        self.isProbe = cluster.balancer.started(endpoint)
        self.endpoint = endpoint
        self.attempt += 1
        self.phase = .connecting
        self.attemptStart = now
        self.attemptEnd = .never
        self.attemptStatus = nil
        self.attemptReason = .ok
        self.attemptPick = cluster.balancer.describePick(of: endpoint)
        self.attemptFailure = nil
        self.isKept = false
        self.after = .nothing
        self.isHedge = false
        self.attemptLost = false
        self.retryAt = .never
        self.hedgeAt = .never
        if route.perTryTimeout > 0 { self.tryDeadline = now.advanced(byNanoseconds: route.perTryTimeout) }
        if self.deadline == .never, self.tryDeadline == .never { self.waitDeadline = cluster.waitLimit(from: now) }
        return .connect
    }

    /// A limit of ours leaves no room at the endpoint. Nothing has left, so the attempt goes elsewhere at once, and is
    /// neither a retry nor another attempt; where there is nobody with room the limit is the answer.
    private mutating func crowdedOut(now: MonotonicInstant) -> ExchangeEffects {
        guard let cluster = self.cluster, let traffic = self.traffic, let full = self.endpoint else { return [] }
        cluster.balancer.failed(full, .overflow, waited: 0, now: now)
        // A driver may come back from within `connect`.
        guard self.moves < Self.maxMoves,
            let other = cluster.balancer.pick(self.hint, excluding: self.tried, random: &traffic.random, now: now),
            other !== full, other.isWell, other.hasRoom(now: now), !self.tried.contains(where: { $0 === other })
        else { return self.attemptEnded(.overflow, unprocessed: true, now: now) }
        self.moves += 1
        cluster.balancer.finished(full, wasProbe: self.isProbe)
        self.isProbe = cluster.balancer.started(other)
        self.endpoint = other
        self.attemptPick = cluster.balancer.describePick(of: other)
        self.attemptPick.cause = .room
        return .connect
    }

    /// The cluster has no endpoint, or its name no address.
    private static func nowhere(_ cluster: ClusterTraffic) -> LocalReply {
        guard let name = cluster.cluster.resolution else {
            return LocalReply(.noEndpoints, detail: "\(cluster.cluster.name) has no endpoints")
        }
        let failure = UpstreamFailure.dnsFailed("\(name.host): \(cluster.resolutionFailure ?? "not resolved yet")")
        return LocalReply(.dnsFailed, detail: failure.detail)
    }

    /// Moves the attempt that is over to the earlier ones.
    mutating func keepAttempt() {
        if let attempt = self.lastAttempt { self.earlier.append(attempt) }
    }

    // MARK: Ending

    /// No response head came of the attempt.
    mutating func attemptEnded(_ failure: UpstreamFailure, unprocessed: Bool, now: MonotonicInstant) -> ExchangeEffects
    {
        guard let cluster = self.cluster, let endpoint = self.endpoint else { return [] }
        let wasSent = self.phase == .awaitingResponse
        self.attemptFailure = failure
        // A wait for a connection that our own time ended says nothing about the endpoint: perhaps others were before it.
        if wasSent || failure != .tryTimeout {
            cluster.balancer.failed(
                endpoint, failure, waited: now.nanoseconds - self.attemptStart.nanoseconds, now: now)
            if failure.blamesEndpoint(unprocessed: unprocessed) { self.observe(.failure, now: now) }
        }
        if failure != .overflow { self.observe(success: false, now: now) }
        if failure == .overflow { self.refusedBy = cluster.load.mayConnect ? .maxPendingRequests : .maxConnections }
        if self.rival != nil {
            // The other attempt is still out, and stands in for a retry.
            self.attemptReason = failure.reason
            self.after = .hedgeTookOver
            return self.promoteRival(now: now).union(.promoteHedge)
        }
        self.closeAttempt(failure.reason, status: nil, now: now)
        switch self.verdict(.failed(failure, unprocessed: unprocessed), wasSent: wasSent, pushback: nil, now: now) {
        case .retry(let delay): return self.backOff(delay, now: now)
        case .giveUp(let reason):
            let detail = self.attempt > 1 ? "\(failure.detail); after \(self.attempt) attempts" : failure.detail
            return self.answer(
                LocalReply(
                    reason ?? failure.reason, status: failure.reason.status, grpcStatus: failure.reason.grpcStatus,
                    detail: self.replay.isOutgrown ? detail + "; the body was too large to send again" : detail),
                now: now)
        }
    }

    /// Waits before the next attempt, or makes it at once.
    mutating func backOff(_ delay: Int64, now: MonotonicInstant) -> ExchangeEffects {
        if let endpoint = self.endpoint { self.tried.append(endpoint) }
        self.retries += 1
        self.phase = .backingOff
        if delay == 0 { return self.startAttempt(now: now) }
        self.retryAt = now.advanced(byNanoseconds: delay)
        return []
    }

    enum Verdict {
        /// Nanoseconds.
        case retry(after: Int64)
        /// The outcome stands; the reason when retrying, or its lack, is what ended it.
        case giveUp(Reason?)
    }

    /// Whether an outcome leads to another attempt. Withdraws from the budget when it does.
    mutating func verdict(
        _ outcome: AttemptOutcome, wasSent: Bool, pushback: Pushback?, now: MonotonicInstant
    )
        -> Verdict
    {
        guard let route = self.route, let cluster = self.cluster, let traffic = self.traffic else {
            return .giveUp(nil)
        }
        guard route.retry.allows(outcome, idempotent: self.traits.isIdempotent) else {
            self.after = route.retry.allows(outcome, idempotent: true) ? .notIdempotent : .notRetryable
            return .giveUp(nil)
        }
        let made = self.retries
        guard made < route.retry.attempts else {
            self.after = made > 0 ? .attemptsUsedUp : .noRetries
            return .giveUp(made > 0 ? .retriesExhausted : nil)
        }
        guard self.replay.canReplay(sent: wasSent) else {
            self.after = .bodyTooLarge
            return .giveUp(nil)
        }
        var delay = route.retry.backoff.delay(beforeRetry: made + 1, random: &traffic.random)
        switch pushback {
        case nil: break
        case .stop:
            self.after = .pushedBack
            return .giveUp(nil)
        case .wait(let asked): delay = asked
        case .atLeast(let asked): delay = max(delay, asked)
        }
        if self.isTooLate(after: delay, now: now) {
            self.after = pushback == nil ? .tooLate : .pushedBack
            return .giveUp(nil)
        }
        guard self.holdsRetry || cluster.load.mayRetry else {
            self.after = .retryLimit
            self.refusedBy = .maxRetries
            return .giveUp(.overflow)
        }
        guard cluster.budget.withdraw(now: now) else {
            self.after = .budgetExhausted
            return .giveUp(.retryBudgetExhausted)
        }
        self.after = .retried
        return .retry(after: delay)
    }

    /// Whether an attempt begun after `delay` would have less time than the route usually takes.
    func isTooLate(after delay: Int64, now: MonotonicInstant) -> Bool {
        if self.deadline == .never { return delay > 60_000_000_000 }
        let left = self.deadline.nanoseconds - now.nanoseconds - delay
        return left <= 0 || left < self.median?.value(now: now) ?? 0
    }

    /// The attempt's accounts are settled; what came of it is kept.
    mutating func closeAttempt(_ reason: Reason, status: Int?, now: MonotonicInstant) {
        guard self.isInFlight, let cluster = self.cluster, let endpoint = self.endpoint else { return }
        self.isInFlight = false
        self.stopWaiting()
        cluster.balancer.finished(endpoint, wasProbe: self.isProbe)
        self.isProbe = false
        if self.attemptEnd == .never { self.attemptEnd = now }
        if self.attemptStatus == nil { self.attemptStatus = status }
        if reason != .ok { self.attemptReason = reason }
        self.waitDeadline = .never
        self.tryDeadline = .never
    }

    mutating func stopWaiting() {
        guard self.isWaiting else { return }
        self.isWaiting = false
        self.cluster?.load.stopWaiting()
    }
}
