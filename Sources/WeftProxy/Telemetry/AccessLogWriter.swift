internal import NIOCore
internal import NIOPosix
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Writes lines to standard output from a thread of its own, so that a slow reader holds up no event loop.
///
/// Bounded: what does not fit is dropped and counted, for a log must not take a sidecar's memory.
final class AccessLogWriter: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isWriting = false
        var dropped = 0
        /// Who waits until nothing is left.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Bytes that may wait.
    private static let limit = 1 << 20
    private let state = Mutex(State())

    /// Takes whole lines with their newlines; where they do not fit, none of them.
    func append(_ lines: [UInt8]) {
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

    /// Lines that found no place.
    var dropped: Int { self.state.withLock { $0.dropped } }

    private func drain() {
        while true {
            let batch = self.state.withLock { state in
                let batch = state.pending
                state.pending.removeAll()
                if batch.isEmpty { state.isWriting = false }
                return batch
            }
            if batch.isEmpty { return self.release() }
            batch.withUnsafeBytes { bytes in
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = put(rest)
                    if count <= 0 { return self.giveUp() }
                    rest = rest.dropFirst(count)
                }
            }
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

    /// Nobody reads any more: what waits is lost, and the next line tries again.
    private func giveUp() {
        self.state.withLock { state in
            state.dropped += state.pending.count { $0 == UInt8(ascii: "\n") }
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

    private func put(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
        let buffer = UnsafeRawBufferPointer(rebasing: bytes)
        return uninterrupted { write(STDOUT_FILENO, buffer.baseAddress, buffer.count) }
    }

    private func uninterrupted(_ body: () -> Int) -> Int {
        while true {
            let count = body()
            if count >= 0 || errno != EINTR { return count }
        }
    }
}
