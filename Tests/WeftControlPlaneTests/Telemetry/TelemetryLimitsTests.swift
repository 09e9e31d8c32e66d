import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct TelemetryLimitsTests {
    private func key(_ text: String, _ direction: EdgeStat.Direction = .outbound) -> EdgeKey {
        EdgeKey(
            source: text, destination: text, version: "", route: text, direction: direction, protocol: "h2", tls: true,
            peerIdentity: nil)
    }

    @Test func `edges beyond the limit are counted together, and all is counted`() {
        var limits = TelemetryStore.Limits()
        limits.series = 2
        var store = TelemetryStore(limits: limits)
        store.record([], from: "a", second: 1000)
        for round in 1...3 {
            let report = (0..<5).map {
                (self.key("route-\($0)"), TelemetryStoreTests.counters(UInt64(round * 10)))
            }
            store.record(report, from: "a", second: 1000 + Int64(round))
        }
        let report = store.report(window: 10, second: 1010, at: 0)
        #expect(report.edges.count == 3)
        #expect(report.edges.first { $0.source == "overflow" }?.requests == 90)
        #expect(report.edges.reduce(0) { $0 + $1.requests } == 150)
    }

    @Test func `an edge that fell silent makes room, and its proxy's old counts are not counted twice`() {
        var limits = TelemetryStore.Limits()
        limits.series = 1
        var store = TelemetryStore(limits: limits)
        let (old, new) = (self.key("old"), self.key("new"))
        store.record([], from: "a", second: 1000)
        store.record([(old, TelemetryStoreTests.counters(10))], from: "a", second: 1002)
        store.record([(old, TelemetryStoreTests.counters(10))], from: "a", second: 2000)
        let both = [(old, TelemetryStoreTests.counters(10)), (new, TelemetryStoreTests.counters(4))]
        store.record(both, from: "a", second: 2002)
        #expect(store.report(window: 10, second: 2010, at: 0).edges.map(\.source) == ["new"])
        #expect(store.evicted == 1)
        // The old one comes back while the new one is there: only what it adds is counted.
        let back = [(old, TelemetryStoreTests.counters(13)), (new, TelemetryStoreTests.counters(4))]
        store.record(back, from: "a", second: 2004)
        #expect(
            store.report(window: 10, second: 2010, at: 0).edges.first { $0.source == "overflow" }?.requests == 3)
    }

    @Test func `a thousand services and names that never end take no more than the limits`() {
        var limits = TelemetryStore.Limits()
        limits.series = 1000
        limits.bytes = 4 << 20
        limits.baselines = 5000
        limits.edgesPerProxy = 50
        var store = TelemetryStore(limits: limits)
        let long = String(repeating: "\u{1F4A5}<script>\u{0}\"'\n", count: 20)
        var counters = TelemetryStoreTests.counters(0)
        for round in 0..<40 {
            // All counters set and large: the least that packing can do.
            counters.requests &+= 1 << 40
            for index in counters.latency.indices { counters.latency[index] &+= 1 << 40 }
            for index in counters.classes.indices { counters.classes[index] &+= 1 << 40 }
            for reason in Reason.allCases { counters.reasons[reason, default: 0] &+= 1 << 40 }
            for service in stride(from: round % 4, to: 1000, by: 4) {
                let report = (0..<3).map { edge in
                    // One of the edges has another name each time.
                    (self.key("\(service)-\(edge == 0 ? round : edge)\(long)"), counters)
                }
                store.record(report, from: "default/\(service)", second: 10_000 + Int64(round * 2))
            }
            #expect(store.bytes <= limits.bytes)
            #expect(store.series.count <= limits.series + 2)
        }
        #expect(store.keptSeconds.fine < TelemetryStore.fineSeconds)
        #expect(store.edges(TelemetryQuery(window: 60), second: 10_080, at: 0).edges.count <= limits.series + 2)
    }

    @Test func `one proxy's flood of edges is cut, and the rest is told as dropped`() {
        var limits = TelemetryStore.Limits()
        limits.edgesPerProxy = 10
        limits.baselines = 15
        var store = TelemetryStore(limits: limits)
        let report = (0..<100).map { (self.key("edge-\($0)"), TelemetryStoreTests.counters(1)) }
        store.record(report, from: "a", second: 1000)
        #expect(store.series.count == 10)
        #expect(store.dropped == 90)
        store.record(report, from: "b", second: 1000)
        #expect(store.dropped == 90 + 95)
        // What a proxy that is gone took is free for others.
        store.forget(proxy: "a")
        store.record(Array(report.suffix(10)), from: "c", second: 1001)
        #expect(store.dropped == 90 + 95)
    }

    @Test func `a past that was cut short grows again once there is room`() {
        var limits = TelemetryStore.Limits()
        limits.bytes = 30_000
        var store = TelemetryStore(limits: limits)
        TelemetryStoreTests.run(&store, rate: 100, from: 100_000, to: 103_600)
        #expect(store.bytes <= limits.bytes)
        let short = store.keptSeconds.fine
        TelemetryStoreTests.run(&store, rate: 1, from: 200_000, to: 200_200)
        #expect(store.keptSeconds.fine >= short)
        #expect(store.bytes <= limits.bytes)
    }
}
