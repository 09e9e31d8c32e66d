/// The median latency of one route, of the last 10 to 20 s; within an eighth of the truth.
///
/// Counted in buckets of an eighth of an octave-like width (three bits below the leading one), in two halves of 10 s.
final class LatencyMedian {
    private static let halfNanoseconds: Int64 = 10_000_000_000
    /// Fewer answers than this say nothing.
    static let needed = 20

    private var fresh: [UInt32] = Array(repeating: 0, count: 40 * 8)
    private var old: [UInt32] = Array(repeating: 0, count: 40 * 8)
    private var half: Int64 = 0
    private var cached: (value: Int64?, until: Int64) = (nil, .min)
    private var cachedPercentile: (percentile: Double, value: Int64?, until: Int64) = (0, nil, .min)

    func observe(_ nanoseconds: Int64, now: MonotonicInstant) {
        self.turn(now)
        self.fresh[Self.bucket(of: nanoseconds)] &+= 1
    }

    /// In nanoseconds; nil while too little is known. Computed at most every 100 ms.
    func value(now: MonotonicInstant) -> Int64? {
        if now.nanoseconds < self.cached.until { return self.cached.value }
        self.turn(now)
        self.cached = (self.compute(share: 0.5), now.nanoseconds + 100_000_000)
        return self.cached.value
    }

    /// The latency that this share of the answers (in hundredths) did not exceed, in nanoseconds; nil while too little is
    /// known. Computed at most every 100 ms.
    func value(percentile: Double, now: MonotonicInstant) -> Int64? {
        if now.nanoseconds < self.cachedPercentile.until, self.cachedPercentile.percentile == percentile {
            return self.cachedPercentile.value
        }
        self.turn(now)
        self.cachedPercentile = (percentile, self.compute(share: percentile / 100), now.nanoseconds + 100_000_000)
        return self.cachedPercentile.value
    }

    private func compute(share: Double) -> Int64? {
        var total: UInt64 = 0
        for index in self.fresh.indices { total += UInt64(self.fresh[index]) + UInt64(self.old[index]) }
        guard total >= UInt64(Self.needed) else { return nil }
        var seen: UInt64 = 0
        for index in self.fresh.indices {
            seen += UInt64(self.fresh[index]) + UInt64(self.old[index])
            if Double(seen) >= Double(total) * share { return Self.lowerBound(of: index) }
        }
        return nil
    }

    private func turn(_ now: MonotonicInstant) {
        let half = now.nanoseconds / Self.halfNanoseconds
        guard half != self.half else { return }
        if half == self.half + 1 { swap(&self.fresh, &self.old) } else { self.clear(&self.old) }
        self.clear(&self.fresh)
        self.half = half
        self.cached.until = .min
        self.cachedPercentile.until = .min
    }

    private func clear(_ buckets: inout [UInt32]) { for index in buckets.indices { buckets[index] = 0 } }

    static func bucket(of nanoseconds: Int64) -> Int {
        let value = UInt64(max(8, nanoseconds))
        let exponent = 63 - value.leadingZeroBitCount
        return min(40 * 8 - 1, (exponent - 3) * 8 + Int((value >> UInt64(exponent - 3)) & 7))
    }

    static func lowerBound(of bucket: Int) -> Int64 { Int64(8 + bucket % 8) << Int64(bucket / 8) }
}
