/// Decides how fast each source, and all together, may try something: a bucket of tokens each, refilled steadily.
///
/// A source is an IPv4 address or an IPv6 network of 64 bits, as one customer gets it. Pure: time is an argument. The
/// table is bounded; sources beyond it share one bucket until others have been quiet long enough to be forgotten.
struct AttemptThrottle: Sendable {
    struct Limits: Hashable, Sendable {
        /// Attempts per second that a source gets back.
        var rate: Double
        /// Attempts at once.
        var burst: Double
        /// The same for all sources together.
        var totalRate: Double
        var totalBurst: Double
        /// What an attempt that failed costs on top of one.
        var failureCost: Double
        /// Sources that are remembered. Default 4096.
        var sources = 4096
    }

    enum Verdict: Hashable, Sendable {
        case admit
        /// Milliseconds until another attempt can succeed, at least 1.
        case refuse(retryAfterMillis: Int64, scope: Scope)
    }

    enum Scope: String, Hashable, Sendable {
        /// This source is too fast.
        case source
        /// All together are.
        case everyone
    }

    private struct Bucket: Sendable {
        /// Below zero after failures, down to minus the burst: a source cannot owe for ever.
        var tokens: Double
        var at: Int64
    }

    let limits: Limits
    private var buckets: [[UInt8]: Bucket] = [:]
    private var shared: Bucket
    private var total: Bucket
    private var sweptAt: Int64 = .min

    init(_ limits: Limits) {
        self.limits = limits
        self.shared = Bucket(tokens: limits.burst, at: .min)
        self.total = Bucket(tokens: limits.totalBurst, at: .min)
    }

    /// How many sources are remembered.
    var count: Int { self.buckets.count }

    /// Takes an attempt of `source` (4 or 16 bytes; others share one bucket), or says how long it must wait.
    mutating func attempt(from source: [UInt8], now: Int64) -> Verdict {
        let key = self.key(of: source, now: now)
        var own = self.bucket(key)
        Self.refill(&own, rate: self.limits.rate, burst: self.limits.burst, now: now)
        self.set(own, key)
        guard own.tokens >= 1 else {
            return .refuse(retryAfterMillis: Self.wait(own, rate: self.limits.rate), scope: .source)
        }
        Self.refill(&self.total, rate: self.limits.totalRate, burst: self.limits.totalBurst, now: now)
        guard self.total.tokens >= 1 else {
            return .refuse(retryAfterMillis: Self.wait(self.total, rate: self.limits.totalRate), scope: .everyone)
        }
        own.tokens -= 1
        self.total.tokens -= 1
        self.set(own, key)
        return .admit
    }

    /// Whether `source` would be refused now; takes nothing.
    func isExhausted(_ source: [UInt8], now: Int64) -> Bool {
        let key = Self.name(of: source)
        guard var own = self.buckets[key] else {
            guard self.buckets.count >= self.limits.sources else { return false }
            var shared = self.shared
            Self.refill(&shared, rate: self.limits.rate, burst: self.limits.burst, now: now)
            return shared.tokens < 1
        }
        Self.refill(&own, rate: self.limits.rate, burst: self.limits.burst, now: now)
        return own.tokens < 1
    }

    /// The attempt of `source` came to nothing: it costs more than a good one.
    mutating func failed(_ source: [UInt8], now: Int64) {
        let key = self.key(of: source, now: now)
        var own = self.bucket(key)
        Self.refill(&own, rate: self.limits.rate, burst: self.limits.burst, now: now)
        own.tokens = max(-self.limits.burst, own.tokens - self.limits.failureCost)
        self.set(own, key)
    }

    // MARK: The table

    /// The bucket's key; nil is the shared one.
    private mutating func key(of source: [UInt8], now: Int64) -> [UInt8]? {
        let name = Self.name(of: source)
        if name.isEmpty { return nil }
        if self.buckets[name] != nil || self.buckets.count < self.limits.sources { return name }
        // Once a second at most, so that a flood of sources does not make each attempt a walk through the table.
        if now >= self.sweptAt.addingSaturating(1000) {
            self.sweptAt = now
            let limits = self.limits
            self.buckets = self.buckets.filter { entry in
                var bucket = entry.value
                Self.refill(&bucket, rate: limits.rate, burst: limits.burst, now: now)
                return bucket.tokens < limits.burst
            }
        }
        return self.buckets.count < self.limits.sources ? name : nil
    }

    private static func name(of source: [UInt8]) -> [UInt8] {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        switch source.count {
        case 4: return source
        case 16: return source.starts(with: mapped) ? Array(source.dropFirst(12)) : Array(source.prefix(8))
        default: return []
        }
    }

    private func bucket(_ key: [UInt8]?) -> Bucket {
        guard let key else { return self.shared }
        return self.buckets[key] ?? Bucket(tokens: self.limits.burst, at: .min)
    }

    private mutating func set(_ bucket: Bucket, _ key: [UInt8]?) {
        if let key { self.buckets[key] = bucket } else { self.shared = bucket }
    }

    private static func refill(_ bucket: inout Bucket, rate: Double, burst: Double, now: Int64) {
        // A clock that is set back gives nothing and takes nothing.
        if bucket.at == .min || now <= bucket.at {
            bucket.at = bucket.at == .min ? now : min(bucket.at, now)
            return
        }
        bucket.tokens = min(burst, bucket.tokens + Double(now - bucket.at) / 1000 * rate)
        bucket.at = now
    }

    private static func wait(_ bucket: Bucket, rate: Double) -> Int64 {
        guard rate > 0 else { return 60_000 }
        return min(3_600_000, max(1, Int64(((1 - bucket.tokens) / rate * 1000).rounded(.up))))
    }
}

extension Int64 {
    fileprivate func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
