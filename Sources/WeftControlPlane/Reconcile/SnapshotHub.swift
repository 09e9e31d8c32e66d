internal import Synchronization
internal import WeftModel

/// Holds the present snapshot and wakes the streams when there is a newer one. The snapshot is never less than whole.
final class SnapshotHub: Sendable {
    private struct State {
        var snapshot = MeshSnapshot()
        /// Grows with each publication.
        var generation: UInt64 = 0
        var publishedAt = ContinuousClock.now
        /// What each subscriber has been served, by generation.
        var served: [Int: UInt64] = [:]
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    var snapshot: MeshSnapshot { self.state.withLock { $0.snapshot } }

    /// Replaces the snapshot and wakes every subscriber.
    func publish(_ snapshot: MeshSnapshot) {
        let subscribers = self.state.withLock { state in
            state.snapshot = snapshot
            state.generation += 1
            state.publishedAt = .now
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.yield() }
    }

    /// The newest publication, and when it was.
    var publication: (generation: UInt64, at: ContinuousClock.Instant) {
        self.state.withLock { ($0.generation, $0.publishedAt) }
    }

    /// A subscriber has been told all that was published up to `generation`.
    func served(_ id: Int, generation: UInt64) {
        self.state.withLock { state in if state.served[id] != nil { state.served[id] = generation } }
    }

    /// Subscribers that have not been told of the newest snapshot yet.
    var waiting: Int { self.state.withLock { state in state.served.values.count { $0 < state.generation } } }

    /// Wake-ups for one stream; several that come while it is busy are one. Ends when the control plane stops.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state in
            state.last += 1
            if !state.isClosed {
                state.subscribers[state.last] = continuation
                state.served[state.last] = state.generation
            }
            return state.isClosed ? nil : state.last
        }
        if id == nil { continuation.finish() }
        return (id ?? 0, stream)
    }

    func unsubscribe(_ id: Int) {
        let subscriber = self.state.withLock { state in
            state.served[id] = nil
            return state.subscribers.removeValue(forKey: id)
        }
        subscriber?.finish()
    }

    /// Ends every subscription, now and later.
    func close() {
        let subscribers = self.state.withLock { state in
            state.isClosed = true
            defer {
                state.subscribers = [:]
                state.served = [:]
            }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
    }
}
