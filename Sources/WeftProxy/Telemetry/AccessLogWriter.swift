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
        var dropped = 0
        /// Of them, those that were not taken by what they were written to.
        var failed = 0
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
    func written() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLock { state in
                if state.isWriting { state.waiting.append(continuation) }
                return !state.isWriting
            }
            if isIdle { continuation.resume() }
        }
    }

    private func giveUp(_ lost: Int) {
        self.state.withLock { state in
            state.failed += lost + state.pending.count { $0 == UInt8(ascii: "\n") }
            state.pending = []
            state.isWriting = false
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
