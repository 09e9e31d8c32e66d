/// What became of one try to hand a batch to a collector.
package enum ExportOutcome: Hashable, Sendable {
    case taken
    /// Some of it was taken; the rest is lost, and must not be sent again.
    case partly(lost: Int)
    /// Worth another try; `after` is what the collector asked for, nanoseconds.
    case retry(after: Int64?)
    /// Never will be taken.
    case refused
}

/// Why telemetry was lost.
package enum DropCause: String, Hashable, Sendable, CaseIterable {
    /// It came faster than it went, or the collector did not take any.
    case queueFull = "queue_full"
    /// The collector said no.
    case refused
    /// It was tried as often and as long as is sensible.
    case unreachable
    /// A file or standard output took none.
    case writeFailed = "write_failed"
    /// The sidecar stopped before it was out.
    case stopped
}

/// Queues what goes to a collector, and decides when it is sent, sent again or given up.
///
/// A value without IO: the driver asks `step` what to do, sends what it is given, and says how that ended. Everything is
/// bounded, in number and in bytes; what finds no place is counted and gone. Time is nanoseconds of any clock that does not
/// go back.
package struct ExportMachine<Item: Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Items that wait. Default 2048.
        package var items = 2048
        /// Bytes that wait, about. Default 4 MiB.
        package var bytes = 4 << 20
        /// Items sent at once. Default 512.
        package var batch = 512
        /// How long an item waits for others at most, nanoseconds. Default 1 s.
        package var delay: Int64 = 1_000_000_000
        /// Wait before the second try, nanoseconds; doubles each time. Default 1 s.
        package var firstRetry: Int64 = 1_000_000_000
        /// Longest wait, nanoseconds. Default 30 s.
        package var lastRetry: Int64 = 30_000_000_000
        /// Tries of one batch, the first among them. Default 5.
        package var tries = 5

        package init() {}
    }

    package enum Step: Sendable {
        /// Nothing waits: until the next `offer`.
        case idle
        /// Ask again then.
        case wait(until: Int64)
        /// Send this, and tell `ended`.
        case send([Item])
    }

    private let limits: Limits
    private var queue: [(item: Item, cost: Int)] = []
    private var bytes = 0
    /// When the first of the queue came.
    private var since: Int64 = 0
    /// What is being sent, or waits to be sent again.
    private var batch: [Item] = []
    private var tries = 0
    private var isSending = false
    private var retryAt: Int64 = 0
    private var isClosing = false
    package private(set) var dropped: [DropCause: UInt64] = [:]
    package private(set) var sent: UInt64 = 0

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Items that wait or are under way.
    package var count: Int { self.queue.count + self.batch.count }
    package var isEmpty: Bool { self.count == 0 }

    /// Takes an item in; false when there was no room.
    package mutating func offer(_ item: Item, cost: Int, now: Int64) -> Bool {
        guard self.queue.count < self.limits.items, self.bytes + cost <= self.limits.bytes, !self.isClosing else {
            self.drop(1, self.isClosing ? .stopped : .queueFull)
            return false
        }
        if self.queue.isEmpty { self.since = now }
        self.queue.append((item, cost))
        self.bytes += cost
        return true
    }

    package mutating func step(now: Int64) -> Step {
        if self.isSending { return .idle }
        if !self.batch.isEmpty {
            // What is closing has no time for pauses.
            guard now >= self.retryAt || self.isClosing else { return .wait(until: self.retryAt) }
            return self.send()
        }
        guard !self.queue.isEmpty else { return .idle }
        let due = self.since &+ self.limits.delay
        guard self.queue.count >= self.limits.batch || now >= due || self.isClosing else { return .wait(until: due) }
        let count = min(self.queue.count, self.limits.batch)
        self.batch = self.queue[..<count].map(\.item)
        self.bytes -= self.queue[..<count].reduce(0) { $0 + $1.cost }
        self.queue.removeFirst(count)
        self.since = now
        self.tries = 0
        return self.send()
    }

    private mutating func send() -> Step {
        self.isSending = true
        self.tries += 1
        return .send(self.batch)
    }

    /// How a `send` ended. `jitter` is uniform in 0..<1.
    package mutating func ended(_ outcome: ExportOutcome, now: Int64, jitter: Double) {
        guard self.isSending else { return }
        self.isSending = false
        switch outcome {
        case .taken: self.settle(lost: 0, .refused)
        case .partly(let lost): self.settle(lost: min(lost, self.batch.count), .refused)
        case .refused: self.settle(lost: self.batch.count, .refused)
        case .retry(let after):
            guard self.tries < self.limits.tries, !self.isClosing else {
                return self.settle(lost: self.batch.count, self.isClosing ? .stopped : .unreachable)
            }
            let doubled = self.limits.firstRetry << Int64(min(self.tries - 1, 30))
            let wait = min(max(doubled, 0), self.limits.lastRetry)
            // Half of it at least, so that many sidecars do not come back at once.
            let spread = Int64(Double(wait) * (0.5 + jitter / 2))
            self.retryAt = now &+ max(spread, min(after ?? 0, self.limits.lastRetry))
        }
    }

    private mutating func settle(lost: Int, _ cause: DropCause) {
        self.sent += UInt64(self.batch.count - lost)
        self.drop(lost, cause)
        self.batch = []
    }

    /// Sends what is left without waiting, once each; nothing more is taken.
    package mutating func close() { self.isClosing = true }

    /// Gives up what is left.
    package mutating func abandon() {
        self.isClosing = true
        self.drop(self.count, .stopped)
        self.batch = []
        self.queue = []
        self.bytes = 0
        self.isSending = false
    }

    /// Counts losses that happened before anything could be offered.
    package mutating func drop(_ count: Int, _ cause: DropCause) {
        if count > 0 { self.dropped[cause, default: 0] += UInt64(count) }
    }
}
