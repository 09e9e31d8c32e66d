package import WeftModel

/// How many requests an application gets at once, found by comparing its latency with what it is without load.
///
/// Every `updateInterval` the limit is multiplied by (minRTT + buffer) / latency, held between 0.5 and 2, and its own
/// square root is added as room to grow. From time to time, and at first, the limit is `minConcurrency` until
/// `minRTTRequests` have shown what latency is without load; what began before that tells of the load before. Source: Envoy's gradient controller.
package struct GradientLimit: Sendable {
    package let policy: ConcurrencyPolicy
    /// Requests at once, at most.
    package private(set) var limit: Int
    /// Requests under way.
    package private(set) var inFlight = 0
    /// Nanoseconds without load; zero before the first measurement.
    package private(set) var minRTT: Int64 = 0

    private var samples = LatencySamples()
    /// The limit to return to after a measurement; nil outside of one.
    private var deferredLimit: Int?
    /// When the last measurement began.
    private var epoch = MonotonicInstant(nanoseconds: .min)
    private var nextUpdate = MonotonicInstant.never
    private var nextMeasurement = MonotonicInstant.never
    private var updatesAtMinimum = 0

    package init(_ policy: ConcurrencyPolicy) {
        self.policy = policy
        self.limit = policy.minConcurrency
        self.deferredLimit = policy.minConcurrency
    }

    package var isMeasuring: Bool { self.deferredLimit != nil }

    /// Takes a place; false when there is none.
    package mutating func admit(random: inout some RandomNumberGenerator, now: MonotonicInstant) -> Bool {
        self.turn(random: &random, now: now)
        guard self.inFlight < self.limit else { return false }
        self.inFlight += 1
        return true
    }

    /// A request is over that was admitted at `start`; `latency` in nanoseconds, nil when it was cut short and says nothing.
    package mutating func finished(
        since start: MonotonicInstant, latency: Int64?, random: inout some RandomNumberGenerator, now: MonotonicInstant
    ) {
        self.inFlight -= 1
        if let latency, start >= self.epoch {
            self.samples.add(latency)
            if self.isMeasuring, self.samples.count >= self.policy.minRTTRequests {
                self.endMeasurement(random: &random, now: now)
            }
        }
        self.turn(random: &random, now: now)
    }

    // MARK: Steps

    private mutating func turn(random: inout some RandomNumberGenerator, now: MonotonicInstant) {
        guard !self.isMeasuring else { return }
        if now >= self.nextMeasurement { return self.beginMeasurement(now: now) }
        guard now >= self.nextUpdate else { return }
        self.nextUpdate = now + self.policy.updateInterval
        guard self.samples.count > 0 else { return }
        self.update()
        self.samples.clear()
        // Stuck at the least: perhaps the application has become slower for good.
        self.updatesAtMinimum = self.limit <= self.policy.minConcurrency ? self.updatesAtMinimum + 1 : 0
        if self.updatesAtMinimum >= 5 { self.beginMeasurement(now: now) }
    }

    private mutating func beginMeasurement(now: MonotonicInstant) {
        self.epoch = now
        self.deferredLimit = self.limit
        self.limit = self.policy.minConcurrency
        self.samples.clear()
        self.updatesAtMinimum = 0
    }

    private mutating func endMeasurement(random: inout some RandomNumberGenerator, now: MonotonicInstant) {
        self.minRTT = self.samples.percentile(self.policy.percentile)
        self.limit = self.deferredLimit ?? self.policy.minConcurrency
        self.deferredLimit = nil
        self.samples.clear()
        let interval = self.policy.minRTTInterval.wholeNanoseconds
        let jitter = Double(interval) * Double(self.policy.jitterPercent) / 100 * Double(random.next() >> 11) * 0x1p-53
        self.nextMeasurement = now.advanced(byNanoseconds: interval).advanced(byNanoseconds: Int64(jitter))
        self.nextUpdate = now + self.policy.updateInterval
    }

    private mutating func update() {
        let sample = Double(max(1, self.samples.percentile(self.policy.percentile)))
        let target = Double(self.minRTT) * (1 + Double(self.policy.bufferPercent) / 100)
        let gradient = max(0.5, min(2, target / sample))
        let scaled = Double(self.limit) * gradient
        let grown = scaled + scaled.squareRoot()
        self.limit = max(self.policy.minConcurrency, min(self.policy.maxLimit, Int(grown)))
    }
}

/// Latencies of one window, within 3 %, in constant memory.
struct LatencySamples: Sendable {
    /// 32 buckets for each doubling, from 32 ns on.
    private var buckets: ContiguousArray<UInt32> = ContiguousArray(repeating: 0, count: 36 * 32)
    private(set) var count = 0

    mutating func add(_ nanoseconds: Int64) {
        self.buckets[Self.bucket(of: nanoseconds)] &+= 1
        self.count += 1
    }

    mutating func clear() {
        guard self.count > 0 else { return }
        for index in self.buckets.indices { self.buckets[index] = 0 }
        self.count = 0
    }

    /// In nanoseconds; zero without samples.
    func percentile(_ percent: Int) -> Int64 {
        guard self.count > 0 else { return 0 }
        var seen = 0
        for index in self.buckets.indices {
            seen += Int(self.buckets[index])
            if seen * 100 >= self.count * max(1, min(100, percent)), seen > 0 { return Self.middle(of: index) }
        }
        return 0
    }

    private static func bucket(of nanoseconds: Int64) -> Int {
        let value = UInt64(max(32, nanoseconds))
        let exponent = 63 - value.leadingZeroBitCount
        return min(36 * 32 - 1, (exponent - 5) * 32 + Int((value >> UInt64(exponent - 5)) & 31))
    }

    private static func middle(of bucket: Int) -> Int64 {
        let lower = Int64(32 + bucket % 32) << Int64(bucket / 32)
        return lower + (Int64(1) << Int64(bucket / 32)) / 2
    }
}
