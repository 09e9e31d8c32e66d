internal import Foundation
internal import WeftModel

/// The fixed walk through what a mesh does, each step checked on live traffic.
struct Tour: Sendable {
    let runner: FleetRunner
    let api: APIClient
    let traffic: TrafficGenerator
    let console: Console

    private static let services = ["billing", "catalog", "recommendation", "notification", "progress"]

    /// The steps in order; true when each held. A step that cannot be carried out counts as failed, and the next goes on.
    func run() async throws -> Bool {
        let steps: [(String, @Sendable () async throws -> StepOutcome)] = [
            ("Golden metrics of every edge", { try await self.goldenMetrics() }),
            ("Mutual TLS identities on each edge", { try await self.identities() }),
            ("A canary of billing v2: 90/10, then 50/50", { try await self.canary() }),
            ("Whoever sends x-plan: beta gets v2", { try await self.headerRouting() }),
            ("A failing, then a slow replica, survived within the budget", { try await self.badReplica() }),
            ("Recommendation may not call billing", { try await self.authorization() }),
            ("The control plane killed and restarted during traffic", { try await self.controlPlaneKilled() }),
            ("A sidecar started cold while the control plane is down", { try await self.coldSidecar() }),
            ("One failed request, explained", { try await self.explanation() }),
        ]
        var held = 0
        for (index, step) in steps.enumerated() {
            try Task.checkCancellation()
            self.console.line(self.console.styled("\(index + 1). \(step.0)", .strong))
            let clock = ContinuousClock()
            let start = clock.now
            var outcome = StepOutcome()
            do {
                outcome = try await step.1()
            } catch let error {
                try Task.checkCancellation()
                outcome.claim("could not be carried out: \(error)", false)
            }
            if outcome.holds { held += 1 }
            for line in outcome.rendered(console: self.console) { self.console.line(line) }
            self.console.line(
                self.console.styled("       \(start.duration(to: clock.now).components.seconds) s\n", .faint))
        }
        self.console.line("\(held) of \(steps.count) steps held")
        return held == steps.count
    }

    // MARK: Steps

    private func goldenMetrics() async throws -> StepOutcome {
        var outcome = StepOutcome()
        let tally = await self.during(rate: 50) { try? await Task.sleep(for: .seconds(6)) }
        outcome.claimNoFailure(tally, during: "through the gateway")
        let edges = try await self.edges(.outbound, window: 10) { edges in
            Self.expected.allSatisfy { pair in edges.contains { Self.is($0, pair) && $0.requests > 0 } }
        }
        for pair in Self.expected {
            let found = edges.filter { Self.is($0, pair) }
            let requests = found.reduce(0) { $0 + $1.requests }
            let worst = found.compactMap(\.successRatio).min()
            let rate = found.reduce(0) { $0 + $1.requestsPerSecond }
            outcome.claim(
                "\(pair.0) → \(pair.1): \(Figures.number(rate)) rps, success \(Figures.percent(worst)), "
                    + "p50 \(Figures.milliseconds(found.compactMap(\.p50).max())), "
                    + "p99 \(Figures.milliseconds(found.compactMap(\.p99).max()))",
                requests > 0 && worst == 1)
        }
        return outcome
    }

    private func identities() async throws -> StepOutcome {
        var outcome = StepOutcome()
        let domain = try await self.api.status().trustDomain
        let callers = try await self.edges(.outbound, window: 60) { !$0.isEmpty }
        let called = try await self.edges(.inbound, window: 60) { edges in
            Self.expected.allSatisfy { pair in edges.contains { Self.is($0, pair) } }
        }
        for pair in Self.expected {
            let server = "spiffe://\(domain)/ns/default/sa/\(pair.1)"
            let client = "spiffe://\(domain)/ns/default/sa/\(pair.0)"
            let outbound = callers.filter { Self.is($0, pair) && $0.totalRequests > 0 }
            let inbound = called.filter { Self.is($0, pair) && $0.totalRequests > 0 }
            let holds =
                !outbound.isEmpty && !inbound.isEmpty
                && outbound.allSatisfy { $0.tls && $0.peerIdentity == server }
                && inbound.allSatisfy { $0.tls && $0.peerIdentity == client }
            let seen = Set((outbound + inbound).map { $0.peerIdentity ?? "nobody" }).sorted()
            outcome.claim("\(pair.0) → \(pair.1): proved \(seen.joined(separator: " and "))", holds)
        }
        return outcome
    }

