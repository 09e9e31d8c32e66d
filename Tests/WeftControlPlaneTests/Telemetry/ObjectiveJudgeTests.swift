import Testing
import WeftModel
import WeftTelemetry

@testable import WeftControlPlane

@Suite struct ObjectiveJudgeTests {
    private static let begin: Int64 = 1_000_000

    private static func objective(
        success: Double? = 0.99, latency: ServiceObjective.Latency? = nil, window: Duration = .seconds(86_400),
        target: ServiceObjective.Target = .service(ServiceName(namespace: "default", name: "billing"))
    ) -> ServiceObjective {
        ServiceObjective(
            metadata: Metadata(name: "billing"), target: target, successRatio: success, latency: latency, window: window
        )
    }

    /// A store that heard `hours` of 100 requests a second, of which `failing` per second failed in the last `minutes`.
    private static func store(hours: Int64, failing: UInt64, minutes: Int64) -> (TelemetryStore, second: Int64) {
        var store = TelemetryStore()
        var counters = EdgeCounters()
        let end = Self.begin + hours * 3600
        store.record([(TelemetryStoreTests.key, counters)], from: "a", second: Self.begin)
        for second in stride(from: Self.begin + 10, through: end, by: 10) {
            let failed = second > end - minutes * 60 ? failing * 10 : 0
            counters.requests += 1000
            counters.classes[4] += failed
            counters.classes[1] += 1000 - failed
            counters.latency[3] += 1000 - failed
            counters.latency[9] += failed
            store.record([(TelemetryStoreTests.key, counters)], from: "a", second: second)
        }
        return (store, end)
    }

    @Test func `what has not failed has its whole budget`() throws {
        let (store, second) = Self.store(hours: 7, failing: 0, minutes: 0)
        let status = ObjectiveJudge(store: store, second: second).status(Self.objective())
        #expect(status.state == .ok)
        #expect(status.budgetRemaining == 1)
        #expect(status.burnRates == ["5m": 0, "30m": 0, "1h": 0, "6h": 0])
        #expect(status.judgedSeconds == 7 * 3600)
    }

    @Test(
        arguments: [(20, 60, .burning), (20, 10, .ok), (10, 60, .ok), (7, 380, .burning)]
            as [(UInt64, Int64, ObjectiveStatus.State)])
    func `a budget burns when both windows of an alert do`(
        failing: UInt64, minutes: Int64, state: ObjectiveStatus.State
    ) {
        // One per cent may fail: 20 of 100 burn twenty times too fast, for an hour or only ten minutes of it; 7 burn
        // seven times too fast, over six hours.
        let (store, second) = Self.store(hours: 7, failing: failing, minutes: minutes)
        let status = ObjectiveJudge(store: store, second: second).status(Self.objective(window: .seconds(30 * 86_400)))
        #expect(abs((status.burnRates["5m"] ?? 0) - Double(failing)) < 0.2)
        #expect(status.state == state)
    }

    @Test func `a trouble that is over burns no more`() {
        var (store, second) = Self.store(hours: 7, failing: 30, minutes: 60)
        var counters = EdgeCounters()
        for _ in 0..<60 {
            second += 10
            counters.requests += 1000
            counters.classes[1] += 1000
            // Another proxy's, so that its counters begin anew.
            store.record([(TelemetryStoreTests.key, counters)], from: "a", second: second)
        }
        let status = ObjectiveJudge(store: store, second: second).status(Self.objective(window: .seconds(30 * 86_400)))
        #expect(status.burnRates["5m"] == 0)
        #expect(status.state == .ok)
    }

    @Test func `a window that is longer than what is known is judged by what there is`() {
        // The first minute of all, which is not over.
        let begin = Self.begin + 20
        var store = TelemetryStore()
        var counters = EdgeCounters()
        store.record([(TelemetryStoreTests.key, counters)], from: "a", second: begin)
        for second in [begin + 10, begin + 20, begin + 30] {
            counters.requests += 1000
            counters.classes[4] += 250
            counters.classes[1] += 750
            store.record([(TelemetryStoreTests.key, counters)], from: "a", second: second)
        }
        let status = ObjectiveJudge(store: store, second: begin + 36).status(Self.objective())
        for window in ["5m", "30m", "1h", "6h"] {
            #expect(abs((status.burnRates[window] ?? 0) - 25) < 0.2, "\(window)")
        }
        #expect(status.state != .unknown)
        #expect(status.measuredSuccess == 0.75)
    }

