internal import Synchronization

/// Carries the registry's word to the reconciler, which is made after it.
final class EndpointRelay: Sendable {
    private let stream: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() {
        (self.stream, self.signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func changed() { self.signal.yield() }

    /// Hands every change on; until cancelled.
    func run(_ reconciler: Reconciler) async {
        for await _ in self.stream { await reconciler.changed(.endpoints) }
    }
}
