internal import WeftModel

/// Finds why a request ended as it did: follows a failure from who noticed it to where it began.
struct StoryCause {
    let hops: StoryHops
    let snapshot: MeshSnapshot

    func cause(of hop: RequestStory.Hop) -> RequestStory.Cause { self.cause(of: hop, depth: 0) }

    private func cause(of hop: RequestStory.Hop, depth: Int) -> RequestStory.Cause {
        guard let record = hop.outbound else { return self.causeAtDestination(hop, hop.inbound.first, depth) }
        guard record.isFailed || record.status >= 400 else { return self.fine(hop, record) }
        if record.reason == .clientGone {
            let caller = StoryWords.short(record.source)
            return RequestStory.Cause(
                reason: .clientGone,
                text: "the caller, \(caller), went away after \(StoryWords.time(record.durationMs)), "
                    + "before it had its answer",
                hop: hop.number, place: caller)
        }
        let end = Ending(hop, record, self.hops)
        var cause: RequestStory.Cause
        if end.isTimeout {
            cause = self.timedOut(end, depth)
        } else if let arrived = end.arrived, arrived.isFailed || arrived.status >= 400 {
            cause = self.causeAtDestination(hop, arrived, depth)
        } else if let attempt = end.attempt, StoryWords.isFailure(attempt) {
            cause = self.failed(attempt, end)
        } else {
            cause = self.decidedHere(hop, record)
        }
        if let consequence = end.consequence { cause.consequences.append(consequence) }
        return cause
    }

    // MARK: Where it was noticed

    /// It went well, perhaps not at once.
    private func fine(_ hop: RequestStory.Hop, _ record: HopRecord) -> RequestStory.Cause {
        let place = StoryWords.short(record.destination)
        guard let index = record.attempts.firstIndex(where: { StoryWords.isFailure($0) }),
            let answered = record.attempts.last, index < record.attempts.count - 1
        else {
            let who = record.attempts.isEmpty ? "\(StoryWords.short(record.source))'s proxy itself" : place
            return RequestStory.Cause(
                reason: record.reason, text: "\(who) answered \(record.status)", hop: 0, place: place)
        }
        let failed = record.attempts[index]
        let other = failed.isHedge || answered.isHedge ? "the attempt beside it" : "the retry"
        return RequestStory.Cause(
            reason: failed.reason,
            text: "\(StoryWords.name(failed)) \(Self.clause(failed)); \(other) was answered by "
                + "\(answered.workload) with \(record.status)",
            hop: hop.number, place: failed.workload)
    }

    /// The last attempt failed, and nothing tells of a deeper cause.
    private func failed(_ attempt: HopRecord.Attempt, _ end: Ending) -> RequestStory.Cause {
        let record = end.record
        let isTheEnd = end.consequence == nil
        let why = isTheEnd ? StoryWords.decision(attempt, record).map { "; \($0)" } ?? "" : ""
        var policy = isTheEnd ? record.policy : nil
        if attempt.reason == .connectTimeout {
            policy = record.policies.first { $0.setting == TrafficSetting.connectTimeout.rawValue }?.source
        }
        return RequestStory.Cause(
            reason: attempt.reason, text: "\(StoryWords.name(attempt)) \(Self.clause(attempt))\(why)",
            hop: end.hop.number, place: StoryWords.short(record.destination), policy: policy)
    }

    /// The caller's proxy ended it, before or without an attempt.
    private func decidedHere(_ hop: RequestStory.Hop, _ record: HopRecord) -> RequestStory.Cause {
        let destination = StoryWords.short(record.destination)
        let proxy = "\(StoryWords.short(record.source))'s proxy"
        var (text, place) = (record.detail, destination)
        if text.isEmpty, record.reason == .noRoute {
            text = "\(proxy) sent it nowhere: \(self.unmatched(record))"
            place = StoryWords.short(record.source)
        } else if text.isEmpty {
            text =
                record.attempts.isEmpty
                ? "\(proxy) answered \(record.status) (\(record.reason.rawValue))"
                : "\(destination) answered \(StoryWords.status(record))"
        }
        return RequestStory.Cause(
            reason: record.reason, text: text, hop: hop.number, place: place, policy: record.policy)
    }

    /// That no route takes it, and why not those that there are.
    private func unmatched(_ record: HopRecord) -> String {
        let call = "\(record.method) \(record.authority)\(record.path)"
        let findings = RouteMismatch.findings(for: record, in: self.snapshot)
        guard !findings.isEmpty else { return "no route of \(record.authority) takes \(call)" }
        let named = findings.prefix(4).map { "\($0.route) (\($0.cause))" }.joined(separator: "; ")
        let more = findings.count > 4 ? "; the story names more" : ""
        return "none of the routes of \(record.authority) takes \(call): not \(named)\(more)"
    }

    // MARK: Time

