import Testing
import WeftModel

@testable import WeftControlPlane

@Suite struct TokenKeyScheduleTests {
    private let start = ContinuousClock.now
    private let url = TokenKeys.url("https://id.example/keys")
    private let file = TokenKeys.file("/keys.json")

    @Test func `what is new is due at once, and what nobody names is forgotten`() {
        var schedule = TokenKeySchedule()
        #expect(schedule.wait(now: self.start) == nil)
        schedule.follow([self.url, self.file], now: self.start)
        #expect(Set(schedule.due(now: self.start)) == [self.url, self.file])
        schedule.follow([self.file], now: self.start)
        #expect(schedule.due(now: self.start) == [self.file])
    }

    @Test func `an address is asked again after five minutes, give or take a tenth`() throws {
        var schedule = TokenKeySchedule()
        var random = SystemRandomNumberGenerator()
        schedule.follow([self.url], now: self.start)
        schedule.finished(self.url, succeeded: true, now: self.start, random: &random)
        let wait = try #require(schedule.wait(now: self.start))
        #expect((.seconds(270)...(.seconds(330))).contains(wait))
        schedule.follow([self.url], now: self.start)
        #expect(schedule.wait(now: self.start) == wait)
    }

    @Test func `failures wait longer and longer, as long as successes at most`() throws {
        var schedule = TokenKeySchedule()
        var random = SystemRandomNumberGenerator()
        schedule.follow([self.url], now: self.start)
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            schedule.finished(self.url, succeeded: false, now: self.start, random: &random)
            let wait = try #require(schedule.wait(now: self.start))
            #expect((.milliseconds(expected * 899)...(.milliseconds(expected * 1101))).contains(wait))
        }
        schedule.finished(self.url, succeeded: true, now: self.start, random: &random)
        schedule.finished(self.url, succeeded: false, now: self.start, random: &random)
        #expect(try #require(schedule.wait(now: self.start)) < .seconds(2))
    }

    @Test func `files are looked at every few seconds, there or not`() throws {
        var schedule = TokenKeySchedule()
        var random = SystemRandomNumberGenerator()
        schedule.follow([self.file], now: self.start)
        for succeeded in [true, false, false, false] {
            schedule.finished(self.file, succeeded: succeeded, now: self.start, random: &random)
            #expect(try #require(schedule.wait(now: self.start)) < .seconds(6))
        }
    }
}