    private func canary() async throws -> StepOutcome {
        var outcome = StepOutcome()
        for weight in [10, 50] {
            let file = "canary-\(100 - weight)-\(weight).yaml"
            try await self.apply(file)
            _ = self.traffic.take()
            await self.traffic.send(1000)
            let tally = self.traffic.take()
            let v2 = tally.versions["v2"] ?? 0
            let check = ShareCheck(
                observed: v2, of: tally.versions.values.reduce(0, +), share: Double(weight) / 100)
            outcome.claim(
                "\(100 - weight)/\(weight): \(check.observed) of \(check.total) answers from v2, "
                    + "expected \(check.accepted.lowerBound) to \(check.accepted.upperBound)", check.holds)
            outcome.claimNoFailure(tally, during: "while weights moved")
        }
        return outcome
    }

    private func headerRouting() async throws -> StepOutcome {
        var outcome = StepOutcome()
        _ = self.traffic.take()
        await self.traffic.send(200, headers: ["x-plan": "beta"])
        let tally = self.traffic.take()
        outcome.claim(
            "\(tally.versions["v2"] ?? 0) of \(tally.sent) answers from v2",
            tally.sent > 0 && tally.versions["v2"] == tally.sent)
        return outcome
    }

    private func badReplica() async throws -> StepOutcome {
        var outcome = StepOutcome()
        try await self.apply("canary-90-10.yaml")
        let ports = self.runner.current?.applicationPorts ?? [:]
        let rate = 40
        for (what, query) in [("failing (25 % 503)", "errors=0.25"), ("slow (2 s)", "latency=2s")] {
            // The replica that is busiest now: balancing keeps one that was slow out of the way for a while.
            let settled = await self.during(rate: rate) { try? await Task.sleep(for: .seconds(2)) }
            let candidates = settled.replicas.filter { $0.key.hasPrefix("billing-v1-") }
            guard let replica = candidates.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key,
                let port = ports[replica]
            else {
                throw CommandFailure(
                    "no replica of billing v1 answered", remedy: "The tour needs the learning platform's fleet.")
            }
            let before = try await self.retries()
            let behaved = await Probe.get(port: port, path: "/_behave?\(query)")
            guard behaved.isReady else { throw CommandFailure("/_behave was refused", because: behaved.cause) }
            let seconds = 8
            let tally = await self.during(rate: rate) { try? await Task.sleep(for: .seconds(seconds)) }
            _ = await Probe.get(port: port, path: "/_behave?latency=4ms&errors=0")
            outcome.claimNoFailure(tally, during: "with \(replica) \(what)")
            // The last counters arrive with the next report of the sidecar.
            try await Task.sleep(for: .seconds(3))
            let retries = try await self.retries() - before
            let bound = BudgetBound.retries(
                requests: tally.sent, ratio: 0.3, reservePerSecond: 20, seconds: Double(seconds), proxies: 1)
            outcome.claim("\(retries) retries, the budget allows \(bound)", retries > 0 && retries <= bound)
            outcome.claim(
                "slowest answer \(Figures.milliseconds(tally.latency.max)), p50 \(Figures.milliseconds(tally.latency.p50))",
                (tally.latency.max ?? .infinity) < 2000)
        }
        return outcome
    }

