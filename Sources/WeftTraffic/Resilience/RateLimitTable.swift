internal import Synchronization
package import WeftMessage
package import WeftModel

/// One rate limit as a proxy keeps it: a bucket for each key, shared by all loops, so that the limit is exact however a
/// caller's connections fall on them.
///
/// A bucket is one number, the moment at which it will be full again; taking from it is one compare and exchange, without
/// a lock. There are at most twice `maxKeys` buckets, of which a full one may pass to another key, since a full bucket
/// says nothing; a key that finds none uses the bucket that all such keys share. Keys are remembered by hash.
/// Source: the generic cell rate algorithm (ITU-T I.371).
package final class RateLimitTable: @unchecked Sendable {
    // Unchecked: the pointers are set once, freed when nobody holds the table, and what they point to is atomic.

    package let limit: RateLimit
    /// What a proxy uses of a shared limit until a slice is leased to it, as a share.
    package static let unleasedShare = 0.05

    /// How far a key looks for its bucket.
    private static let reach = 16

    /// Hashes, and moments in nanoseconds; hash zero is free. Then one more moment, for keys without a bucket.
    private let keys: UnsafeMutablePointer<Atomic<UInt64>>
    private let full: UnsafeMutablePointer<Atomic<Int64>>
    /// A power of two, or zero where there is one bucket for all.
    private let capacity: Int
    /// What a request takes, and how far a bucket may be from full, in nanoseconds.
    private let cost: Atomic<Int64>
    private let depth: Atomic<Int64>
    /// The share in force, as the bits of a `Double`; zero before the first lease.
    private let shareBits: Atomic<UInt64>
    private let asked = Atomic<UInt64>(0)

    package init(_ limit: RateLimit) {
        self.limit = limit
        var capacity = 0
        if limit.key != .everyone {
            capacity = Self.reach
            while capacity < 2 * min(max(1, limit.maxKeys), 100_000) { capacity *= 2 }
        }
        self.capacity = capacity
        self.keys = .allocate(capacity: capacity + 1)
        self.full = .allocate(capacity: capacity + 1)
        for index in 0...capacity {
            (self.keys + index).initialize(to: Atomic(0))
            (self.full + index).initialize(to: Atomic(0))
        }
        let (cost, depth) = Self.costs(limit, share: limit.scope == .mesh ? Self.unleasedShare : 1)
        self.cost = Atomic(cost)
        self.depth = Atomic(depth)
        self.shareBits = Atomic(0)
    }

    deinit {
        self.keys.deinitialize(count: self.capacity + 1)
        self.full.deinitialize(count: self.capacity + 1)
        self.keys.deallocate()
        self.full.deallocate()
    }

    private static func costs(_ limit: RateLimit, share: Double) -> (cost: Int64, depth: Int64) {
        let rate = Double(max(1, limit.requests)) * share
        let cost = Double(max(1, limit.interval.wholeNanoseconds)) / max(rate, 1e-6)
        let burst = max(1, Double(limit.burst) * share)
        return (Int64(max(1, min(cost, 1e18))), Int64(max(1, min(cost * burst, 4e18))))
    }

    // MARK: Shared limits

    /// The slice in force, above 0 to 1; zero before the first.
    package var share: Double { Double(bitPattern: self.shareBits.load(ordering: .relaxed)) }

    /// Takes another slice; it holds until the next.
    package func take(share: Double) {
        guard share > 0, share <= 1 else { return }
        let (cost, depth) = Self.costs(self.limit, share: share)
        self.shareBits.store(share.bitPattern, ordering: .relaxed)
        self.cost.store(cost, ordering: .relaxed)
        self.depth.store(depth, ordering: .relaxed)
    }

    /// Requests of a shared limit since the start, refused ones included.
    package var requestsSeen: UInt64 { self.asked.load(ordering: .relaxed) }

    // MARK: Requests

    /// What a bucket says.
    package struct Decision: Hashable, Sendable {
        package var isAdmitted: Bool
        /// How many more could come now.
        package var remaining: Int
        /// Nanoseconds until one more is admitted; zero when this one was.
        package var retryAfter: Int64
        /// Nanoseconds until the bucket is full.
        package var reset: Int64
    }

    /// Asks whether a request may come, once for each request, and takes nothing. `source` is the SPIFFE ID that the caller
    /// proved, empty where it proved none.
    package func look(_ head: borrowing RequestHead, source: String, now: MonotonicInstant) -> Decision {
        self.look(key: self.hash(head, source: source), now: now)
    }

    /// Takes a request that was asked about. It may be refused even so: another loop may have taken the last place since.
    package func take(_ head: borrowing RequestHead, source: String, now: MonotonicInstant) -> Decision {
        self.take(key: self.hash(head, source: source), now: now)
    }

    /// Gives back what a request took that then was not let in.
    package func giveBack(_ head: borrowing RequestHead, source: String, now: MonotonicInstant) {
        let bucket = self.full + self.place(of: self.hash(head, source: source), now: now.nanoseconds)
        bucket.pointee.wrappingSubtract(self.cost.load(ordering: .relaxed), ordering: .relaxed)
    }

    func look(key: UInt64, now: MonotonicInstant) -> Decision {
        if self.limit.scope == .mesh { self.asked.wrappingAdd(1, ordering: .relaxed) }
        let seen = self.full[self.place(of: key, now: now.nanoseconds)].load(ordering: .relaxed)
        let start = max(seen, now.nanoseconds)
        let cost = self.cost.load(ordering: .relaxed)
        // How much is left once this request has been taken; below zero it may not come.
        let left = self.depth.load(ordering: .relaxed) - (start + cost - now.nanoseconds)
        return Decision(
            isAdmitted: left >= 0, remaining: Int(max(0, left) / cost), retryAfter: max(0, -left),
            reset: start - now.nanoseconds)
    }

    func take(key: UInt64, now: MonotonicInstant) -> Decision {
        let bucket = self.full + self.place(of: key, now: now.nanoseconds)
        let cost = self.cost.load(ordering: .relaxed)
        let depth = self.depth.load(ordering: .relaxed)
        var seen = bucket.pointee.load(ordering: .relaxed)
        while true {
            // Right after a slice grew a bucket may be deeper in debt than it is now deep.
            let start = max(seen, now.nanoseconds)
            let end = start + cost
            guard end - now.nanoseconds <= depth else {
                return Decision(
                    isAdmitted: false, remaining: 0, retryAfter: end - now.nanoseconds - depth,
                    reset: start - now.nanoseconds)
            }
            let (exchanged, original) = bucket.pointee.weakCompareExchange(
                expected: seen, desired: end, ordering: .relaxed)
            if exchanged {
                return Decision(
                    isAdmitted: true, remaining: Int((depth - (end - now.nanoseconds)) / cost), retryAfter: 0,
                    reset: end - now.nanoseconds)
            }
            seen = original
        }
    }

    /// The bucket of a key: its own, else a free or full one nearby, else the shared one.
    private func place(of key: UInt64, now: Int64) -> Int {
        if self.capacity == 0 { return 0 }
        let mask = self.capacity - 1
        let first = Int(truncatingIfNeeded: key) & mask
        for step in 0..<Self.reach where self.keys[(first + step) & mask].load(ordering: .relaxed) == key {
            return (first + step) & mask
        }
        for step in 0..<Self.reach {
            let index = (first + step) & mask
            let holder = self.keys[index].load(ordering: .relaxed)
            guard holder == 0 || self.full[index].load(ordering: .relaxed) <= now else { continue }
            let (exchanged, original) = self.keys[index].compareExchange(
                expected: holder, desired: key, ordering: .relaxed)
            if exchanged || original == key { return index }
        }
        return self.capacity
    }

    private func hash(_ head: borrowing RequestHead, source: String) -> UInt64 {
        switch self.limit.key {
        case .everyone: return 1
        case .source:
            var hasher = Hasher()
            hasher.combine(source)
            return Self.finish(hasher)
        case .header(let name):
            let known = FieldName(name)
            let index = known == .other ? head.headers.firstIndex(of: name) : head.headers.firstIndex(of: known)
            return index.map { head.headers.withValue(at: $0, Self.hash) } ?? 1
        case .path:
            guard let index = head.headers.firstIndex(of: .path) else { return 1 }
            return head.headers.withValue(at: index) { path in
                let end = path.firstIndex(of: UInt8(ascii: "?")) ?? path.endIndex
                return Self.hash(UnsafeRawBufferPointer(rebasing: path[..<end]))
            }
        }
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return self.finish(hasher)
    }

    private static func finish(_ hasher: consuming Hasher) -> UInt64 {
        // Zero is a free bucket, one is what has no key.
        max(2, UInt64(bitPattern: Int64(hasher.finalize())))
    }
}

/// What a refused caller is told about a rate limit. Source: the IETF's RateLimit fields.
package struct RateLimitNotice: Hashable, Sendable {
    package var name: String
    /// Requests per `window`.
    package var quota: Int
    package var windowSeconds: Int
    package var remaining: Int
    package var resetSeconds: Int
}

extension LocalReply {
    /// 429, with what the bucket says.
    package init(_ decision: RateLimitTable.Decision, of limit: RateLimit) {
        func seconds(_ nanoseconds: Int64) -> Int { Int((max(0, nanoseconds) + 999_999_999) / 1_000_000_000) }
        self.init(
            .rateLimited, detail: "the limit \(limit.name) allows \(limit.requests) requests in \(limit.interval)",
            provenance: limit.provenance, retryAfterSeconds: max(1, seconds(decision.retryAfter)))
        self.rateLimit = RateLimitNotice(
            name: limit.name, quota: limit.requests, windowSeconds: max(1, seconds(limit.interval.wholeNanoseconds)),
            remaining: decision.remaining, resetSeconds: seconds(decision.reset))
    }
}
