import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct TelemetryStoreTests {
    static let key = EdgeKey(
        source: "enrollment.default", destination: "billing.default", version: "v1", route: "default",
        direction: .outbound, protocol: "http/1.1", tls: true, peerIdentity: "spiffe://mesh.local/ns/default/sa/billing"
    )

    static func counters(_ requests: UInt64, failed: UInt64 = 0) -> EdgeCounters {
        var counters = EdgeCounters()
        counters.requests = requests
        counters.classes[1] = requests - failed
        counters.classes[4] = failed
        counters.latency[3] = requests
        return counters
    }

    /// `rate` requests each second from `begin` to `end`, told every two seconds.
    static func run(
        _ store: inout TelemetryStore, rate: UInt64, from begin: Int64, to end: Int64, key: EdgeKey = Self.key,
        failed: UInt64 = 0
    ) {
        if store.since == nil { store.record([(key, EdgeCounters())], from: "a", second: begin) }
        for second in stride(from: begin + 2, through: end, by: 2) {
            let passed = UInt64(second - begin)
            store.record([(key, Self.counters(passed * rate, failed: passed * failed))], from: "a", second: second)
        }
    }

    @Test func `rates are of the window's whole slots, and ratios of its requests`() throws {
        var store = TelemetryStore()
        store.record([(Self.key, Self.counters(100))], from: "a", second: 1000)
        store.record([(Self.key, Self.counters(140, failed: 10))], from: "a", second: 1002)
        let edge = try #require(store.report(window: 5, second: 1005, at: 0).edges.first)
        #expect(edge.requests == 40)
        #expect(edge.requestsPerSecond == 8)
        #expect(edge.successRatio == 0.75)
        #expect(edge.failures == ["5xx": 10])
        #expect(edge.totalRequests == 140)
        #expect(edge.p50 == 7.5)
    }

    @Test func `what a proxy counted before we listened is no rate`() throws {
        var store = TelemetryStore()
        store.record([(Self.key, Self.counters(1_000_000))], from: "a", second: 1000)
        let edge = try #require(store.report(window: 10, second: 1005, at: 0).edges.first)
        #expect(edge.requests == 0)
        #expect(edge.successRatio == nil)
        #expect(edge.p99 == nil)
        #expect(edge.totalRequests == 1_000_000)
    }

    @Test func `what a proxy counts after a first report without traffic is a rate`() {
        var store = TelemetryStore()
        store.record([], from: "a", second: 1000)
        store.record([(Self.key, Self.counters(8))], from: "a", second: 1002)
        #expect(store.report(window: 5, second: 1005, at: 0).edges.map(\.requests) == [8])
    }

    @Test func `counters that fall mean a restarted proxy, whose new counts all count`() throws {
        var store = TelemetryStore()
        store.record([(Self.key, Self.counters(100))], from: "a", second: 1000)
        store.record([(Self.key, Self.counters(5))], from: "a", second: 1002)
        let edge = try #require(store.report(window: 10, second: 1005, at: 0).edges.first)
        #expect(edge.requests == 5)
        #expect(edge.totalRequests == 105)
    }

    @Test func `the proxies of one service add up to one edge`() {
        var store = TelemetryStore()
        for proxy in ["a", "b"] {
            store.record([(Self.key, Self.counters(0))], from: proxy, second: 1000)
            store.record([(Self.key, Self.counters(20))], from: proxy, second: 1002)
        }
        #expect(store.report(window: 10, second: 1005, at: 0).edges.map(\.requests) == [40])
    }

    @Test func `a late report is spread over the time it stands for`() {
        var store = TelemetryStore()
        Self.run(&store, rate: 10, from: 1000, to: 1010)
        // Half a minute without a word, then everything at once.
        store.record([(Self.key, Self.counters(400))], from: "a", second: 1040)
        let points = store.timeline(TelemetryQuery(window: 30), second: 1045, at: 1045).points
        #expect(points.map { $0.signals.requestsPerSecond } == [10, 10, 10, 10, 10, 10])
        #expect(points.first?.at == 1015)
    }

    @Test func `an hour is kept in steps of five seconds, a day in minutes`() throws {
        var store = TelemetryStore()
        let end: Int64 = 1_000_000 + 90_000
        Self.run(&store, rate: 3, from: 1_000_000, to: end)
        let hour = store.timeline(TelemetryQuery(window: 3600), second: end, at: end)
        #expect(hour.stepSeconds == 5)
        #expect(hour.points.count == 720)
        // Reports come every two seconds, so that a step of five holds those of four or six.
        #expect(hour.points.allSatisfy { (12...18).contains(($0.signals.requestsPerSecond * 5).rounded()) })
        let day = store.timeline(TelemetryQuery(window: 86_400), second: end, at: end)
        #expect(day.stepSeconds == 120)
        #expect((720...721).contains(day.points.count))
        #expect(day.points.allSatisfy { abs($0.signals.requestsPerSecond - 3) < 0.2 })
        let edge = try #require(
            store.edges(TelemetryQuery(window: 86_400), second: end, at: end).edges.first)
        #expect(abs(edge.signals.requestsPerSecond - 3) < 0.01)
        // Nothing older stays, and a day of an edge is some tens of kilobytes.
        #expect(store.bytes < 100_000)
    }

    @Test func `a point lies where its step begins, in wall time`() {
        var store = TelemetryStore()
        Self.run(&store, rate: 1, from: 1000, to: 1060)
        // The wall clock is 500 s ahead of what the store was told.
        let points = store.timeline(TelemetryQuery(window: 20), second: 1062, at: 1562).points
        #expect(points.map(\.at) == [1540, 1545, 1550, 1555])
    }

    @Test func `edges are merged by what is asked for, directions never`() throws {
        var store = TelemetryStore()
        var keys: [EdgeKey] = []
        for (source, version, direction) in [
            ("a.default", "v1", EdgeStat.Direction.outbound), ("b.default", "v2", .outbound),
            ("a.default", "v1", .inbound),
        ] {
            var key = Self.key
            (key.source, key.version, key.direction) = (source, version, direction)
            keys.append(key)
        }
        store.record([], from: "p", second: 1000)
        store.record(keys.map { ($0, Self.counters(50)) }, from: "p", second: 1002)
        func edges(_ change: (inout TelemetryQuery) -> Void) -> [TelemetryEdge] {
            var query = TelemetryQuery(window: 5)
            change(&query)
            return store.edges(query, second: 1005, at: 0).edges
        }
        let service = edges { $0.group = .service }
        #expect(service.map(\.direction) == [.inbound, .outbound])
        #expect(service.map { $0.signals.requestsPerSecond } == [10, 20])
        #expect(edges { $0.group = .version }.map(\.version) == ["v1", "v1", "v2"])
        #expect(edges { $0.service = "a" }.count == 2)
        #expect(edges { $0.source = "b.other" }.isEmpty)
        #expect(edges { $0.namespace = "default" }.count == 3)
        #expect(edges { $0.reason = "no_endpoints" }.isEmpty)
    }

    @Test func `percentiles are interpolated within their bucket`() throws {
        var buckets = [UInt64](repeating: 0, count: LatencyBuckets.bounds.count + 1)
        buckets[3] = 10
        for (share, expected) in [(0.5, 7.5), (1.0, 10), (0.1, 5.5)] {
            let value = try #require(LatencyBuckets.percentile(share, of: buckets))
            #expect(abs(value - expected) < 0.000_1)
        }
        buckets = [UInt64](repeating: 0, count: LatencyBuckets.bounds.count + 1)
        buckets[LatencyBuckets.bounds.count] = 3
        #expect(LatencyBuckets.percentile(0.99, of: buckets) == 10000)
        #expect(LatencyBuckets.percentile(0.99, of: []) == nil)
    }

    @Test func `packed counters are the same when unpacked`() {
        var counters = Self.counters(.max, failed: 3)
        counters.reasons = [.noEndpoints: 2, .internal: .max, .denied: 1]
        (counters.grpcFailures, counters.retries, counters.bytesIn, counters.bytesOut) = (1, 128, 1 << 40, 127)
        counters.latency[12] = 9
        #expect(PackedCounters.unpack(PackedCounters.pack(counters)) == counters)
        #expect(PackedCounters.unpack(PackedCounters.pack(EdgeCounters())) == EdgeCounters())
        #expect(PackedCounters.pack(Self.counters(1000)).count < 12)
    }
}
