import Testing

@testable import WeftProxy

@Suite struct NoteLimiterTests {
    @Test func `a burst is said, then one note a second, which tells how many went unsaid`() {
        var limiter = NoteLimiter()
        let said = (0..<100).filter { _ in limiter.admit(now: 5_000_000_000) != nil }
        #expect(said.count == 20)
        #expect(limiter.admit(now: 5_900_000_000) == nil)
        #expect(limiter.admit(now: 6_000_000_000) == 81)
        #expect(limiter.admit(now: 6_500_000_000) == nil)
        #expect(limiter.admit(now: 106_000_000_000) == 1)
    }
}