    @Test func `a day is judged exactly, a month only as far as it is kept`() throws {
        let (store, second) = Self.store(hours: 24, failing: 6, minutes: 60)
        // 6 % of an hour's requests are 0.25 % of a day's; 1 % may fail.
        let day = ObjectiveJudge(store: store, second: second).status(Self.objective())
        #expect(day.judgedSeconds == 86_400)
        #expect(abs(try #require(day.budgetRemaining) - 0.75) < 0.01)
        let month = ObjectiveJudge(store: store, second: second).status(
            Self.objective(window: ServiceObjective.standardWindow))
        #expect(month.judgedSeconds == 86_400)
        #expect(month.windowSeconds == 30 * 86_400)
        #expect(abs(try #require(month.budgetRemaining) - (1 - 0.25 / 30)) < 0.001)
    }

    @Test func `a budget that is gone is exhausted, whatever burns`() {
        let (store, second) = Self.store(hours: 24, failing: 50, minutes: 60)
        let status = ObjectiveJudge(store: store, second: second).status(Self.objective())
        #expect(status.state == .exhausted)
        #expect((status.budgetRemaining ?? 1) < 0)
    }

    @Test func `latency has a budget of its own, and the worse of both counts`() throws {
        let (store, second) = Self.store(hours: 24, failing: 6, minutes: 60)
        let latency = ServiceObjective.Latency(threshold: .milliseconds(500), ratio: 0.999)
        let status = ObjectiveJudge(store: store, second: second).status(Self.objective(latency: latency))
        // Slow are as many as failed, and a tenth as many may be.
        #expect(abs(try #require(status.measuredFast) - 0.9975) < 0.0002)
        #expect(abs(try #require(status.budgetRemaining) + 1.5) < 0.05)
        #expect(status.latencyTarget == 500)
        let generous = ServiceObjective.Latency(threshold: .seconds(10), ratio: 0.999)
        let fast = ObjectiveJudge(store: store, second: second).status(Self.objective(success: nil, latency: generous))
        #expect(fast.budgetRemaining == 1)
        #expect(fast.successTarget == nil)
    }

    @Test func `without requests nothing is known`() {
        let judge = ObjectiveJudge(store: TelemetryStore(), second: 1000)
        let status = judge.status(Self.objective())
        #expect(status.state == .unknown)
        #expect(status.budgetRemaining == nil)
        var metrics = MetricSnapshot()
        metrics.add([status])
        #expect(metrics.families[ControlPlaneMetricNames.objectiveBudget] == nil)
        #expect(status.burnRates.isEmpty)
        #expect(metrics.families[ControlPlaneMetricNames.objectiveBurnRate] == nil)
    }

    @Test func `an objective of a route judges its requests alone`() {
        var store = TelemetryStore()
        var (good, bad) = (TelemetryStoreTests.key, TelemetryStoreTests.key)
        (good.route, bad.route) = ("default/safe", "default/risky/0")
        store.record([(good, EdgeCounters()), (bad, EdgeCounters())], from: "a", second: 1000)
        store.record(
            [(good, TelemetryStoreTests.counters(50)), (bad, TelemetryStoreTests.counters(50, failed: 25))], from: "a",
            second: 1002)
        func success(_ name: String) -> Double? {
            let key = ResourceKey(kind: .httpRoute, namespace: "default", name: name)
            return ObjectiveJudge(store: store, second: 1120)
                .status(Self.objective(target: .route(key))).measuredSuccess
        }
        #expect(success("safe") == 1)
        #expect(success("risky") == 0.5)
        #expect(success("other") == nil)
    }

    @Test func `metrics name the objective and the window`() throws {
        let (store, second) = Self.store(hours: 2, failing: 1, minutes: 120)
        var metrics = MetricSnapshot()
        metrics.add([ObjectiveJudge(store: store, second: second).status(Self.objective())])
        let budgets = try #require(metrics.families[ControlPlaneMetricNames.objectiveBudget])
        #expect(budgets.keys.map(\.self) == [["default", "billing"]])
        let rates = try #require(metrics.families[ControlPlaneMetricNames.objectiveBurnRate])
        #expect(Set(rates.keys.compactMap(\.last)) == ["5m", "30m", "1h", "6h"])
    }
}
