internal import WeftModel

/// Finds why a request ended as it did: follows a failure from who noticed it to where it happened.
struct StoryCause {
    let hops: StoryHops

    func find() -> RequestStory.Cause {
        guard let first = self.hops.hops.first else {
            return RequestStory.Cause(reason: .internal, text: "no proxy remembers the request", hop: 0, place: "")
        }
        return self.cause(of: first, depth: 0)
    }

    private func cause(of hop: RequestStory.Hop, depth: Int) -> RequestStory.Cause {
        guard let record = hop.outbound else { return self.causeAtDestination(hop, hop.inbound.first, depth) }
        let place = StoryWords.short(record.destination)
        guard record.isFailed || record.status >= 400 else { return self.fine(hop, record) }
        let last = record.attempts.count - 1
        let arrived = last < 0 ? nil : self.hops.arrivals[hop.number]?[last].map { hop.inbound[$0] }
        switch record.reason {
        case .clientGone:
            let text =
                "the caller, \(StoryWords.short(record.source)), went away after \(StoryWords.time(record.durationMs)), "
                + "before it had its answer"
            return self.made(record, hop, text, at: StoryWords.short(record.source))
        case .requestTimeout, .deadlineExceeded, .tryTimeout, .streamIdleTimeout:
            return self.timedOut(hop, record, arrived, depth)
        case .retryBudgetExhausted where last >= 0, .retriesExhausted where last >= 0, .overflow where last >= 0:
            let attempt = record.attempts[last]
            let why = StoryWords.decision(attempt, record).map { "; \($0)" } ?? ""
            let text = "attempt \(last + 1) to \(attempt.workload) \(Self.clause(attempt))\(why)"
            return self.made(record, hop, text, at: place)
        default:
            if let arrived, arrived.isFailed || arrived.status >= 400 {
                return self.causeAtDestination(hop, arrived, depth)
            }
            if last >= 0, StoryWords.isFailure(record.attempts[last]) {
                let attempt = record.attempts[last]
                let why = StoryWords.decision(attempt, record).map { "; \($0)" } ?? ""
                return self.made(
                    record, hop, "attempt \(last + 1) to \(attempt.workload) \(Self.clause(attempt))\(why)", at: place)
            }
            let text = record.detail.isEmpty ? "\(place) answered \(record.status)" : record.detail
            return self.made(record, hop, text, at: place)
        }
    }

    /// It went well, perhaps not at once.
    private func fine(_ hop: RequestStory.Hop, _ record: HopRecord) -> RequestStory.Cause {
        guard let index = record.attempts.firstIndex(where: { StoryWords.isFailure($0) }),
            let answered = record.attempts.last, index < record.attempts.count - 1
        else {
            return RequestStory.Cause(
                reason: record.reason, text: "\(StoryWords.short(record.destination)) answered \(record.status)",
                hop: 0,
                place: StoryWords.short(record.destination))
        }
        let failed = record.attempts[index]
        return RequestStory.Cause(
            reason: failed.reason,
            text: "attempt \(index + 1) to \(failed.workload) \(Self.clause(failed)); the retry was answered by "
                + "\(answered.workload) with \(record.status)",
            hop: hop.number, place: failed.workload)
    }

    /// The time ran out: whoever had not answered by then, farthest from the caller, and whose limit it was.
    private func timedOut(
        _ hop: RequestStory.Hop, _ record: HopRecord, _ arrived: HopRecord?, _ depth: Int
    ) -> RequestStory.Cause {
        let end = hop.atMs + record.durationMs
        let late = self.hops.children(of: hop.number).last { child in
            let isOpen = child.atMs + child.durationMs >= end - 5
            return depth < 32 && (isOpen || Self.isTimeout(child.outbound?.reason ?? .ok))
        }
        guard let late, arrived != nil else {
            return RequestStory.Cause(
                reason: record.reason, text: self.slowness(hop, record, arrived), hop: hop.number,
                place: StoryWords.short(record.destination), policy: self.limit(of: hop)?.policy)
        }
        var cause = self.cause(of: late, depth: depth + 1)
        // The caller's time, used up deeper down, is this hop's limit or one before it.
        if cause.reason == .deadlineExceeded || cause.reason == .clientGone || cause.reason == .ok {
            let deepest = self.deepest(from: late, end: end, depth: depth)
            cause.reason = record.reason
            cause.hop = deepest.number
            cause.place = StoryWords.short(deepest.destination)
            cause.text = self.slowness(deepest, deepest.outbound ?? record, deepest.inbound.last)
            cause.policy = self.limit(of: hop)?.policy
        }
        return cause
    }

