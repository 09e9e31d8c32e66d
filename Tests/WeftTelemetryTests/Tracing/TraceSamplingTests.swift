import Testing

@testable import WeftTelemetry

@Suite struct TraceSamplingTests {
    @Test func `the share of draws that are sampled is the ratio`() {
        #expect(!TraceSampling(ratio: 0).samples(0))
        #expect(TraceSampling(ratio: 1).samples(.max))
        let percent = TraceSampling(ratio: 0.01)
        #expect(percent.samples(UInt64.max / 101) && !percent.samples(UInt64.max / 99))
        #expect(TraceSampling(ratio: 7).ratio == 1)
        #expect(TraceSampling(ratio: -1).ratio == 0)
    }

    @Test func `of an interval the slowest are kept, slowest first`() {
        var keeper = SlowestKeeper<Int>(capacity: 3, interval: 100)
        #expect(keeper.due == .max)
        // A permutation of 0..<101.
        for index in 0..<101 {
            let duration = index * 37 % 101
            if keeper.admits(Int64(duration)) { keeper.insert(duration, duration: Int64(duration), now: Int64(index)) }
        }
        #expect(keeper.due == 100)
        #expect(!keeper.admits(98) && keeper.admits(99))
        #expect(keeper.drain() == [100, 99, 98])
        #expect(keeper.due == .max && keeper.drain().isEmpty)
        #expect(keeper.admits(1))
    }

    @Test func `a keeper without room keeps none`() {
        var keeper = SlowestKeeper<Int>(capacity: 0)
        #expect(!keeper.admits(.max))
        keeper.insert(1, duration: 1, now: 0)
        #expect(keeper.drain().isEmpty)
    }
}
