import Testing

@testable import WeftProxy

@Suite struct DrainSequenceTests {
    private func seen(
        _ elapsed: Duration, requests: Int = 0, streams: Int = 0, calls: Int = 0, know: Bool = false,
        exited: Bool = true
    )
        -> DrainSequence.Observation
    {
        .init(
            elapsed: elapsed, inboundRequests: requests + streams, inboundStreams: streams, outboundRequests: calls,
            dependentsKnow: know,
            applicationExited: exited)
    }

    @Test func `dependents get two seconds to hear of it, or as long as they need`() {
        var slow = DrainSequence(DrainSettings())
        #expect(slow.next(self.seen(.milliseconds(1900), requests: 1)) == .wait)
        #expect(slow.next(self.seen(.seconds(2), requests: 1)) == .drainInbound)
        var quick = DrainSequence(DrainSettings())
        #expect(quick.next(self.seen(.milliseconds(50), know: true)) == .drainInbound)
    }

    @Test func `requests in flight end before outbound goes`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.zero, requests: 1, know: true))
        #expect(sequence.next(self.seen(.seconds(20), requests: 1)) == .wait)
        #expect(sequence.next(self.seen(.seconds(21), requests: 0)) == .drainOutbound)
        #expect(sequence.next(self.seen(.seconds(22), requests: 0)) == .close)
    }

    @Test func `outbound stays until the application has exited`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.zero, know: true))
        #expect(sequence.next(self.seen(.seconds(1), exited: false)) == .wait)
        #expect(sequence.next(self.seen(.seconds(9), exited: true)) == .drainOutbound)
    }

    @Test func `an application that lives on gets the answers it waits for, within 30 seconds`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.zero, calls: 2, know: true))
        #expect(sequence.next(self.seen(.seconds(1), calls: 2)) == .drainOutbound)
        #expect(sequence.next(self.seen(.seconds(20), calls: 2)) == .wait)
        var patient = sequence
        #expect(sequence.next(self.seen(.seconds(21), calls: 0)) == .close)
        #expect(patient.next(self.seen(.seconds(30), calls: 2)) == .wait)
        #expect(patient.next(self.seen(.seconds(31), calls: 2)) == .close)
    }

    @Test func `requests are waited for 30 seconds from when their connections were told`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.seconds(2), requests: 3))
        #expect(sequence.next(self.seen(.milliseconds(31_900), requests: 3)) == .wait)
        #expect(sequence.next(self.seen(.seconds(32), requests: 3)) == .drainOutbound)
    }

    @Test func `streams are waited for 120 seconds, and what else goes on has as long`() {
        var sequence = DrainSequence(DrainSettings())
        _ = sequence.next(self.seen(.seconds(2), requests: 2, streams: 3))
        #expect(sequence.next(self.seen(.milliseconds(121_900), requests: 2, streams: 3)) == .wait)
        #expect(sequence.next(self.seen(.seconds(122), requests: 2, streams: 3)) == .drainOutbound)
        var ended = DrainSequence(DrainSettings())
        _ = ended.next(self.seen(.seconds(2), requests: 2, streams: 3))
        #expect(ended.next(self.seen(.seconds(60), requests: 2, streams: 0)) == .drainOutbound)
    }

    @Test func `the times are those that were set`() {
        var settings = DrainSettings()
        settings.requests = .seconds(5)
        settings.streams = .seconds(3)
        var sequence = DrainSequence(settings)
        _ = sequence.next(self.seen(.zero, streams: 1, know: true))
        #expect(sequence.next(self.seen(.seconds(2), requests: 1, streams: 1)) == .wait)
        #expect(sequence.next(self.seen(.seconds(4), requests: 1, streams: 1)) == .wait)
        #expect(sequence.next(self.seen(.seconds(4), streams: 1)) == .drainOutbound)
    }
}
