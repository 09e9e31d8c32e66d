import Testing

@testable import WeftProxy

@Suite struct TimerWheelTests {
    private static let tick: Int64 = 1 << 20
    private static let second: Int64 = 1_000_000_000

    @Test(arguments: [0, 1, 63, 64, 65, 4095, 4096, 1 << 18, 1 << 24, (1 << 24) - 1, 1 << 30] as [Int64])
    func `a timer fires within one tick of its time and never before`(ticks: Int64) {
        let start: Int64 = 12_345 * Self.tick + 77
        var wheel = TimerWheel(now: start)
        let due = start + ticks * Self.tick
        _ = wheel.set(7, at: due)
        if ticks > 0 { #expect(wheel.popDue(now: due - 1) == nil) }
        #expect(wheel.popDue(now: due + Self.tick) == 7)
        #expect(wheel.popDue(now: due + Self.tick) == nil)
        #expect(wheel.count == 0)
        #expect(wheel.nextCheck == nil)
    }

    @Test func `a cancelled timer does not fire and its place is used again`() {
        var wheel = TimerWheel(now: 0)
        let first = wheel.set(1, at: Self.second)
        wheel.cancel(first)
        #expect(wheel.nextCheck == nil)
        let second = wheel.set(2, at: Self.second)
        #expect(second == first)
        #expect(wheel.popDue(now: 2 * Self.second) == 2)
    }

    @Test func `the next check is never later than the first timer`() throws {
        var wheel = TimerWheel(now: 5 * Self.second)
        _ = wheel.set(1, at: 300 * Self.second)
        _ = wheel.set(2, at: 20 * Self.second)
        #expect(try #require(wheel.nextCheck) <= 20 * Self.second + Self.tick)
    }

    @Test func `following the next check alone fires everything in order`() throws {
        var random = SplitMix(state: 42)
        var now: Int64 = 1 << 44
        var wheel = TimerWheel(now: now)
        var dues: [Int64] = []
        for token in 0..<2000 {
            let due = now + Int64(random.next() % 400_000_000_000)
            dues.append(due)
            _ = wheel.set(UInt32(token), at: due)
        }
        var fired = 0
        var wakeUps = 0
        while let next = wheel.nextCheck {
            now = max(now, next)
            wakeUps += 1
            while let token = wheel.popDue(now: now) {
                let due = dues[Int(token)]
                #expect(due <= now && now - due <= Self.tick)
                fired += 1
            }
        }
        #expect(fired == 2000)
        #expect(wakeUps < 3 * 2000)
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = self.state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            return mixed ^ (mixed >> 31)
        }
    }
}
