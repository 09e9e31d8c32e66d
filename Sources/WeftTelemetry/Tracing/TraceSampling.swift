/// Which traces are recorded: the caller's word where there is one, else a share of them.
package struct TraceSampling: Hashable, Sendable {
    /// Of traces that begin here, 0–1. Default 0.01.
    package let ratio: Double
    private let threshold: UInt64

    package init(ratio: Double = 0.01) {
        self.ratio = min(max(ratio, 0), 1)
        // The largest double below 2⁶⁴ times one would not fit.
        self.threshold = self.ratio >= 1 ? .max : UInt64(self.ratio * 18_446_744_073_709_551_616)
    }

    /// Whether a trace without a decision is recorded; `draw` is uniform.
    package func samples(_ draw: UInt64) -> Bool { self.threshold == .max || draw < self.threshold }
}

/// Keeps the slowest of the requests that no sampler picked: at most so many in each interval.
///
/// A heap of the slowest so far, handed out when the interval ends. What is not slower than the least of them costs one
/// comparison. Time is nanoseconds of any clock that does not go back.
package struct SlowestKeeper<Item: Sendable>: Sendable {
    /// At most in one interval. Zero keeps none.
    package let capacity: Int
    /// Nanoseconds.
    package let interval: Int64
    /// Shorter ones are never worth keeping, nanoseconds.
    package let floor: Int64
    /// A heap with the fastest first.
    private var heap: [(duration: Int64, item: Item)] = []
    private var endsAt = Int64.max

    package init(capacity: Int = 5, interval: Int64 = 10_000_000_000, floor: Int64 = 0) {
        self.capacity = capacity
        self.interval = interval
        self.floor = floor
    }

    /// When `drain` is due; `.max` while nothing is held.
    package var due: Int64 { self.endsAt }

    /// Whether a request of this duration would be kept as things stand.
    @inline(__always)
    package func admits(_ duration: Int64) -> Bool {
        guard self.heap.count >= self.capacity else { return self.capacity > 0 && duration >= self.floor }
        return self.capacity > 0 && duration > self.heap[0].duration
    }

    /// Takes one in that `admits` let pass; the fastest leaves where there is no room.
    package mutating func insert(_ item: Item, duration: Int64, now: Int64) {
        guard self.admits(duration) else { return }
        if self.heap.isEmpty { self.endsAt = now + self.interval }
        if self.heap.count < self.capacity {
            self.heap.append((duration, item))
            var child = self.heap.count - 1
            while child > 0, self.heap[child].duration < self.heap[(child - 1) / 2].duration {
                self.heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else {
            self.heap[0] = (duration, item)
            self.sink()
        }
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < self.heap.count && self.heap[child].duration < self.heap[least].duration {
                least = child
            }
            if least == parent { return }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }

    /// Ends the interval: what was kept, slowest first.
    package mutating func drain() -> [Item] {
        defer {
            self.heap.removeAll(keepingCapacity: true)
            self.endsAt = .max
        }
        return self.heap.sorted { $0.duration > $1.duration }.map(\.item)
    }
}
