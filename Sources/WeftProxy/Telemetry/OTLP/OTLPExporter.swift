internal import Logging
internal import NIOCore
internal import Synchronization
internal import WeftTelemetry

/// Carries out what an `ExportMachine` decides: takes from the loops, and sends to the collector.
final class OTLPExporter<Item: Sendable>: Sendable {
    private let signal: String
    private let machine: Mutex<ExportMachine<Item>>
    /// Whether the last offer found room: read without the lock, so that what would be lost is not made first.
    private let room = Atomic(true)
    private let lost = Atomic<UInt64>(0)
    private let wakeUps: AsyncStream<Void>
    private let wakeUp: AsyncStream<Void>.Continuation

    init(signal: String, limits: ExportMachine<Item>.Limits = .init()) {
        self.signal = signal
        self.machine = Mutex(ExportMachine(limits: limits))
        (self.wakeUps, self.wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    private static func now() -> Int64 { Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds) }

    // MARK: What loops call

    var hasRoom: Bool { self.room.load(ordering: .relaxed) }

    /// One item was not even made.
    func countLoss() { self.lost.add(1, ordering: .relaxed) }

    /// Takes items with what each takes of memory, as far as there is room.
    func offer(_ items: [(Item, Int)]) {
        let now = Self.now()
        let hasRoom = self.machine.withLock { machine in
            var hasRoom = true
            for (item, cost) in items { hasRoom = machine.offer(item, cost: cost, now: now) && hasRoom }
            return hasRoom
        }
        self.room.store(hasRoom, ordering: .relaxed)
        self.wakeUp.yield()
    }

    /// What was lost, by why.
    var dropped: [DropCause: UInt64] {
        var dropped = self.machine.withLock { $0.dropped }
        let unmade = self.lost.load(ordering: .relaxed)
        if unmade > 0 { dropped[.queueFull, default: 0] += unmade }
        return dropped
    }

    var sent: UInt64 { self.machine.withLock { $0.sent } }

    // MARK: Running

    /// Sends until cancelled. `send` has its own time limit.
    func run(logger: Logger, _ send: @Sendable ([Item]) async -> (ExportOutcome, cause: String)) async {
        var random = SystemRandomNumberGenerator()
        var isFailing = false
        for await _ in self.wakeUps {
            working: while !Task.isCancelled {
                switch self.machine.withLock({ $0.step(now: Self.now()) }) {
                case .idle: break working
                case .wait(let until):
                    // In slices, so that a full batch or the end is noticed.
                    let left = min(max(until - Self.now(), 1_000_000), 250_000_000)
                    try? await Task.sleep(for: .nanoseconds(left))
                case .send(let batch):
                    let (outcome, cause) = await send(batch)
                    let jitter = Double.random(in: 0..<1, using: &random)
                    self.machine.withLock { $0.ended(outcome, now: Self.now(), jitter: jitter) }
                    if outcome != .taken, !isFailing {
                        logger.warning(
                            "the collector did not take telemetry",
                            metadata: ["signal": "\(self.signal)", "cause": "\(cause)"])
                    } else if outcome == .taken, isFailing {
                        logger.info("the collector takes telemetry again", metadata: ["signal": "\(self.signal)"])
                    }
                    isFailing = outcome != .taken
                    self.room.store(true, ordering: .relaxed)
                }
            }
        }
        self.machine.withLock { $0.abandon() }
    }

    /// Sends what is left, for as long as `limit`; then it is lost.
    func finish(within limit: Duration) async {
        self.machine.withLock { $0.close() }
        self.wakeUp.yield()
        let clock = ContinuousClock()
        let end = clock.now + limit
        while clock.now < end, !self.machine.withLock({ $0.isEmpty }) {
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }
        }
        self.machine.withLock { if !$0.isEmpty { $0.abandon() } }
    }
}
