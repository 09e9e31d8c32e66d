import Testing

@testable import WeftProxy

@Suite struct DrainSequenceTests {
    private func seen(
        _ elapsed: Duration, streams: Int = 0, know: Bool = false, exited: Bool = true
    )
        -> DrainSequence.Observation
    {
        .init(elapsed: elapsed, inboundStreams: streams, dependentsKnow: know, applicationExited: exited)
    }

    @Test func `dependents get two seconds to hear of it, or as long as they need`() {
        var slow = DrainSequence(DrainSettings())
        #expect(slow.next(self.seen(.milliseconds(1900), streams: 1)) == .wait)
        #expect(slow.next(self.seen(.seconds(2), streams: 1)) == .drainInbound)
        var quick = DrainSequence(DrainSettings())
        #expect(quick.next(self.seen(.milliseconds(50), know: true)) == .drainInbound)
    }

    @Test func `requests in flight end before outbound goes`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.zero, streams: 1, know: true))
        #expect(sequence.next(self.seen(.seconds(20), streams: 1)) == .wait)
        #expect(sequence.next(self.seen(.seconds(21), streams: 0)) == .drainOutbound)
        #expect(sequence.next(self.seen(.seconds(22), streams: 0)) == .close)
    }

    @Test func `outbound stays until the application has exited`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.zero, know: true))
        #expect(sequence.next(self.seen(.seconds(1), exited: false)) == .wait)
        #expect(sequence.next(self.seen(.seconds(9), exited: true)) == .drainOutbound)
    }

    @Test func `streams that never end are cut off after their time`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.seconds(2), streams: 3))
        #expect(sequence.next(self.seen(.seconds(121), streams: 3)) == .wait)
        #expect(sequence.next(self.seen(.seconds(122), streams: 3)) == .drainOutbound)
    }
}
