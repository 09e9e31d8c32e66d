internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Writes lines to standard output or a file from a thread of its own, so that a slow reader or disk holds up no event
/// loop.
///
/// Bounded: what does not fit is dropped and counted, for a log must not take a sidecar's memory.
final class AccessLogWriter: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isWriting = false
        /// Lines that are being written.
        var underWay = 0
        /// The sidecar stops and waits no longer: nothing more is written.
        var isAbandoned = false
        var dropped = 0
        /// Of them, those that were not taken by what they were written to.
        var failed = 0
        /// Not written by the time the sidecar stopped.
        var stopped = 0
        /// Who waits until nothing is left.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Bytes that may wait.
    private static let limit = 1 << 20
    private let state = Mutex(State())
    /// Held while writing, by one thread at a time.
    private let sink: Mutex<LogSink>

    /// - Parameter path: of a file; nil is standard output.
    init(path: String? = nil) { self.sink = Mutex(LogSink(path: path)) }

    /// Takes whole lines with their newlines; where they do not fit, none of them.
    func append(_ lines: UnsafeRawBufferPointer) {
        let mustStart = self.state.withLock { state in
            if state.isAbandoned {
                state.stopped += lines.count { $0 == UInt8(ascii: "\n") }
                return false
            }
            guard state.pending.count + lines.count <= Self.limit else {
                state.dropped += lines.count { $0 == UInt8(ascii: "\n") }
                return false
            }
            state.pending.append(contentsOf: lines)
            if state.isWriting { return false }
            state.isWriting = true
            return true
        }
        guard mustStart else { return }
        NIOSingletons.posixBlockingThreadPool.submit { _ in self.drain() }
    }

    /// Lines that found no place, and those that could not be written.
    var dropped: (full: Int, failed: Int) { self.state.withLock { ($0.dropped, $0.failed) } }

    /// Lines given up when the sidecar stopped.
    var stopped: Int { self.state.withLock { $0.stopped } }

    /// Why the file cannot be written to; nil where it can.
    func problem() -> String? { self.sink.withLock { $0.problem() } }

    /// Opens the file anew before the next line.
    func reopen() {
        NIOSingletons.posixBlockingThreadPool.submit { _ in self.sink.withLock { $0.close() } }
    }

    private func drain() {
        while true {
            let batch = self.state.withLock { state in
                let batch = state.pending
                state.pending.removeAll()
                state.underWay = batch.count { $0 == UInt8(ascii: "\n") }
                if batch.isEmpty { state.isWriting = false }
                return batch
            }
            if batch.isEmpty { return self.release() }
            let lost = self.sink.withLock { $0.write(batch) }
            // Nobody reads any more, or the disk is full: what waits is lost too, and the next line tries again.
            if lost > 0 { return self.giveUp(lost) }
        }
    }

    /// Returns when nothing waits to be written any more.
    func written() async { await self.wait { !$0.isWriting } }

    private func wait(until isOver: @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isDone = self.state.withLock { state in
                if isOver(state) { return true }
                state.waiting.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// The same, after `limit` at the latest: whoever reads the log may have stopped reading. What is not written by then
    /// is given up, and so is all that comes later.
    func written(within limit: Duration) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await self.wait { !$0.isWriting || $0.isAbandoned } }
            tasks.addTask {
                do { try await Task.sleep(for: limit) } catch { return }
                self.abandon()
            }
            await tasks.next()
            tasks.cancelAll()
        }
    }

    private func abandon() {
        self.state.withLock { state in
            guard state.isWriting else { return }
            state.isAbandoned = true
            state.stopped += state.underWay + state.pending.count { $0 == UInt8(ascii: "\n") }
            state.pending = []
        }
        self.release()
    }

    private func giveUp(_ lost: Int) {
        self.state.withLock { state in
            state.isWriting = false
            guard !state.isAbandoned else { return }
            state.failed += lost + state.pending.count { $0 == UInt8(ascii: "\n") }
            state.pending = []
        }
        self.release()
    }

    private func release() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
