import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct AttemptThrottleTests {
    private func throttle(sources: Int = 8, totalBurst: Double = 100) -> AttemptThrottle {
        var limits = AttemptThrottle.Limits(
            rate: 1, burst: 5, totalRate: 10, totalBurst: totalBurst, failureCost: 2)
        limits.sources = sources
        return AttemptThrottle(limits)
    }

    @Test func `a burst passes, then one for each second`() {
        var throttle = self.throttle()
        for _ in 0..<5 { #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) == .admit) }
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) == .refuse(retryAfterMillis: 1000, scope: .source))
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 999) != .admit)
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 1000) == .admit)
        #expect(throttle.attempt(from: [10, 0, 0, 2], now: 0) == .admit)
    }

    @Test func `a failed attempt costs more than a good one, and the debt has an end`() {
        var throttle = self.throttle()
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) == .admit)
        throttle.failed([10, 0, 0, 1], now: 0)
        throttle.failed([10, 0, 0, 1], now: 0)
        #expect(throttle.isExhausted([10, 0, 0, 1], now: 0))
        for _ in 0..<100 { throttle.failed([10, 0, 0, 1], now: 0) }
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) == .refuse(retryAfterMillis: 6000, scope: .source))
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 6000) == .admit)
    }

    @Test func `all together have a limit, and who is refused for it has lost nothing of its own`() {
        var throttle = self.throttle(totalBurst: 2)
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) == .admit)
        #expect(throttle.attempt(from: [10, 0, 0, 2], now: 0) == .admit)
        #expect(throttle.attempt(from: [10, 0, 0, 3], now: 0) == .refuse(retryAfterMillis: 100, scope: .everyone))
        for second in 1...5 {
            #expect(throttle.attempt(from: [10, 0, 0, 3], now: Int64(second) * 100) == .admit)
        }
    }

    @Test func `the table is bounded, those beyond share, and quiet sources are forgotten`() {
        var throttle = self.throttle(sources: 4, totalBurst: 100_000)
        for last in 0..<200 { _ = throttle.attempt(from: [10, 0, 1, UInt8(last)], now: 0) }
        #expect(throttle.count == 4)
        #expect(throttle.attempt(from: [10, 0, 2, 1], now: 0) == .refuse(retryAfterMillis: 1000, scope: .source))
        #expect(throttle.attempt(from: [10, 0, 2, 1], now: 60_000) == .admit)
        #expect(throttle.count == 1)
    }

    @Test func `an IPv6 source is its network of 64 bits, and mapped IPv4 is IPv4`() {
        var throttle = self.throttle()
        func six(_ last: UInt8) -> [UInt8] { [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [last] }
        for last in 0..<5 { #expect(throttle.attempt(from: six(UInt8(last)), now: 0) == .admit) }
        #expect(throttle.attempt(from: six(99), now: 0) != .admit)
        let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 10, 0, 0, 1]
        for _ in 0..<5 { #expect(throttle.attempt(from: mapped, now: 0) == .admit) }
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) != .admit)
    }

    @Test func `a clock that is set back gives nothing and takes nothing for ever`() {
        var throttle = self.throttle()
        for _ in 0..<5 { _ = throttle.attempt(from: [10, 0, 0, 1], now: 100_000) }
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 0) != .admit)
        #expect(throttle.attempt(from: [10, 0, 0, 1], now: 1000) == .admit)
    }
}

@Suite struct FailureLedgerTests {
    @Test func `the first failure is told at once, repeats as one line when the window is over`() {
        var ledger = FailureLedger(windowMillis: 1000, limit: 2)
        let key = FailureLedger.Key(source: "10.0.0.1", cause: "wrong")
        #expect(ledger.failed(key, now: 0) == FailureLedger.Line(key: key, count: 1))
        for _ in 0..<50 { #expect(ledger.failed(key, now: 10) == nil) }
        #expect(ledger.sweep(now: 999).isEmpty)
        #expect(ledger.sweep(now: 1000) == [FailureLedger.Line(key: key, count: 50)])
        #expect(ledger.failed(key, now: 1001)?.count == 1)
    }

    @Test func `sources beyond the limit are one crowd`() {
        var ledger = FailureLedger(windowMillis: 1000, limit: 2)
        for number in 0..<10 {
            _ = ledger.failed(FailureLedger.Key(source: "\(number)", cause: "wrong"), now: 0)
        }
        #expect(ledger.sweep(now: 1).map(\.count) == [8])
    }
}

@Suite struct SourceAddressTests {
    @Test(arguments: [
        ("ipv4:10.0.0.1:4123", "10.0.0.1", 4), ("ipv6:[2001:db8::1]:443", "2001:db8::1", 16),
        ("10.0.0.1", "10.0.0.1", 4),
        ("::1", "::1", 16), ("<unknown>", "local", 0), ("", "local", 0), ("unix:/x", "local", 0),
    ])
    func `a peer's name gives its address`(text: String, description: String, bytes: Int) {
        let source = SourceAddress(text)
        #expect(source.description == description)
        #expect(source.bytes.count == bytes)
    }
}