    /// The time ran out: whoever had not answered by then, farthest from the caller, and whose limit it was.
    private func timedOut(_ end: Ending, _ depth: Int) -> RequestStory.Cause {
        let (hop, record) = (end.hop, end.record)
        let late = end.arrived.flatMap { arrived in
            self.hops.calls(of: hop, during: arrived).last { child in
                let isOpen = child.atMs + child.durationMs >= end.atMs - 5
                return depth < 32 && (isOpen || Self.isTimeout(child.outbound?.reason ?? .ok))
            }
        }
        let limit = self.limit(of: hop, end.reason)
        guard let late else {
            return RequestStory.Cause(
                reason: end.reason,
                text: self.slowness(hop, record, after: end.durationMs, end.attempt, end.arrived, limit?.text),
                hop: hop.number, place: StoryWords.short(record.destination), policy: limit?.policy)
        }
        var cause = self.cause(of: late, depth: depth + 1)
        // The caller's time, used up deeper down, is this hop's limit or one before it.
        if cause.reason == .deadlineExceeded || cause.reason == .clientGone || cause.hop == 0 {
            let deepest = self.deepest(from: late, end: end.atMs, depth: depth)
            let late = deepest.outbound ?? record
            cause = RequestStory.Cause(
                reason: end.reason,
                text: self.slowness(
                    deepest, late, after: late.durationMs, late.attempts.last, deepest.inbound.last, limit?.text),
                hop: deepest.number, place: StoryWords.short(deepest.destination), policy: limit?.policy)
        } else if !Self.isTimeout(cause.reason) {
            cause.consequences.append(
                RequestStory.Consequence(
                    reason: end.reason, hop: hop.number, text: limit?.text ?? "the time was used up",
                    policy: limit?.policy))
        }
        return cause
    }

    private func deepest(from hop: RequestStory.Hop, end: Double, depth: Int) -> RequestStory.Hop {
        let next = self.hops.children(of: hop.number).last { $0.atMs + $0.durationMs >= end - 5 }
        guard let next, depth < 32 else { return hop }
        return self.deepest(from: next, end: end, depth: depth + 1)
    }

    private func slowness(
        _ hop: RequestStory.Hop, _ record: HopRecord, after duration: Double, _ attempt: HopRecord.Attempt?,
        _ arrived: HopRecord?, _ limit: String?
    ) -> String {
        let place = StoryWords.short(record.destination)
        var text = "\(place) had not answered after \(StoryWords.time(duration))"
        if let arrived {
            if let served = arrived.attempts.last, served.status == nil, served.connectedAfterMs != nil {
                text =
                    "\(place)'s application (\(arrived.proxy)) had not answered after \(StoryWords.time(arrived.durationMs))"
            }
        } else if let attempt, attempt.connectedAfterMs == nil {
            text = "no connection to \(attempt.workload) came about in \(StoryWords.time(attempt.durationMs))"
        }
        if let limit { text += "; \(limit)" }
        return text
    }

    /// Whose limit ended a hop: its own, or the caller's, followed back to where it was set.
    private func limit(of hop: RequestStory.Hop, _ reason: Reason) -> (text: String, policy: Provenance?)? {
        guard let record = hop.outbound else { return nil }
        if reason == .tryTimeout { return self.policy(.perTryTimeout, record, hop) }
        if reason == .streamIdleTimeout { return self.policy(.idleTimeout, record, hop) }
        if record.deadlineIsCallers {
            if let parent = hop.parent.map({ self.hops[$0] }), let own = parent.outbound,
                let limit = self.limit(of: parent, Ending(parent, own, self.hops).reason)
            {
                return limit
            }
            let left = record.deadlineMs.map { StoryWords.time($0) } ?? "no"
            return ("the caller, \(StoryWords.short(record.source)), gave it \(left)", nil)
        }
        guard record.deadlineMs != nil else { return nil }
        return self.policy(.requestTimeout, record, hop)
    }

    private func policy(
        _ setting: TrafficSetting, _ record: HopRecord, _ hop: RequestStory.Hop
    ) -> (text: String, policy: Provenance?)? {
        let found = record.policies.first { $0.setting == setting.rawValue }
        let value = setting == .requestTimeout ? record.deadlineMs.map { StoryWords.time($0) } : found?.value
        guard let value else { return nil }
        let source = found?.source.map { ", set by \($0)" } ?? ", the default"
        return (
            "\(StoryWords.short(record.source))'s limit (\(setting.rawValue), hop \(hop.number)) is \(value)\(source)",
            found?.source
        )
    }

    // MARK: Where it arrived

