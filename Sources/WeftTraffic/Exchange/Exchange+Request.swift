package import WeftMessage
package import WeftModel

extension Exchange {
    /// The request head arrived; `end` when nothing follows it. Once, first.
    ///
    /// Answers `connect`, or `reply` and `finished`.
    ///
    /// - Parameter arrived: when the head arrived, where it has waited for its routes to be known; timeouts and
    ///   deadlines count from there. Nil is `now`.
    package mutating func begin(
        _ head: consuming RequestHead, end: Bool, routes: RouteTable, traffic: LoopTraffic,
        arrived: MonotonicInstant? = nil, now: MonotonicInstant
    ) -> ExchangeEffects {
        guard self.phase == .idle else { return [] }
        self.take(head, end: end, now: arrived ?? now)
        self.traffic = traffic

        guard let route = routes.match(self.head) else { return self.answer(LocalReply(.noRoute), now: now) }
        self.route = route
        if case .respond(let status, let body) = route.route.action {
            return self.answer(self.unroutable(status: status, detail: body), now: now)
        }
        if let redirect = route.redirect { return self.answer(self.redirection(redirect, route), now: now) }
        if let refusal = self.setDeadline(route, now: now) { return self.answer(refusal, now: now) }

        guard let backend = self.chooseBackend(route, traffic, now: now),
            let cluster = traffic.cluster(route.backends[backend].cluster)
        else {
            return self.answer(self.unroutable(status: 500, detail: "the route's backend does not exist"), now: now)
        }
        self.backend = backend
        self.cluster = cluster
        if let refusal = self.refusalByAdmission(cluster, traffic, now: now) { return self.answer(refusal, now: now) }
        guard cluster.load.admit() else {
            return self.refuse(
                by: .maxRequests, LocalReply(.overflow, detail: "too many requests in flight to the service"), now: now)
        }
        self.isAdmitted = true

        self.readHint(cluster, traffic)

        let side = route.backends[backend]
        if side.rewrite != nil || !route.edits.request.isEmpty || !side.requestEdits.isEmpty {
            self.arrivedHead = self.head
        }
        route.edits.request.apply(to: &self.head.headers)
        if !route.mirrors.isEmpty || !side.mirrors.isEmpty { self.chooseMirrors(route, side, traffic) }
        side.requestEdits.apply(to: &self.head.headers)
        side.rewrite?.apply(to: &self.head.headers)
        // Of the request that the application is itself serving; not of this one.
        if self.traits.hasAttemptField { self.head.headers.remove(.weftAttempt) }

        self.median = cluster.median(ofRoute: route.name)
        if route.route.fault != nil, let effects = self.injectFault(now: now) { return effects }
        return self.startAttempt(now: now)
    }

    /// Answers a request that has no routes to follow: the proxy drains, the name is unknown, the message is refused.
    ///
    /// Instead of `begin`. Answers `reply` and `finished`.
    package mutating func refuse(
        _ head: consuming RequestHead, end: Bool, with reply: LocalReply, arrived: MonotonicInstant? = nil,
        now: MonotonicInstant
    )
        -> ExchangeEffects
    {
        guard self.phase == .idle else { return [] }
        self.take(head, end: end, now: arrived ?? now)
        return self.answer(reply, now: now)
    }

    /// A body chunk arrived from downstream; `end` when nothing follows, trailers included.
    ///
    /// Answers `hold`, `dropHeld` and `forwardRequest` about this chunk; neither hold nor forward drops it.
    package mutating func requestData(bytes: Int, end: Bool, now: MonotonicInstant) -> ExchangeEffects {
        switch self.phase {
        case .idle, .finished: return []
        case .connecting, .backingOff, .awaitingResponse, .responding: break
        }
        self.requestBytes += bytes
        self.lastActivity = now
        if end { self.requestEnded = true }
        switch self.phase {
        case .awaitingResponse, .responding:
            var effects = self.replay.received(bytes, sending: true, wanted: self.mayRetry)
            if end && self.responseEnded { effects.formUnion(self.finish(now: now)) }
            return effects
        case .idle, .connecting, .backingOff, .finished:
            return self.replay.received(bytes, sending: false, wanted: true)
        }
    }

