import Testing

@testable import WeftCLI

@Suite struct TourArithmeticTests {
    @Test(arguments: [(100, true), (62, false), (63, true), (137, true), (138, false)])
    func `a tenth of a thousand may be off by four deviations`(observed: Int, holds: Bool) {
        #expect(ShareCheck(observed: observed, of: 1000, share: 0.1).holds == holds)
    }

    @Test func `nothing counted proves nothing`() {
        #expect(!ShareCheck(observed: 0, of: 0, share: 0).holds)
    }

    @Test func `all or nothing allows one stray`() {
        #expect(ShareCheck(observed: 99, of: 100, share: 1).holds)
        #expect(!ShareCheck(observed: 98, of: 100, share: 1).holds)
    }

    @Test func `latencies are summed up by nearest rank`() {
        let summary = LatencySummary((1...100).map(Double.init))
        #expect(summary.p50 == 50 && summary.p99 == 99 && summary.max == 100)
        #expect(LatencySummary([]).p50 == nil)
    }

    @Test func `a step holds when it claims something and all of it is so`() {
        var outcome = StepOutcome()
        #expect(!outcome.holds)
        outcome.claim("one", true)
        #expect(outcome.holds)
        outcome.claim("two", false)
        #expect(!outcome.holds)
    }
}
