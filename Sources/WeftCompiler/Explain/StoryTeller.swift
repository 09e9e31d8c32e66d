package import WeftModel

/// Makes the story of one request from what proxies recorded of it: what happened, in order of time, and why it ended as
/// it did. Pure: equal records and snapshots make equal stories.
package struct StoryTeller {
    private let hops: StoryHops
    private let snapshot: MeshSnapshot
    private var events: [RequestStory.Event] = []

    /// Of more than these, the newest are told.
    package static let maxRecords = 500

    private init(_ records: [HopRecord], _ snapshot: MeshSnapshot) {
        self.hops = StoryHops(records)
        self.snapshot = snapshot
    }

    /// Nil where nobody remembers the request.
    ///
    /// - Parameters:
    ///   - snapshot: what is in force now; it says which other routes there were.
    ///   - wanted: what the request was searched by. Where nothing joins the calls of one id, the one that it means is
    ///     explained; else one that failed, if any.
    ///   - silent: proxies that did not answer in time.
    ///   - isCut: proxies remember more of it than they have told.
    package static func story(
        id: String, records: [HopRecord], snapshot: MeshSnapshot, wanted: RecordFilter = RecordFilter(),
        silent: [String] = [], isCut: Bool = false
    ) -> RequestStory? {
        let newest = records.sorted { $0.startedAtMs > $1.startedAtMs }.prefix(Self.maxRecords)
        var teller = StoryTeller(Array(newest), snapshot)
        let hops = teller.hops
        guard let focus = StoryFocus(hops, wanted), let record = focus.root.outbound ?? focus.root.inbound.first else {
            return nil
        }
        for hop in hops.hops { teller.tell(hop) }
        teller.tell(focus)
        var cause = StoryCause(hops: hops, snapshot: snapshot).cause(of: focus.hop)
        if focus.hop.number != focus.root.number {
            cause.text += "; \(StoryWords.short(record.source)) got \(StoryWords.status(record)) all the same"
        }
        var summary = RequestSummary(record)
        summary.attempts = max(summary.attempts, 1)
        // What happens at one moment is told in the order of its causes.
        let events = teller.events.enumerated().sorted {
            ($0.element.atMs, $0.offset) < ($1.element.atMs, $1.offset)
        }.map(\.element)
        return RequestStory(
            id: id, summary: summary, cause: cause, hops: hops.hops, events: events, advice: Self.advice(cause),
            silent: silent,
            gaps: teller.gaps(id, silent, told: newest.count, isCut: isCut || records.count > newest.count))
    }

    /// The page of the cause, and what followed from it.
    private static func advice(_ cause: RequestStory.Cause) -> [String] {
        guard cause.reason != .ok || cause.hop != 0 else { return [] }
        var advice = ReasonPages.advice(cause.reason)
        var told: Set<Reason> = [cause.reason]
        for reason in cause.consequences.map(\.reason) where told.insert(reason).inserted {
            let hops = cause.consequences.filter { $0.reason == reason }.map { "hop \($0.hop)" }
            advice.append(
                "`\(reason.rawValue)`, at \(hops.joined(separator: " and ")), only followed from it; `weft explain --reason "
                    + "\(reason.rawValue)` has its page.")
        }
        return advice
    }

    /// What a reader should know is missing.
    private func gaps(_ id: String, _ silent: [String], told: Int, isCut: Bool) -> [String] {
        var gaps: [String] = []
        if id.utf8.count > HopRecord.maxIDBytes {
            gaps.append(
                "the id is longer than the \(HopRecord.maxIDBytes) bytes that records keep: found are the requests whose "
                    + "ids begin like it")
        }
        if isCut {
            gaps.append(
                "more bears this id than one story tells: it is cut at the newest \(told) records, of "
                    + "\(self.hops.hops.count) calls, and sides of them may be missing")
        } else {
            gaps += self.missingSides
        }
        if !silent.isEmpty { gaps.append("did not answer in time: \(silent.joined(separator: ", "))") }
        return gaps
    }

    private var missingSides: [String] {
        var gaps: [String] = []
        for hop in self.hops.hops {
            if hop.outbound == nil, let arrived = hop.inbound.first, arrived.sourceIdentity != nil {
                gaps.append(
                    "hop \(hop.number): the record of the caller's proxy (\(StoryWords.short(arrived.source))) is missing; "
                        + "a proxy keeps its newest requests, 10 000 where nothing else is said")
            }
            if let record = hop.outbound, hop.inbound.isEmpty, record.attempts.contains(where: { $0.status != nil }),
                record.attempts.contains(where: { $0.identity != nil })
            {
                gaps.append(
                    "hop \(hop.number): the record of the destination's proxy (\(StoryWords.short(record.destination))) "
                        + "is missing")
            }
        }
        return gaps
    }

    /// Which of several calls the cause is about.
    private mutating func tell(_ focus: StoryFocus) {
        guard focus.roots > 1 else { return }
        self.add(
            focus.root.atMs, focus.root, "the id",
            "is that of \(focus.roots) calls that nothing joins; the cause that is named is hop \(focus.hop.number)'s",
            .note)
    }

    private mutating func add(
        _ at: Double, _ hop: RequestStory.Hop, _ actor: String, _ text: String, _ kind: RequestStory.Kind
    ) {
        self.events.append(
            RequestStory.Event(
                atMs: (at * 1000).rounded() / 1000, hop: hop.number, actor: actor, text: text, kind: kind))
    }

    // MARK: One hop

    private mutating func tell(_ hop: RequestStory.Hop) {
        guard let record = hop.outbound else {
            for arrived in hop.inbound { self.tell(arrived, hop, from: hop.atMs) }
            return
        }
        let source = StoryWords.short(record.source)
        let (application, proxy) = ("\(source)'s application", "\(source)'s proxy")
        self.add(
            hop.atMs, hop, application,
            "sent \(record.method) \(record.authority)\(record.path) (\(record.protocol))", .request)
        self.tellRoute(record, hop, proxy)
        self.tellPolicies(record, hop, proxy)
        let order = record.attempts.indices.sorted {
            (record.attempts[$0].number ?? 1) < (record.attempts[$1].number ?? 1)
        }
        for index in order {
            let attempt = record.attempts[index]
            let began = hop.atMs + attempt.startedAfterMs
            let number = attempt.number ?? 1
            let name = attempt.isHedge ? "attempt \(number), beside the one before," : "attempt \(number)"
            let version = attempt.version.isEmpty ? "" : ", version \(attempt.version)"
            let pick = attempt.pick.map { ": \(StoryWords.pick($0))" } ?? ""
            self.add(
                began, hop, proxy, "\(name) to \(attempt.workload) (\(attempt.address)\(version))\(pick)", .attempt)
            if let connected = attempt.connectedAfterMs {
                let how = attempt.isKept ? "a connection that was open" : "a new connection"
                let who = attempt.identity.map { "; the peer proved to be \($0)" } ?? ", in the clear"
                self.add(began + connected, hop, proxy, "sent it over \(how)\(who)", .attempt)
            }
            if let place = self.hops.arrivals[hop.number]?[index] {
                let arrived = hop.inbound[place]
                self.tell(arrived, hop, from: arrived.startedAtMs - self.hops.start)
            }
            let isFailure = StoryWords.isFailure(attempt)
            let ended = began + attempt.durationMs
            self.add(
                ended, hop, proxy,
                "attempt \(number) \(StoryWords.outcome(attempt)) after \(StoryWords.time(attempt.durationMs))",
                isFailure ? .failure : .outcome)
            if let decision = StoryWords.decision(attempt, record) { self.add(ended, hop, proxy, decision, .decision) }
        }
        self.tellAnswer(record, hop, proxy, to: application)
    }

    private mutating func tellRoute(_ record: HopRecord, _ hop: RequestStory.Hop, _ proxy: String) {
        let findings = RouteMismatch.findings(for: record, in: self.snapshot)
        if record.route.isEmpty {
            if record.reason == .noRoute {
                let why = record.detail.isEmpty ? "no route of \(record.authority) takes it" : record.detail
                self.add(hop.atMs, hop, proxy, why, .route)
            }
        } else {
            // The one that is there where nobody attached another.
            let source =
                record.route == "default" && record.routeSource == nil
                ? ", which is built in," : StoryWords.source(record.routeSource)
            self.add(hop.atMs, hop, proxy, "route \(record.route)\(source) leads to \(record.cluster)", .route)
        }
        for finding in findings {
            self.add(
                hop.atMs, hop, proxy,
                "not route \(finding.route)\(StoryWords.source(finding.provenance)): \(finding.cause)", .route)
        }
    }

    private mutating func tellPolicies(_ record: HopRecord, _ hop: RequestStory.Hop, _ proxy: String) {
        for policy in record.policies where policy.source != nil {
            self.add(
                hop.atMs, hop, proxy, "\(policy.setting) is \(policy.value)\(StoryWords.source(policy.source))", .policy
            )
        }
        let defaults = record.policies.filter { $0.source == nil }
        if !defaults.isEmpty {
            let values = defaults.map { "\($0.setting) \($0.value)" }.joined(separator: "; ")
            self.add(hop.atMs, hop, proxy, "by default: \(values)", .policy)
        }
        if let left = record.deadlineMs {
            self.add(
                hop.atMs, hop, proxy,
                "\(StoryWords.time(left)) are left, \(record.deadlineIsCallers ? "as the caller said" : "by this proxy's limit")",
                .policy)
        }
    }

    private mutating func tellAnswer(
        _ record: HopRecord, _ hop: RequestStory.Hop, _ proxy: String, to application: String
    ) {
        let end = hop.atMs + record.durationMs
        let left = record.deadlineLeftMs.map { $0 > 0 ? ", with \(StoryWords.time($0)) left" : "" } ?? ""
        if record.reason == .clientGone {
            return self.add(end, hop, application, "went away, before it had its answer", .failure)
        }
        let why =
            record.reason == .ok
            ? "" : " (\(record.reason.rawValue)\(record.detail.isEmpty ? "" : ": \(record.detail)"))"
        let policy = record.reason == .ok ? "" : StoryWords.source(record.policy)
        self.add(
            end, hop, application,
            "got \(StoryWords.status(record)) after \(StoryWords.time(record.durationMs))\(left)\(why)\(policy)",
            record.isFailed ? .failure : .answer)
    }

    // MARK: The destination's side

    private mutating func tell(_ record: HopRecord, _ hop: RequestStory.Hop, from start: Double) {
        let name = StoryWords.short(record.destination)
        let (application, proxy) = ("\(name)'s application", "\(name)'s proxy")
        let who =
            record.sourceIdentity.map { "\($0), which its certificate proves" }
            ?? "\(record.sourceAddress ?? "a caller") in the clear"
        let left = record.deadlineMs.map { "; \(StoryWords.time($0)) are left" } ?? ""
        let attempt = record.attempt > 1 ? "; it is attempt \(record.attempt)" : ""
        self.add(start, hop, proxy, "\(record.proxy) took it from \(who)\(left)\(attempt)", .arrival)
        if !record.audit.isEmpty { self.add(start, hop, proxy, "audited: \(record.audit)", .policy) }
        let end = start + record.durationMs
        if let attempt = record.attempts.last {
            if let connected = attempt.connectedAfterMs {
                let how = attempt.isKept ? "a connection that was open" : "a new connection"
                self.add(
                    start + connected, hop, proxy, "passed it to the application at \(attempt.address) over \(how)",
                    .attempt)
            }
            if let status = attempt.status {
                self.add(
                    start + attempt.durationMs, hop, application,
                    "answered \(status) after \(StoryWords.time(attempt.durationMs - (attempt.connectedAfterMs ?? 0)))",
                    status >= 500 ? .failure : .answer)
            }
        }
        guard record.reason != .ok else { return }
        let detail = record.detail.isEmpty ? "" : ": \(record.detail)"
        self.add(
            end, hop, proxy,
            "\(record.reason == .clientGone ? "the caller gave it up" : "answered \(record.status)") (\(record.reason.rawValue)\(detail))"
                + StoryWords.source(record.policy), .failure)
    }
}