    private func causeAtDestination(
        _ hop: RequestStory.Hop, _ arrived: HopRecord?, _ depth: Int
    ) -> RequestStory.Cause {
        guard let arrived else {
            return RequestStory.Cause(reason: .internal, text: "nothing is known of it", hop: hop.number, place: "")
        }
        let place = StoryWords.short(arrived.destination)
        guard arrived.isFailed || arrived.status >= 400 else {
            return RequestStory.Cause(
                reason: .ok, text: "\(place) answered \(arrived.status)", hop: 0, place: place)
        }
        // What its application answered may be what a call of its own came to.
        if arrived.reason == .ok || arrived.reason == .deadlineExceeded, depth < 32,
            let failed = self.failedCall(of: hop, during: arrived)
        {
            return self.cause(of: failed, depth: depth + 1)
        }
        let text: String =
            switch arrived.reason {
            case .ok: "\(place)'s application (\(arrived.proxy)) answered \(StoryWords.status(arrived))"
            case .denied, .unauthenticated, .plaintextRefused:
                "\(place)'s proxy refused \(arrived.sourceIdentity ?? "a caller without an identity"): \(arrived.detail)"
            case .deadlineExceeded:
                "\(place)'s application had not answered after \(StoryWords.time(arrived.durationMs)); the caller's time was used up"
            case .clientGone: "the caller went away after \(StoryWords.time(arrived.durationMs))"
            default:
                arrived.detail.isEmpty
                    ? "\(place)'s proxy answered \(arrived.status) (\(arrived.reason.rawValue))" : arrived.detail
            }
        return RequestStory.Cause(
            reason: arrived.reason, text: text, hop: hop.number, place: place,
            policy: arrived.reason == .clientGone ? nil : arrived.policy)
    }

    /// The last call that the destination made for the request, of those that failed and were not made again with success.
    private func failedCall(of hop: RequestStory.Hop, during arrived: HopRecord) -> RequestStory.Hop? {
        let calls = self.hops.calls(of: hop, during: arrived)
        return calls.last { call in
            guard call.outbound?.isFailed == true else { return false }
            return !calls.contains {
                $0.number > call.number && $0.destination == call.destination && $0.outbound?.isFailed == false
            }
        }
    }

    static func clause(_ attempt: HopRecord.Attempt) -> String {
        attempt.status != nil && attempt.detail.isEmpty
            ? StoryWords.outcome(attempt) : "failed: \(StoryWords.outcome(attempt))"
    }

    static func isTimeout(_ reason: Reason) -> Bool {
        switch reason {
        case .requestTimeout, .deadlineExceeded, .tryTimeout, .streamIdleTimeout: true
        default: false
        }
    }
}

/// How a call ended at its caller's proxy: of what its last attempt failed, apart from what that led to.
private struct Ending {
    let hop: RequestStory.Hop
    let record: HopRecord
    /// The one that the outcome comes from.
    let attempt: HopRecord.Attempt?
    /// What it was at its destination.
    let arrived: HopRecord?
    /// Of what the call failed in the first place.
    let reason: Reason
    /// When that was, from the story's beginning.
    let atMs: Double
    /// What had lasted so long then: the call, or its last attempt.
    let durationMs: Double
    /// That no other attempt bettered it, where that has a reason of its own.
    let consequence: RequestStory.Consequence?

    var isTimeout: Bool { StoryCause.isTimeout(self.reason) }

    init(_ hop: RequestStory.Hop, _ record: HopRecord, _ hops: StoryHops) {
        let last = record.attempts.count - 1
        self.hop = hop
        self.record = record
        self.attempt = record.attempts.last
        self.arrived = hops.arrivals[hop.number]?[last].map { hop.inbound[$0] }
        guard let attempt = record.attempts.last, Self.followed(from: attempt, record) else {
            self.reason = record.reason
            self.atMs = hop.atMs + record.durationMs
            let isTry = record.reason == .tryTimeout
            self.durationMs = (isTry ? record.attempts.last?.durationMs : nil) ?? record.durationMs
            self.consequence = nil
            return
        }
        self.reason = attempt.reason
        self.atMs = hop.atMs + attempt.startedAfterMs + attempt.durationMs
        self.durationMs = attempt.durationMs
        var text = record.detail
        if attempt.after != .retried, attempt.after != .nothing, let why = StoryWords.decision(attempt, record) {
            text = "\(StoryWords.name(attempt)) was \(why)"
        }
        if text.isEmpty { text = "\(StoryWords.short(record.source))'s proxy answered \(record.status)" }
        self.consequence = RequestStory.Consequence(
            reason: record.reason, hop: hop.number, text: text, policy: record.policy)
    }

    /// Whether the call's own reason only says what came after an attempt had failed.
    private static func followed(from attempt: HopRecord.Attempt, _ record: HopRecord) -> Bool {
        guard StoryWords.isFailure(attempt) else { return false }
        switch record.reason {
        case .ok, .faultDelay, .faultAbort, .clientGone: return false
        case .retriesExhausted, .retryBudgetExhausted: return true
        default: return record.reason != attempt.reason || attempt.after == .retryLimit
        }
    }
}
