package import WeftModel

/// Makes the story of one request from what proxies recorded of it: what happened, in order of time, and why it ended as
/// it did. Pure: equal records and snapshots make equal stories.
package struct StoryTeller {
    private let hops: StoryHops
    private let snapshot: MeshSnapshot
    private var events: [RequestStory.Event] = []

    /// More than these of one request are not told.
    package static let maxRecords = 500

    private init(_ records: [HopRecord], _ snapshot: MeshSnapshot) {
        self.hops = StoryHops(records)
        self.snapshot = snapshot
    }

    /// Nil where nobody remembers the request.
    ///
    /// - Parameters:
    ///   - snapshot: what is in force now; it says which other routes there were.
    ///   - silent: proxies that did not answer in time.
    package static func story(
        id: String, records: [HopRecord], snapshot: MeshSnapshot, silent: [String] = []
    ) -> RequestStory? {
        var teller = StoryTeller(Array(records.prefix(Self.maxRecords)), snapshot)
        guard let first = teller.hops.hops.first, let record = first.outbound ?? first.inbound.first else { return nil }
        for hop in teller.hops.hops { teller.tell(hop) }
        let cause = StoryCause(hops: teller.hops).find()
        var summary = RequestSummary(record)
        summary.attempts = max(summary.attempts, 1)
        // What happens at one moment is told in the order of its causes.
        let events = teller.events.enumerated().sorted {
            ($0.element.atMs, $0.offset) < ($1.element.atMs, $1.offset)
        }.map(\.element)
        return RequestStory(
            id: id, summary: summary, cause: cause, hops: teller.hops.hops, events: events,
            advice: cause.reason == .ok ? [] : ReasonPages.advice(cause.reason), silent: silent,
            gaps: teller.gaps(silent))
    }

    /// What a reader should know is missing.
    private func gaps(_ silent: [String]) -> [String] {
        var gaps: [String] = []
        for hop in self.hops.hops {
            if hop.outbound == nil, let arrived = hop.inbound.first, arrived.sourceIdentity != nil {
                gaps.append(
                    "hop \(hop.number): the record of the caller's proxy (\(StoryWords.short(arrived.source))) is missing; "
                        + "it keeps its newest 10 000 requests")
            }
            if let record = hop.outbound, hop.inbound.isEmpty, record.attempts.contains(where: { $0.status != nil }),
                record.attempts.contains(where: { $0.identity != nil })
            {
                gaps.append(
                    "hop \(hop.number): the record of the destination's proxy (\(StoryWords.short(record.destination))) "
                        + "is missing")
            }
        }
        if !silent.isEmpty { gaps.append("did not answer in time: \(silent.joined(separator: ", "))") }
        return gaps
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
        for (index, attempt) in record.attempts.enumerated() {
            let began = hop.atMs + attempt.startedAfterMs
            let name = attempt.isHedge ? "attempt \(index + 1), beside the one before," : "attempt \(index + 1)"
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
                "attempt \(index + 1) \(StoryWords.outcome(attempt)) after \(StoryWords.time(attempt.durationMs))",
                isFailure ? .failure : .outcome)
            if let decision = StoryWords.decision(attempt, record) { self.add(ended, hop, proxy, decision, .decision) }
        }
        self.tellAnswer(record, hop, proxy, to: application)
    }

    private mutating func tellRoute(_ record: HopRecord, _ hop: RequestStory.Hop, _ proxy: String) {
        let findings = RouteMismatch.findings(for: record, in: self.snapshot)
        if record.route.isEmpty {
            if record.reason == .noRoute {
                self.add(hop.atMs, hop, proxy, "no route takes it: \(record.detail)", .route)
            }
        } else {
            self.add(
                hop.atMs, hop, proxy,
                "route \(record.route)\(StoryWords.source(record.routeSource)) leads to \(record.cluster)", .route)
        }
        for finding in findings {
            let cause = finding.cause ?? "it would match now: the configuration has changed since"
            self.add(
                hop.atMs, hop, proxy,
                "not route \(finding.route)\(StoryWords.source(finding.provenance)): \(cause)", .route)
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
        let grpc = record.grpcStatus.map { ", grpc-status \($0)" } ?? ""
        if record.reason == .clientGone {
            return self.add(end, hop, application, "went away, before it had its answer", .failure)
        }
        let why =
            record.reason == .ok
            ? "" : " (\(record.reason.rawValue)\(record.detail.isEmpty ? "" : ": \(record.detail)"))"
        let policy = record.reason == .ok ? "" : StoryWords.source(record.policy)
        self.add(
            end, hop, application,
            "got \(record.status)\(grpc) after \(StoryWords.time(record.durationMs))\(left)\(why)\(policy)",
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
