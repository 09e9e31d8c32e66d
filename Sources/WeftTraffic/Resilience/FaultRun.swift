package import WeftModel

/// What a fault does to requests that really happens; for metrics and logs.
package enum FaultEvent: String, Hashable, Sendable {
    case delay
    case abort
    /// Its guard has ended it.
    case ended
}

/// One fault under way in one event loop: whom it hits, and whether it goes on.
///
/// Counts what it saw and hit, so that no more than `maxPercent` of the requests are hit whatever chance says. Its guard
/// looks at what this loop got from the destination, and once it has ended the fault only another policy begins one.
package struct FaultRun: Sendable {
    /// Beyond this many requests the oldest count for less.
    private static let horizon = 10_000

    private var seen = 0
    private var hit = 0
    package private(set) var hasEnded = false

    package init() {}

    /// What befalls a request.
    package struct Hit: Hashable, Sendable {
        /// Nanoseconds; zero is none.
        package var delay: Int64 = 0
        package var abort: FaultPolicy.Abort.Status?
    }

    /// Decides about one request; nil spares it. `unixSeconds` is the wall clock, `success` the destination's rate in
    /// hundredths and of how many answers.
    package mutating func decide(
        _ fault: FaultPolicy, unixSeconds: Int64, success: (value: Double, of: Int),
        random: inout some RandomNumberGenerator
    ) -> Hit? {
        if self.hasEnded || unixSeconds >= fault.until { return nil }
        if let guardrail = fault.guardrail, success.of >= guardrail.minRequests,
            success.value < guardrail.successPercent
        {
            self.hasEnded = true
            return nil
        }
        self.seen += 1
        if self.seen > Self.horizon {
            self.seen /= 2
            self.hit /= 2
        }
        var result = Hit()
        if let delay = fault.delay, Self.chance(delay.percent, &random) {
            result.delay = max(0, delay.duration.wholeNanoseconds)
        }
        if let abort = fault.abort, Self.chance(abort.percent, &random) { result.abort = abort.status }
        guard result.delay > 0 || result.abort != nil,
            Double(self.hit + 1) * 100 <= Double(self.seen) * fault.maxPercent
        else { return nil }
        self.hit += 1
        return result
    }

    private static func chance(_ percent: Double, _ random: inout some RandomNumberGenerator) -> Bool {
        Double(random.next() >> 11) * 0x1p-53 * 100 < percent
    }
}