    private func authorization() async throws -> StepOutcome {
        var outcome = StepOutcome()
        guard let port = self.runner.current?.outbound["recommendation"] else {
            throw CommandFailure(
                "the fleet has no recommendation", remedy: "The tour needs the learning platform's fleet.")
        }
        func call() async -> Probe.Reply { await Probe.call("billing", path: "/charge", through: port) }
        let before = await call()
        outcome.claim("recommendation calls billing: \(before.summary)", before.status == 200)
        try await self.apply("deny-recommendation.yaml")
        let denied = await call()
        outcome.claim(
            "with the policy: \(denied.summary)", denied.status == 403 && denied.reason == "denied")
        outcome.claim("the answer names the policy", denied.body.contains("no-recommendation"))
        let others = await self.during(rate: 40) { try? await Task.sleep(for: .seconds(2)) }
        outcome.claimNoFailure(others, during: "from those who may")
        let report = try await self.api.checkAuthorization(
            AuthorizationCheckRequest(from: "recommendation", to: "billing", method: "POST", path: "/charge"))
        outcome.claim(
            "weft authz check: \(report.verdicts.first?.because ?? "no answer")",
            !report.verdicts.isEmpty && report.verdicts.allSatisfy { !$0.isAllowed })
        let key = ResourceKey(kind: .authorizationPolicy, namespace: "default", name: "no-recommendation")
        _ = try await self.settled(at: try await self.api.delete(key).revision)
        let after = await call()
        outcome.claim("without it again: \(after.summary)", after.status == 200)
        return outcome
    }

    private func controlPlaneKilled() async throws -> StepOutcome {
        var outcome = StepOutcome()
        let revision = try await self.api.status().revision
        let tally = await self.during(rate: 50) {
            try? await Task.sleep(for: .seconds(1))
            await self.runner.supervisor.hold("control", signal: SIGKILL)
            try? await Task.sleep(for: .seconds(3))
            await self.runner.supervisor.release("control")
            try? await self.waitForControlPlane()
            try? await Task.sleep(for: .seconds(2))
        }
        outcome.claimNoFailure(tally, during: "while it was killed, away for 3 s, and back")
        let status = try await self.settled(at: revision)
        outcome.claim("revision \(revision) before, \(status.revision) after", status.revision == revision)
        let ready = status.proxies.count { $0.state == .ready }
        outcome.claim(
            "\(ready) of \(status.proxies.count) proxies are back", ready == status.proxies.count && ready > 0)
        return outcome
    }

    private func coldSidecar() async throws -> StepOutcome {
        var outcome = StepOutcome()
        guard let admin = self.runner.current?.admin["catalog"] else {
            throw CommandFailure("the fleet has no catalog", remedy: "The tour needs the learning platform's fleet.")
        }
        let supervisor = self.runner.supervisor
        await supervisor.hold("control", signal: SIGKILL)
        await supervisor.hold("catalog.sidecar", signal: SIGKILL)
        let clock = ContinuousClock()
        let start = clock.now
        await supervisor.release("catalog.sidecar")
        var isReady = false
        while !isReady, start.duration(to: clock.now) < .seconds(20) {
            isReady = await Probe.get(port: admin, path: "/ready").isReady
            if !isReady { try await Task.sleep(for: .milliseconds(50)) }
        }
        let took = start.duration(to: clock.now)
        outcome.claim(
            "catalog's sidecar was ready \(took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000) ms "
                + "after its start, from its saved identity and rules", isReady)
        // Its callers try an endpoint that failed again after a moment.
        try await Task.sleep(for: .seconds(2))
        _ = self.traffic.take()
        await self.traffic.send(200)
        outcome.claimNoFailure(self.traffic.take(), during: "through it, the control plane still down")
        await supervisor.release("control")
        try await self.waitForControlPlane()
        let status = try await self.settled(at: .zero)
        outcome.claim("the control plane is back at revision \(status.revision)", true)
        return outcome
    }

