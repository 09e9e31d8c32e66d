import Foundation
import Testing
import WeftIdentity

@Suite struct RenewalScheduleTests {
    let start = Forge.now
    let end = Forge.now.addingTimeInterval(1000)

    func at(_ seconds: Double) -> Date { self.start.addingTimeInterval(seconds) }

    @Test func `a certificate is renewed between half and seven tenths of its life`() {
        for seed in 0..<200 {
            var random = SeededRandom(UInt64(seed))
            let schedule = RenewalSchedule(notBefore: self.start, notAfter: self.end, random: &random)
            #expect(schedule.step(now: self.at(499)) != .renew)
            #expect(schedule.step(now: self.at(701)) == .renew)
        }
    }

    @Test func `in the last tenth it is renewed at once`() {
        var random = SeededRandom(1)
        let schedule = RenewalSchedule(notBefore: self.start, notAfter: self.end, random: &random)
        #expect(schedule.step(now: self.at(901)) == .renew)
        #expect(schedule.step(now: self.at(5000)) == .renew)
    }

    @Test func `the driver asks at least every minute, for clocks jump`() {
        var random = SeededRandom(1)
        let schedule = RenewalSchedule(notBefore: self.start, notAfter: self.end, random: &random)
        #expect(schedule.step(now: self.at(0)) == .wait(.seconds(60)))
        #expect(schedule.step(now: self.at(-100_000)) == .wait(.seconds(60)))
    }

    @Test func `failures wait longer each time, up to two and a half minutes, a fifth more or less`() {
        var random = SeededRandom(9)
        var schedule = RenewalSchedule(notBefore: self.start, notAfter: self.end, random: &random)
        var now = self.at(950)
        for base in [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150] {
            schedule.failed(now: now, random: &random)
            #expect(schedule.step(now: now.addingTimeInterval(base * 0.79)) != .renew)
            #expect(schedule.step(now: now.addingTimeInterval(base * 1.21)) == .renew)
            now = now.addingTimeInterval(base * 1.21)
        }
        #expect(schedule.failureCount == 12)
    }

    @Test func `a clock set back after a failure does not stop renewal`() {
        var random = SeededRandom(9)
        var schedule = RenewalSchedule(notBefore: self.start, notAfter: self.end, random: &random)
        schedule.failed(now: self.at(100_000), random: &random)
        #expect(schedule.step(now: self.at(800)) == .renew)
    }
}
