internal import Synchronization

/// Lets one task wait for a time or for a ring, whichever comes first. A ring that nobody waits for is kept.
final class Alarm: Sendable {
    private struct State {
        var hasRung = false
        var waiter: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    func ring() {
        let waiter = self.state.withLock { state in
            state.hasRung = true
            return state.waiter
        }
        waiter?.yield()
    }

    /// Throws when cancelled.
    func wait(_ duration: Duration) async throws {
        let (rings, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let hasRung = self.state.withLock { state in
            state.waiter = continuation
            return state.hasRung
        }
        defer { self.state.withLock { $0 = State() } }
        guard !hasRung else { return try Task.checkCancellation() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in rings { return } }
            group.addTask { try await Task.sleep(for: duration) }
            try await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }
}
