internal import WeftModel

// Faults injected on purpose, and who is to name for what.

extension Exchange {
    /// What a fault does to the request just admitted: nil nothing, else what to answer now.
    mutating func injectFault(now: MonotonicInstant) -> ExchangeEffects? {
        guard let fault = self.route?.route.fault, let cluster = self.cluster, let traffic = self.traffic else {
            return nil
        }
        let (hit, hasJustEnded) = cluster.decide(
            fault, unixSeconds: traffic.unixSeconds(at: now), random: &traffic.random, now: now)
        if hasJustEnded { self.faultEvent = .ended }
        guard let hit else { return nil }
        self.faultEvent = hit.abort == nil ? .delay : .abort
        self.pendingAbort = hit.abort
        guard hit.delay > 0 else { return self.abort(now: now) }
        self.phase = .backingOff
        self.retryAt = now.advanced(byNanoseconds: hit.delay)
        return []
    }

    /// The wait before an attempt is over: makes it, unless a fault stands in its place.
    mutating func waited(now: MonotonicInstant) -> ExchangeEffects {
        guard self.pendingAbort == nil else { return self.abort(now: now) }
        return self.startAttempt(now: now)
    }

    private mutating func abort(now: MonotonicInstant) -> ExchangeEffects {
        let detail = "a fault was injected on purpose"
        let reply =
            switch self.pendingAbort {
            case .http(let status)?: LocalReply(.faultAbort, status: status, detail: detail)
            case .grpc(let status)?: LocalReply(.faultAbort, grpcStatus: status, detail: detail)
            case nil: LocalReply(.faultAbort, detail: detail)
            }
        self.pendingAbort = nil
        return self.answer(reply, now: now)
    }

    /// Tells a fault's guard how the destination does; costs nothing where there is none.
    func observe(success: Bool, now: MonotonicInstant) {
        guard let cluster = self.cluster, cluster.watchesSuccess else { return }
        cluster.observe(success: success, now: now)
    }

    /// The resource that set the value an outcome comes from, nil where that is a built-in default; for an outcome that
    /// comes from no value, the resource whose route was taken.
    func responsible(for reason: Reason) -> Provenance? {
        // Nobody; most are, and copying a route to look at one part of it costs more than looking.
        if reason == .ok { return nil }
        let route = self.route?.route
        let cluster = self.cluster?.cluster
        return switch reason {
        case .requestTimeout: route?.sources[.requestTimeout]
        case .tryTimeout: route?.sources[.perTryTimeout]
        case .streamIdleTimeout: route?.sources[.idleTimeout]
        case .retriesExhausted: route?.sources[.retryAttempts]
        case .faultDelay, .faultAbort: route?.sources[.fault]
        case .connectTimeout: cluster?.sources[.connectTimeout]
        case .retryBudgetExhausted: cluster?.sources[.budgetRatio] ?? cluster?.sources[.budgetMinPerSecond]
        // By a limit here; what another proxy refused it has told its own log.
        case .overflow, .overload: self.refusedBy.flatMap { cluster?.sources[$0] }
        // Nothing went wrong, or the calling application wanted it so.
        case .ok, .clientGone, .deadlineExceeded: nil
        default: route?.provenance
        }
    }

    /// A limit of the cluster does not let the request go on.
    mutating func refuse(by limit: TrafficSetting, _ reply: LocalReply, now: MonotonicInstant) -> ExchangeEffects {
        self.refusedBy = limit
        return self.answer(reply, now: now)
    }
}
