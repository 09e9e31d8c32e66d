package import WeftModel

/// Refuses a share of requests to a service while too many of them fail, so that it can recover.
///
/// With `n` requests in the window of which `s` succeeded, a request is refused with the probability
/// ((n − s / successRate) / (n + 1)) ^ (1 / aggression), at most `maxRejection`. What was refused is not counted.
/// Source: Envoy's admission control filter.
package struct AdmissionControl: Sendable {
    private static let bucketCount = 30

    package let policy: AdmissionPolicy
    private var counts: [(requests: Int, successes: Int)]
    private var requests = 0
    private var successes = 0
    private var current: Int64 = 0
    private let bucketNanoseconds: Int64
    /// This loop's part of the rate below which nothing is refused, over the window.
    private let enough: Double

    package init(_ policy: AdmissionPolicy, loops: Int = 1) {
        self.policy = policy
        let window = max(1_000_000_000, min(policy.window.wholeNanoseconds, 3_600_000_000_000))
        self.bucketNanoseconds = window / Int64(Self.bucketCount)
        self.counts = Array(repeating: (0, 0), count: Self.bucketCount)
        self.enough = Double(max(0, policy.minRequestsPerSecond)) * Double(window) / 1e9 / Double(max(1, loops))
    }

    /// The probability with which a request is refused now; 0–`maxRejection`.
    package mutating func rejection(now: MonotonicInstant) -> Double {
        self.advance(to: now)
        guard self.requests > 0, Double(self.requests) >= self.enough else { return 0 }
        let allowed = Double(self.successes) / max(0.01, self.policy.successRate)
        let excess = (Double(self.requests) - allowed) / (Double(self.requests) + 1)
        guard excess > 0 else { return 0 }
        let sharpened =
            self.policy.aggression == 1 ? excess : Arithmetic.power(excess, 1 / max(1, self.policy.aggression))
        return min(self.policy.maxRejection, sharpened)
    }

    /// Whether a request may go on.
    package mutating func admit(random: inout some RandomNumberGenerator, now: MonotonicInstant) -> Bool {
        let rejection = self.rejection(now: now)
        return rejection <= 0 || Double(random.next() >> 11) * 0x1p-53 >= rejection
    }

    /// An admitted request is over.
    package mutating func record(success: Bool, now: MonotonicInstant) {
        self.advance(to: now)
        let index = Int(self.current % Int64(Self.bucketCount))
        self.counts[index].requests += 1
        self.requests += 1
        guard success else { return }
        self.counts[index].successes += 1
        self.successes += 1
    }

    /// Whether an outcome counts as success: below 500; for gRPC what Envoy takes for one.
    package static func isSuccess(status: Int, grpcStatus: Int?) -> Bool {
        guard status < 500 else { return false }
        return switch grpcStatus {
        case 4, 8, 10, 13, 14, 15: false
        default: true
        }
    }

    private mutating func advance(to now: MonotonicInstant) {
        let bucket = max(0, now.nanoseconds) / self.bucketNanoseconds
        guard bucket > self.current else { return }
        for offset in 0..<min(bucket - self.current, Int64(Self.bucketCount)) {
            let index = Int((bucket - offset) % Int64(Self.bucketCount))
            self.requests -= self.counts[index].requests
            self.successes -= self.counts[index].successes
            self.counts[index] = (0, 0)
        }
        self.current = bucket
    }
}
