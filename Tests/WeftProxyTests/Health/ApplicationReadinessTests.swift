import Testing

@testable import WeftProxy

@Suite struct ApplicationReadinessTests {
    @Test func `the first success counts at once, one failure does not`() {
        var readiness = ApplicationReadiness(unhealthyAfter: 2)
        #expect(readiness.probed(failure: nil) == .ready)
        #expect(readiness.probed(failure: "503") == nil)
        #expect(readiness.probed(failure: "503") == .notReady("503"))
        #expect(readiness.probed(failure: nil) == .ready)
    }

    @Test func `an application that has never answered is not ready, and its cause is kept up to date`() {
        var readiness = ApplicationReadiness(unhealthyAfter: 2)
        #expect(readiness.probed(failure: "refused") == .notReady("refused"))
        #expect(readiness.probed(failure: "refused") == nil)
        #expect(readiness.probed(failure: "503") == .notReady("503"))
    }
}
