internal import Synchronization

/// Holds the present snapshot, and wakes the streams when there is a newer one.
final class AgentFeed: Sendable {
    private struct State {
        var snapshot = AgentSnapshot()
        var subscribers: [Int: AsyncStream<Void>.Continuation] = [:]
        var last = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    var snapshot: AgentSnapshot { self.state.withLock { $0.snapshot } }

    func publish(_ snapshot: AgentSnapshot) {
        let subscribers = self.state.withLock { state in
            state.snapshot = snapshot
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.yield() }
    }

    /// Wake-ups for one stream, the first at once; several that come while it is busy are one. Ends when the agent stops.
    func subscribe() -> (id: Int, wakeUps: AsyncStream<Void>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
        let id = self.state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.last += 1
            state.subscribers[state.last] = continuation
            return state.last
        }
        if id == nil { continuation.finish() }
        return (id ?? 0, stream)
    }

    func unsubscribe(_ id: Int) {
        let subscriber = self.state.withLock { $0.subscribers.removeValue(forKey: id) }
        subscriber?.finish()
    }

    /// How many streams follow.
    var subscriberCount: Int { self.state.withLock { $0.subscribers.count } }

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
