internal import Synchronization
internal import WeftModel

/// Wakes watchers when a newer revision has been committed.
///
/// Holds no change sets: a watcher that is woken reads them from the store.
final class RevisionSignal: Sendable {
    private struct State {
        var newest: Revision
        var isClosed = false
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    init(newest: Revision) { self.state = Mutex(State(newest: newest)) }

    var newest: Revision { self.state.withLock { $0.newest } }
    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    func publish(_ revision: Revision) {
        self.wakeAll { $0.newest = max($0.newest, revision) }
    }

    func close() {
        self.wakeAll { $0.isClosed = true }
    }

    /// Returns when a revision beyond `revision` is committed, the signal is closed or the task is cancelled.
    func wait(beyond revision: Revision) async {
        let id = self.state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = self.state.withLock { state in
                    if state.newest > revision || state.isClosed || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    private func wakeAll(_ change: (inout State) -> Void) {
        let waiters = self.state.withLock { state in
            change(&state)
            let waiters = state.waiters.values.map { $0 }
            state.waiters = [:]
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
