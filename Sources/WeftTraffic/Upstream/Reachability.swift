/// Keeps requests away from an endpoint that takes no connections, without waiting for the registry to notice.
///
/// After a connect failure the endpoint is avoided for 1 s, doubling to 60 s with each further one; then one request
/// at a time tries it. An answer of any kind clears it.
struct Reachability {
    private var failures = 0
    private(set) var avoidUntil = MonotonicInstant(nanoseconds: .min)

    var isSuspect: Bool { self.failures > 0 }

    mutating func connectFailed(now: MonotonicInstant) {
        // Failures of attempts made before the first one was known are the same news.
        if now < self.avoidUntil { return }
        self.failures = min(self.failures + 1, 7)
        self.avoidUntil = now.advanced(byNanoseconds: min(60, 1 << (self.failures - 1)) * 1_000_000_000)
    }

    mutating func answered() { self.failures = 0 }
}
