internal import WeftModel

/// Whether an endpoint has been taken out of balancing for its failures, and until when.
///
/// The first ejection lasts the base time, each further one twice as long, up to the maximum, with ±50 % of jitter. After
/// it exactly one request probes; its success brings the endpoint back. Each 10 s of service after that take back one
/// doubling.
struct Ejection {
    private static let forgiveness: Int64 = 10_000_000_000

    /// How often it has been ejected lately.
    private(set) var level = 0
    private(set) var isEjected = false
    /// When a probe is due; means nothing unless ejected.
    private(set) var until = MonotonicInstant(nanoseconds: .min)
    private var readmitted = MonotonicInstant(nanoseconds: .min)

    /// Takes it out. Returns for how long, in nanoseconds.
    mutating func eject(
        _ policy: OutlierPolicy, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) -> Int64 {
        if !self.isEjected, self.level > 0 {
            let served = max(0, now.nanoseconds - self.readmitted.nanoseconds)
            self.level -= Int(min(Int64(self.level), served / Self.forgiveness))
        }
        self.level = min(self.level + 1, 40)
        self.isEjected = true
        let base = Double(max(1, policy.baseEjection.wholeNanoseconds))
        let most = max(base, Double(policy.maxEjection.wholeNanoseconds))
        let doubled = min(most, base * Double(UInt64(1) << UInt64(self.level - 1)))
        let jitter = 0.5 + Double(random.next() >> 11) * 0x1p-53
        let span = Int64(doubled * jitter)
        self.until = now.advanced(byNanoseconds: span)
        return span
    }

    mutating func readmit(now: MonotonicInstant) {
        self.isEjected = false
        self.readmitted = now
    }
}