    /// The request's trailers arrived; nothing follows. Answers as for a chunk.
    package mutating func requestTrailers(now: MonotonicInstant) -> ExchangeEffects {
        self.requestData(bytes: 0, end: true, now: now)
    }

    /// The downstream stream failed, was reset, or its connection closed.
    ///
    /// Answers `finished`, with `resetUpstream` or `abandonConnect` as needed; nothing can be sent downstream.
    package mutating func downstreamGone(
        because reason: Reason = .clientGone, now: MonotonicInstant
    ) -> ExchangeEffects {
        if self.phase == .idle || self.phase == .finished { return [] }
        if self.phase != .responding { self.after = .callerGone }
        let effects = self.letGo(.clientGone, now: now)
        self.reason = reason
        if self.responseStart == nil { self.status = reason.status }
        return effects.union(self.finish(now: now))
    }

    // MARK: Phases of a request's beginning

    private mutating func take(_ head: consuming RequestHead, end: Bool, now: MonotonicInstant) {
        self.head = head
        self.traits = RequestTraits(self.head)
        self.start = now
        self.lastActivity = now
        self.endsWithHead = end
        self.requestEnded = end
    }

    /// Fixes the moment by which all must be over. A reply when that is already past.
    private mutating func setDeadline(_ route: CompiledRoute, now: MonotonicInstant) -> LocalReply? {
        if let timeout = route.requestTimeout ?? self.traits.defaultRequestTimeout, timeout > 0 {
            self.deadline = self.start.advanced(byNanoseconds: timeout)
        }
        if let idle = route.idleTimeout ?? self.traits.defaultIdleTimeout, idle > 0 { self.idleTimeout = idle }
        if self.traits.hasDeadlineField {
            switch Deadline.read(self.head.headers) {
            case .none: break
            case .malformed: return LocalReply(.badRequest, detail: "grpc-timeout is malformed")
            case .left(let left):
                let callers = self.start.advanced(byNanoseconds: left)
                if callers <= self.deadline {
                    self.deadline = callers
                    self.deadlineIsCallers = true
                }
                if left <= 0 {
                    return LocalReply(.deadlineExceeded, detail: "no time was left when the request arrived")
                }
            }
        }
        guard self.deadline.nanoseconds <= now.nanoseconds else { return nil }
        return LocalReply(
            self.deadlineIsCallers ? .deadlineExceeded : .requestTimeout,
            detail: "the time was over when the service's routes became known")
    }

    /// Which mirrors get a copy. The copy is what the route makes of the request, its rewrite included, without what the
    /// backend changes besides.
    private mutating func chooseMirrors(_ route: CompiledRoute, _ side: CompiledBackend, _ traffic: LoopTraffic) {
        self.mirrors = (route.mirrors + side.mirrors).filter { $0.draws(random: &traffic.random) }
        guard !self.mirrors.isEmpty else { return }
        var copy = self.head
        route.rewrite?.apply(to: &copy.headers)
        self.mirroredHead = copy
    }

    private func redirection(_ redirect: CompiledRedirect, _ route: CompiledRoute) -> LocalReply {
        var reply = LocalReply(
            .ok, status: redirect.redirect.status, location: redirect.location(for: self.head.headers))
        if !route.edits.response.isEmpty { reply.edits = route.edits.response }
        return reply
    }

    private func unroutable(status: Int, detail: String) -> LocalReply {
        // An invalid backend is UNAVAILABLE to a gRPC caller (Gateway API, GRPCRoute).
        LocalReply(
            .noRoute, status: status, grpcStatus: status >= 500 ? 14 : nil, detail: detail,
            provenance: self.route?.route.provenance)
    }
}
