/// What can be told of latencies that were counted in buckets.
package enum LatencyBuckets {
    /// Upper bounds in milliseconds, as the proxies have them.
    package static let bounds: [Double] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000]

    /// The latency below which `share` of the requests were, by linear interpolation within its bucket; nil without
    /// requests. What is slower than the last bound counts as that bound.
    package static func percentile(_ share: Double, of buckets: [UInt64]) -> Double? {
        let total = buckets.reduce(0, &+)
        guard total > 0 else { return nil }
        let rank = share * Double(total)
        var below = 0.0
        for (index, count) in buckets.enumerated() where count > 0 {
            let upTo = below + Double(count)
            if rank <= upTo {
                guard index < Self.bounds.count else { break }
                let lower = index == 0 ? 0 : Self.bounds[index - 1]
                return lower + (Self.bounds[index] - lower) * (rank - below) / Double(count)
            }
            below = upTo
        }
        return Self.bounds[Self.bounds.count - 1]
    }

    /// How many requests took at most `milliseconds`, by the same interpolation; exact for a bucket's bound.
    package static func count(within milliseconds: Double, of buckets: [UInt64]) -> Double {
        var within = 0.0
        var lower = 0.0
        for (bound, count) in zip(Self.bounds, buckets) {
            if milliseconds < bound {
                return within + Double(count) * max(0, milliseconds - lower) / (bound - lower)
            }
            within += Double(count)
            lower = bound
        }
        return within
    }
}
