/// What one loop has seen of one endpoint in the last 10 s, in 10 buckets of 1 s, and how many failures came in a row.
struct OutlierWindow {
    private static let bucketNanoseconds: Int64 = 1_000_000_000
    private static let bucketCount = 10

    /// Requests and failures by bucket, one after the other.
    private var counts: ContiguousArray<UInt32> = []
    private(set) var requests = 0
    private(set) var failures = 0
    /// Not reset by the window's turning.
    private(set) var consecutiveFailures = 0
    private var current: Int64 = 0

    /// Of the window's requests; 1 without any.
    var successRate: Double {
        self.requests == 0 ? 1 : Double(self.requests - self.failures) / Double(self.requests)
    }

    /// Counts a request. `inARow` says whether a failure counts for `consecutiveFailures` too.
    mutating func observe(failed: Bool, inARow: Bool, now: MonotonicInstant) {
        self.advance(to: now)
        let index = Int(self.current % Int64(Self.bucketCount)) * 2
        self.counts[index] &+= 1
        self.requests += 1
        guard failed else {
            self.consecutiveFailures = 0
            return
        }
        self.counts[index + 1] &+= 1
        self.failures += 1
        if inARow { self.consecutiveFailures += 1 }
    }

    mutating func clear() {
        for index in self.counts.indices { self.counts[index] = 0 }
        self.requests = 0
        self.failures = 0
        self.consecutiveFailures = 0
    }

    /// Forgets the buckets that have left the window.
    mutating func advance(to now: MonotonicInstant) {
        if self.counts.isEmpty { self.counts = ContiguousArray(repeating: 0, count: Self.bucketCount * 2) }
        let bucket = max(0, now.nanoseconds) / Self.bucketNanoseconds
        guard bucket > self.current else { return }
        for offset in 0..<min(bucket - self.current, Int64(Self.bucketCount)) {
            let index = Int((bucket - offset) % Int64(Self.bucketCount)) * 2
            self.requests -= Int(self.counts[index])
            self.failures -= Int(self.counts[index + 1])
            self.counts[index] = 0
            self.counts[index + 1] = 0
        }
        self.current = bucket
    }
}
