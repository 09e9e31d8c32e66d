import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct EdgeStatsTests {
    private let key = EdgeKey(
        source: "enrollment.default", destination: "billing.default", version: "v1", route: "default",
        direction: .outbound, protocol: "http/1.1", tls: true, peerIdentity: "spiffe://mesh.local/ns/default/sa/billing"
    )

    private func counters(_ requests: UInt64, failed: UInt64 = 0) -> EdgeCounters {
        var counters = EdgeCounters()
        counters.requests = requests
        counters.classes[1] = requests - failed
        counters.classes[4] = failed
        counters.latency[3] = requests
        return counters
    }

    @Test func `rates are of the window's whole slots, and ratios of its requests`() throws {
        var stats = EdgeStats()
        stats.record([(self.key, self.counters(100))], from: "a", second: 100)
        stats.record([(self.key, self.counters(140, failed: 10))], from: "a", second: 102)
        let edge = try #require(stats.report(window: 4, second: 104, at: 0).edges.first)
        #expect(edge.requests == 40)
        #expect(edge.requestsPerSecond == 10)
        #expect(edge.successRatio == 0.75)
        #expect(edge.failures == ["5xx": 10])
        #expect(edge.totalRequests == 140)
        #expect(edge.p50 == 7.5)
    }

    @Test func `who was refused is counted over all, whatever the window`() throws {
        var stats = EdgeStats()
        var counters = self.counters(9)
        counters.reasons = ["denied": 3, "unauthenticated": 1, "plaintext_refused": 1, "no_endpoints": 2]
        stats.record([(self.key, counters)], from: "a", second: 100)
        #expect(try #require(stats.report(window: 10, second: 500, at: 0).edges.first).totalRefused == 5)
    }

    @Test func `what a proxy counted before we listened is no rate`() throws {
        var stats = EdgeStats()
        stats.record([(self.key, self.counters(1_000_000))], from: "a", second: 100)
        let edge = try #require(stats.report(window: 10, second: 102, at: 0).edges.first)
        #expect(edge.requests == 0)
        #expect(edge.successRatio == nil)
        #expect(edge.p99 == nil)
    }

    @Test func `what a proxy counts after a first report without traffic is a rate`() throws {
        var stats = EdgeStats()
        stats.record([], from: "a", second: 100)
        stats.record([(self.key, self.counters(8))], from: "a", second: 102)
        #expect(stats.report(window: 4, second: 104, at: 0).edges.map(\.requests) == [8])
    }

    @Test func `counters that fall mean a restarted proxy, whose new counts all count`() throws {
        var stats = EdgeStats()
        stats.record([(self.key, self.counters(100))], from: "a", second: 100)
        stats.record([(self.key, self.counters(5))], from: "a", second: 102)
        let edge = try #require(stats.report(window: 10, second: 104, at: 0).edges.first)
        #expect(edge.requests == 5)
        #expect(edge.totalRequests == 105)
    }

    @Test func `the proxies of one service add up to one edge`() throws {
        var stats = EdgeStats()
        for proxy in ["a", "b"] {
            stats.record([(self.key, self.counters(0))], from: proxy, second: 100)
            stats.record([(self.key, self.counters(20))], from: proxy, second: 102)
        }
        let report = stats.report(window: 10, second: 104, at: 0)
        #expect(report.edges.map(\.requests) == [40])
    }

    @Test func `edges beyond the limit are counted together`() {
        var stats = EdgeStats(maxEdges: 2)
        for number in 0..<5 {
            var key = self.key
            key.route = "route-\(number)"
            stats.record([(key, self.counters(1))], from: "a", second: 100)
        }
        let report = stats.report(window: 10, second: 104, at: 0)
        #expect(report.edges.count == 3)
        #expect(report.edges.contains { $0.source == "overflow" })
    }

    @Test(arguments: [(0.5, 7.5), (1.0, 10), (0.1, 5.5)])
    func `percentiles are interpolated within their bucket`(share: Double, expected: Double) throws {
        var buckets = [UInt64](repeating: 0, count: EdgeStats.bounds.count + 1)
        buckets[3] = 10
        let value = try #require(EdgeStats.percentile(share, of: buckets))
        #expect(abs(value - expected) < 0.000_1)
    }

    @Test func `what is slower than every bound counts as the last bound`() {
        var buckets = [UInt64](repeating: 0, count: EdgeStats.bounds.count + 1)
        buckets[EdgeStats.bounds.count] = 3
        #expect(EdgeStats.percentile(0.99, of: buckets) == 10000)
        #expect(EdgeStats.percentile(0.99, of: []) == nil)
    }
}