    private func deepest(from hop: RequestStory.Hop, end: Double, depth: Int) -> RequestStory.Hop {
        let next = self.hops.children(of: hop.number).last { $0.atMs + $0.durationMs >= end - 5 }
        guard let next, depth < 32 else { return hop }
        return self.deepest(from: next, end: end, depth: depth + 1)
    }

    private func slowness(_ hop: RequestStory.Hop, _ record: HopRecord, _ arrived: HopRecord?) -> String {
        let place = StoryWords.short(record.destination)
        var text = "\(place) had not answered after \(StoryWords.time(record.durationMs))"
        if let arrived {
            if let attempt = arrived.attempts.last, attempt.status == nil, attempt.connectedAfterMs != nil {
                text =
                    "\(place)'s application (\(arrived.proxy)) had not answered after \(StoryWords.time(arrived.durationMs))"
            }
        } else if let attempt = record.attempts.last, attempt.connectedAfterMs == nil {
            text = "no connection to \(attempt.workload) came about in \(StoryWords.time(attempt.durationMs))"
        }
        if let limit = self.limit(of: hop) { text += "; \(limit.text)" }
        return text
    }

    /// Whose limit ended a hop: its own, or the caller's, followed back to where it was set.
    private func limit(of hop: RequestStory.Hop) -> (text: String, policy: Provenance?)? {
        guard let record = hop.outbound else { return nil }
        if record.reason == .tryTimeout { return self.policy(.perTryTimeout, record, hop) }
        if record.deadlineIsCallers {
            if let parent = hop.parent, let limit = self.limit(of: self.hops[parent]) { return limit }
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
        let source = found?.source.map { ", set by \($0)" } ?? ", the default"
        return (
            "\(StoryWords.short(record.source))'s limit (\(setting.rawValue), hop \(hop.number)) is \(value ?? "?")\(source)",
            found?.source
        )
    }

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
        if arrived.reason == .ok || arrived.reason == .deadlineExceeded, depth < 32 {
            let failed = self.hops.children(of: hop.number).last {
                $0.outbound?.proxy == arrived.proxy && ($0.outbound?.isFailed ?? false)
            }
            if let failed { return self.cause(of: failed, depth: depth + 1) }
        }
        let text: String =
            switch arrived.reason {
            case .ok: "\(place)'s application (\(arrived.proxy)) answered \(arrived.status)"
            case .denied, .unauthenticated, .plaintextRefused:
                "\(place)'s proxy refused \(arrived.sourceIdentity ?? "a caller without an identity"): \(arrived.detail)"
            case .deadlineExceeded:
                "\(place)'s application had not answered after \(StoryWords.time(arrived.durationMs)); the caller's time was used up"
            case .clientGone: "the caller went away after \(StoryWords.time(arrived.durationMs))"
            default: arrived.detail.isEmpty ? "\(place)'s proxy answered \(arrived.status)" : arrived.detail
            }
        return RequestStory.Cause(
            reason: arrived.reason, text: text, hop: hop.number, place: place,
            policy: arrived.policy ?? hop.outbound?.policy)
    }

    private func made(
        _ record: HopRecord, _ hop: RequestStory.Hop, _ text: String, at place: String
    ) -> RequestStory.Cause {
        RequestStory.Cause(reason: record.reason, text: text, hop: hop.number, place: place, policy: record.policy)
    }

    private static func clause(_ attempt: HopRecord.Attempt) -> String {
        attempt.status != nil && attempt.detail.isEmpty
            ? StoryWords.outcome(attempt) : "failed: \(StoryWords.outcome(attempt))"
    }

    private static func isTimeout(_ reason: Reason) -> Bool {
        switch reason {
        case .requestTimeout, .deadlineExceeded, .tryTimeout, .streamIdleTimeout: true
        default: false
        }
    }
}
