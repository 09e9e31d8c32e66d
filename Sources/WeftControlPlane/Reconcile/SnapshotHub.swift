internal import Synchronization
internal import WeftModel

/// Holds the present snapshot and wakes the streams when there is a newer one. The snapshot is never less than whole.
final class SnapshotHub: Sendable {
    private struct State {
        var snapshot = MeshSnapshot()
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
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.yield() }
    }

    /// Wake-ups for one stream; several that come while it is busy are one. Ends when the control plane stops.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = self.state.withLock { state in
            state.last += 1
            if !state.isClosed { state.subscribers[state.last] = continuation }
            return state.isClosed ? nil : state.last
        }
        if id == nil { continuation.finish() }
        return (id ?? 0, stream)
    }

    func unsubscribe(_ id: Int) {
        let subscriber = self.state.withLock { $0.subscribers.removeValue(forKey: id) }
        subscriber?.finish()
    }

    /// Ends every subscription, now and later.
    func close() {
        let subscribers = self.state.withLock { state in
            state.isClosed = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
    }
}