    /// Two calls away from who notices, an application fails; the story must name it.
    private func explanation() async throws -> StepOutcome {
        var outcome = StepOutcome()
        guard let port = self.runner.current?.applicationPorts["catalog"] else {
            throw CommandFailure("the fleet has no catalog", remedy: "The tour needs the learning platform's fleet.")
        }
        let behaved = await Probe.get(port: port, path: "/_behave?errors=1&status=503")
        guard behaved.isReady else { throw CommandFailure("/_behave was refused", because: behaved.cause) }
        let id = UUID().uuidString.lowercased()
        _ = self.traffic.take()
        await self.traffic.send(1, headers: ["x-request-id": id])
        let tally = self.traffic.take()
        _ = await Probe.get(port: port, path: "/_behave?errors=0")
        outcome.claim(
            "catalog's application answers 503; the caller of the gateway gets \(tally.causes)", tally.failed == 1)
        let story = try await self.api.story(of: id)
        outcome.claim("weft explain \(id)", story.gaps.isEmpty)
        outcome.claim(
            "why: \(story.cause.text), at hop \(story.cause.hop)",
            story.cause.hop > 1 && story.cause.text.contains("catalog"))
        outcome.claim("\(story.hops.count) calls, \(story.events.count) events in order of time", story.hops.count > 1)
        return outcome
    }

    // MARK: Looking

    /// The calls that enrolling makes.
    private static let expected: [(String, String)] =
        [("gateway", "enrollment")] + Self.services.map { ("enrollment", $0) }

    /// The caller names the backend that a route chose, `billing-v1` of `billing`; the called proxy its own service.
    private static func `is`(_ edge: EdgeStat, _ pair: (String, String)) -> Bool {
        edge.source == "\(pair.0).default"
            && (edge.destination == "\(pair.1).default" || edge.destination.hasPrefix("\(pair.1)-v"))
    }

    /// Sends steady traffic while `body` runs, and counts it.
    private func during(rate: Int, _ body: @escaping @Sendable () async -> Void) async -> TrafficGenerator.Tally {
        _ = self.traffic.take()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.traffic.run(rate: rate) }
            await body()
            group.cancelAll()
        }
        return self.traffic.take()
    }

    /// Edges as soon as they satisfy `isComplete`, or as they are after 20 s.
    private func edges(
        _ direction: EdgeStat.Direction, window: Int, until isComplete: ([EdgeStat]) -> Bool
    ) async throws -> [EdgeStat] {
        var edges: [EdgeStat] = []
        for _ in 0..<40 {
            edges = try await self.api.stat(window: .seconds(window)).edges.filter { $0.direction == direction }
            if isComplete(edges) { break }
            try await Task.sleep(for: .milliseconds(500))
        }
        return edges
    }

    /// Retries towards billing since the sidecars started.
    private func retries() async throws -> Int {
        try await self.api.stat(window: .seconds(10)).edges
            .filter { $0.direction == .outbound && $0.destination.hasPrefix("billing") }
            .reduce(0) { $0 + Int($1.totalRetries) }
    }

    /// Applies one of the fleet's canary files, and waits until every proxy has it.
    private func apply(_ name: String) async throws {
        let documents = try DocumentFiles.read("\(self.runner.paths.directory)/\(name)")
        let response = try await self.api.apply(ApplyRequest(documents: documents, author: "weft demo"))
        _ = try await self.settled(at: response.revision)
    }

    /// The status once everything up to `revision` is published and confirmed; fails after 60 s.
    private func settled(at revision: Revision) async throws -> StatusReport {
        var last: StatusReport?
        for _ in 0..<300 {
            if let status = try? await self.api.status() {
                last = status
                let isCurrent = status.proxies.allSatisfy { $0.isCurrent && $0.state == .ready }
                if status.publishedRevision >= revision, isCurrent, !status.proxies.isEmpty { return status }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        let open = (last?.proxies ?? []).compactMap { proxy -> String? in
            guard !proxy.isCurrent || proxy.state != .ready else { return nil }
            let pending = proxy.discovery.filter { $0.pending > 0 || $0.rejection != nil }.map(\.type)
            return "\(proxy.workload ?? proxy.identity) is \(proxy.state.rawValue)"
                + (proxy.cause.map { " (\($0))" } ?? "")
                + (pending.isEmpty ? "" : ", not confirmed: \(pending.joined(separator: ", "))")
        }
        throw CommandFailure(
            "not every proxy had revision \(revision) within 60 s",
            because: open.isEmpty ? "the control plane has not published it" : open.joined(separator: "; "))
    }

    private func waitForControlPlane() async throws {
        for _ in 0..<150 {
            if await self.api.isHealthy() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw CommandFailure("the control plane did not come back within 15 s")
    }
}
