import Testing
import WeftTelemetry

@Suite struct MetricNamesTests {
    static let families = MetricNames.all + ControlPlaneMetricNames.all + IstioMetricNames.all

    @Test func `every metric is named once for each program, as Prometheus wants names`() {
        for list in [MetricNames.all, ControlPlaneMetricNames.all, IstioMetricNames.all] {
            #expect(Set(list.map(\.name)).count == list.count)
        }
        for family in Self.families {
            #expect(family.name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(family.name)")
            #expect(!family.name.hasSuffix("_total") && !family.name.hasSuffix("_info"), "\(family.name)")
            #expect(!family.help.isEmpty && family.help.hasSuffix("."), "\(family.name)")
            #expect(Set(family.labels).count == family.labels.count, "\(family.name)")
        }
    }

    @Test func `a hundred thousand labels make no more series than the budget`() {
        let registry = MetricRegistry(budget: 100)
        let family = MetricFamily("c", .counter, labels: ["path"], help: "x")
        for number in 0..<100_000 { registry.add(to: registry.series(family, ["/made/up/\(number)"])) }
        // The family's overflow series, and the one that counts overflows.
        #expect(registry.count == 102)
        let series = registry.counters(of: family)
        #expect(series.map(\.count).reduce(0, +) == 100_000)
        #expect(series.first { $0.labels == ["overflow"] }?.count == 99_900)
        #expect(registry.counters(of: MetricNames.overflow).first?.count == 99_900)
    }

    @Test func `gauges read when asked keep to the budget too`() {
        let registry = MetricRegistry(budget: 10)
        var copy = registry.copy()
        for number in 0..<100 {
            registry.measure(1, of: MetricNames.upstreamRequests, ["cluster-\(number)"], into: &copy)
        }
        let series = copy.snapshot().families[MetricNames.upstreamRequests] ?? [:]
        #expect(series.count == 11)
        #expect(series[["overflow"]] == .gauge(90))
        #expect(registry.counters(of: MetricNames.overflow).first?.count == 90)
    }

    @Test func `what the kernel says of a process is read`() throws {
        let usage = try #require(
            ProcessUsage(
                stat: "7 (we ft)) S 1 7 7 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 4 0 5000 1000 200",
                statm: "1000 200 100 1 0 300 0", ticks: 100, pageSize: 4096, bootedAt: 1_000))
        #expect(usage.cpuSeconds == 4)
        #expect(usage.residentBytes == 819_200)
        #expect(usage.startedAt == 1_050)
        #expect(ProcessUsage(stat: "7", statm: "", ticks: 100, pageSize: 1, bootedAt: 0) == nil)
    }
}
