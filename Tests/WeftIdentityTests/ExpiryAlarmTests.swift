import Foundation
import Testing
import WeftIdentity

@Suite struct ExpiryAlarmTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// Every notice of a life during which nobody renews, asked for as a driver would, and an hour beyond.
    private func notices(life: TimeInterval) -> [(at: TimeInterval, notice: ExpiryAlarm.Notice)] {
        var alarm = ExpiryAlarm(notBefore: Self.start, notAfter: Self.start.addingTimeInterval(life))
        let pause = Double(alarm.interval.components.seconds)
        return stride(from: 0, through: life + 3600, by: max(1, pause)).compactMap { time in
            alarm.notice(now: Self.start.addingTimeInterval(time)).map { (time, $0) }
        }
    }

    @Test func `a day's certificate that is not renewed is told of at 30 %, each 5 % on, and when it is over`() {
        let told = self.notices(life: 86_400)
        #expect(told.map(\.notice.percentLeft).prefix(7) == [30, 25, 20, 15, 10, 5, 0])
        #expect(told.map(\.notice.level).prefix(4).allSatisfy { $0 == .warning })
        #expect(told.map(\.notice.level)[4...5].allSatisfy { $0 == .error })
        #expect(told[6].notice.level == .expired && told[6].notice.left <= .zero)
        #expect(told[0].at == 60_480)
        // Then every ten minutes of the hour.
        #expect(told.count == 7 + 6)
    }

    @Test func `of a short life nothing is said twice within ten minutes, but for what is worse`() {
        let told = self.notices(life: 600).filter { $0.at <= 600 }
        #expect(told.map(\.notice.level) == [.warning, .error, .expired])
    }

    @Test func `a certificate that is renewed in time is never told of`() {
        var alarm = ExpiryAlarm(notBefore: Self.start, notAfter: Self.start.addingTimeInterval(86_400))
        #expect(alarm.notice(now: Self.start.addingTimeInterval(0.69 * 86_400)) == nil)
    }

    @Test func `a clock that is set back neither repeats nor silences`() {
        var alarm = ExpiryAlarm(notBefore: Self.start, notAfter: Self.start.addingTimeInterval(86_400))
        #expect(alarm.notice(now: Self.start.addingTimeInterval(0.8 * 86_400))?.percentLeft == 20)
        #expect(alarm.notice(now: Self.start) == nil)
        #expect(alarm.notice(now: Self.start.addingTimeInterval(0.8 * 86_400)) == nil)
        #expect(alarm.notice(now: Self.start.addingTimeInterval(0.95 * 86_400))?.level == .error)
    }

    @Test func `a life that is over before it begins has nothing left`() {
        let before = Self.start.addingTimeInterval(-1)
        #expect(ExpiryAlarm.share(notBefore: Self.start, notAfter: before, now: Self.start) == 0)
        var alarm = ExpiryAlarm(notBefore: Self.start, notAfter: before)
        #expect(alarm.notice(now: Self.start)?.level == .expired)
        #expect(alarm.interval > .zero)
    }
}
