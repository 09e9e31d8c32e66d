internal import Synchronization
internal import WeftModel

/// What each open discovery stream has asked for, taken and refused; for `weft status`.
final class DiscoveryStreams: Sendable {
    struct Stream: Hashable, Sendable {
        var identity: SPIFFEID
        var client: ProxyStatus.Client
        /// `namespace/name`, where the node says which workload it is.
        var workload: String?
        var clientVersion: String
        /// Seconds since 1970.
        var since: Int64
        var types: [DiscoveryStatus]
    }

    private struct State {
        var streams: [Int: Stream] = [:]
        var byIdentity: [SPIFFEID: Int] = [:]
        var last = 0
    }

    private let state = Mutex(State())

    /// Takes up a stream; nil when its identity has `limit` already.
    func open(_ stream: Stream, limit: Int) -> Int? {
        self.state.withLock { state in
            guard state.byIdentity[stream.identity, default: 0] < limit else { return nil }
            state.byIdentity[stream.identity, default: 0] += 1
            state.last += 1
            state.streams[state.last] = stream
            return state.last
        }
    }

    func update(_ id: Int, _ change: (inout Stream) -> Void) {
        self.state.withLock { state in
            guard var stream = state.streams[id] else { return }
            change(&stream)
            state.streams[id] = stream
        }
    }

    func close(_ id: Int) {
        self.state.withLock { state in
            guard let stream = state.streams.removeValue(forKey: id) else { return }
            let left = state.byIdentity[stream.identity, default: 1] - 1
            state.byIdentity[stream.identity] = left > 0 ? left : nil
        }
    }

    /// In the order they were opened.
    var all: [Stream] {
        self.state.withLock { state in state.streams.sorted { $0.key < $1.key }.map(\.value) }
    }
}
