import Testing

@testable import WeftControlPlane

@Suite struct DebounceTests {
    private let start = ContinuousClock.now

    @Test func `endpoints do not wait`() {
        var debounce = Debounce()
        #expect(debounce.wait(now: self.start) == nil)
        debounce.changed(.endpoints, now: self.start)
        #expect(debounce.wait(now: self.start) == .zero)
        do {
            let taken = debounce.take(now: self.start)
            #expect(taken == [.endpoints])
        }
        #expect(debounce.wait(now: self.start) == nil)
    }

    @Test func `configuration waits until it has been quiet`() {
        var debounce = Debounce()
        debounce.changed(.policy, now: self.start)
        debounce.changed(.policy, now: self.start + .milliseconds(60))
        #expect(debounce.wait(now: self.start + .milliseconds(100)) == .milliseconds(60))
        do {
            let taken = debounce.take(now: self.start + .milliseconds(100))
            #expect(taken.isEmpty)
        }
        do {
            let taken = debounce.take(now: self.start + .milliseconds(160))
            #expect(taken == [.policy])
        }
    }

    @Test func `configuration that is never quiet waits one second`() {
        var debounce = Debounce()
        for step in 0..<20 { debounce.changed(.policy, now: self.start + .milliseconds(50 * step)) }
        #expect(debounce.wait(now: self.start + .milliseconds(950)) == .milliseconds(50))
        do {
            let taken = debounce.take(now: self.start + .seconds(1))
            #expect(taken == [.policy])
        }
    }

    @Test func `endpoints do not hurry configuration`() {
        var debounce = Debounce()
        debounce.changed(.policy, now: self.start)
        debounce.changed(.endpoints, now: self.start)
        do {
            let taken = debounce.take(now: self.start)
            #expect(taken == [.endpoints])
        }
        #expect(debounce.wait(now: self.start) == .milliseconds(100))
    }
}
