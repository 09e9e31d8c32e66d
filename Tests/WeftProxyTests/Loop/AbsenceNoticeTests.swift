import Testing

@testable import WeftProxy

@Suite struct AbsenceNoticeTests {
    @Test func `an absence is told at once, then ever more rarely, and its end once`() {
        var notice = AbsenceNotice()
        let start = ContinuousClock.now
        let told = (0..<7200).filter { notice.failed(now: start + .seconds($0)) }
        #expect(told == [0, 60, 360, 1260, 4860])
        let away = notice.returned(now: start + .seconds(7200))
        #expect(away == .seconds(7200))
        let again = notice.returned(now: start + .seconds(7201))
        #expect(again == nil)
        let isToldAnew = notice.failed(now: start + .seconds(7202))
        #expect(isToldAnew)
    }

    @Test func `an absence ends when the stream is open, however late the first answer comes`() {
        var notice = AbsenceNotice()
        let start = ContinuousClock.now
        _ = notice.failed(now: start)
        notice.opened(now: start + .seconds(3))
        // That one broke before anything was said.
        _ = notice.failed(now: start + .seconds(4))
        notice.opened(now: start + .seconds(5))
        let away = notice.returned(now: start + .seconds(55))
        #expect(away == .seconds(5))
        notice.opened(now: start + .seconds(60))
        let none = notice.returned(now: start + .seconds(61))
        #expect(none == nil)
    }
}
