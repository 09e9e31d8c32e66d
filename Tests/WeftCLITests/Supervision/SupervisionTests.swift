import Testing

@testable import WeftCLI

@Suite struct SupervisionTests {
    @Test func `waits double up to ten seconds, and begin anew after a good run`() {
        var schedule = RestartSchedule()
        let waits = (0..<8).map { _ in schedule.delay(afterRunning: .zero) }
        #expect(waits.prefix(3) == [.milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(waits.last == .seconds(10))
        #expect(schedule.delay(afterRunning: .seconds(30)) == .milliseconds(200))
    }

    @Test func `a process is read from its stat line whatever its name`() {
        let rest = (0..<14).map { "\($0)" }.joined(separator: " ")
        let stat = ProcessStat("42 (we) ft) S 1 40 40 0 \(rest) 9000 1 2")
        #expect(stat?.pid == 42 && stat?.group == 40 && stat?.state == "S" && stat?.startTime == 9000)
        #expect(ProcessStat("nonsense") == nil)
    }

    @Test func `a number that was given to another process is not the one written down`() throws {
        let own = try #require(ProcessMark(of: 1))
        #expect(own.isAlive)
        #expect(!ProcessMark(pid: own.pid, startTime: own.startTime + 1).isAlive)
    }
}
