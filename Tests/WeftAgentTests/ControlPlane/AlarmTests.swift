import Testing

@testable import WeftAgent

@Suite struct AlarmTests {
    @Test func `a ring ends the wait, and one that came before it too`() async throws {
        let alarm = Alarm()
        alarm.ring()
        try await alarm.wait(.seconds(3600))
        async let waiting: Void = alarm.wait(.seconds(3600))
        alarm.ring()
        try await waiting
    }

    @Test func `the time ends the wait`() async throws { try await Alarm().wait(.milliseconds(1)) }

    @Test func `cancelling ends the wait, and not the alarm`() async throws {
        let alarm = Alarm()
        let waiting = Task { try await alarm.wait(.seconds(3600)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        async let again: Void = alarm.wait(.seconds(3600))
        alarm.ring()
        try await again
    }
}
