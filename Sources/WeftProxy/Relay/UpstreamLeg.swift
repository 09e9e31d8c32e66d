internal import NIOCore
internal import WeftHTTP
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTraffic

/// The upstream side of one request: waits for a connection, holds the stream, and passes on what comes back.
///
/// Made once with its request and used again for every attempt, and for every request after it. A leg that has let go of
/// a stream hears nothing more of it, which the stream interface promises after `reset`.
final class UpstreamLeg: ClientStreamReceiver, ConnectionWaiter {
    private unowned let request: RelayedRequest
    private var stream: (any ClientStream)?
    /// What the stream is on.
    private var connection: UpstreamConnection?
    /// Where the leg waits for a connection.
    private var queuedAt: EndpointPool?
    /// The connection found, until the stream is opened on it.
    private var offered: (connection: UpstreamConnection, pool: EndpointPool)?
    /// Counts streams, so that a loop over chunks notices that the stream it began with is gone.
    private(set) var generation = 0
    /// Body bytes of this attempt that have left for the socket.
    private var sent = 0
    private var isOpening = false
    private var failureWhileOpening: StreamFailure?

    init(request: RelayedRequest) { self.request = request }

    /// Neither a stream nor a place in a queue is held.
    var isIdle: Bool { self.stream == nil && self.queuedAt == nil && self.offered == nil }

    /// Asks for a connection; `connectionOffered` or `attemptFailed` follows, perhaps from within.
    func connect(through pool: EndpointPool) {
        do throws(ConnectFailure) {
            if let connection = try pool.acquire(for: self) {
                self.connectionReady(connection, of: pool)
            } else {
                self.queuedAt = pool
            }
        } catch {
            self.request.attemptFailed(error.upstreamFailure, untouched: true, on: self)
        }
    }

    func connectionReady(_ connection: UpstreamConnection, of pool: EndpointPool) {
        self.queuedAt = nil
        self.offered = (connection, pool)
        self.request.connectionOffered(kept: connection.isKept, to: self)
        // Not taken: the request has gone another way in the meantime.
        self.offered = nil
    }

    func connectionFailed(_ failure: ConnectFailure) {
        self.queuedAt = nil
        self.request.attemptFailed(failure.upstreamFailure, untouched: true, on: self)
    }

    /// Opens the stream on the connection just offered. False when that did not succeed; the leg then asks again, or
    /// has said that the attempt failed.
    func open(_ head: RequestHead, end: Bool) -> Bool {
        guard let (connection, pool) = self.offered else { return false }
        self.offered = nil
        self.sent = 0
        self.generation &+= 1
        self.isOpening = true
        let stream = connection.codec?.open(head, end: end, receiver: self)
        self.isOpening = false
        connection.isKept = true
        pool.streamOpened(on: connection)
        if let failure = self.failureWhileOpening {
            self.failureWhileOpening = nil
            self.request.attemptFailed(failure.upstreamFailure, untouched: true, on: self)
            return false
        }
        guard let stream else {
            // The last place went while we were told of it: nothing was sent.
            self.request.attemptFailed(.refused, untouched: true, on: self)
            return false
        }
        self.stream = stream
        self.connection = connection
        return true
    }

    /// Gives the attempt up, wherever it stands. Nothing more is heard of it.
    func abandon(_ code: StreamResetCode = .cancel) {
        self.generation &+= 1
        self.offered = nil
        if let pool = self.queuedAt {
            self.queuedAt = nil
            pool.cancel(self)
        }
        self.connection = nil
        if let stream = self.stream {
            self.stream = nil
            stream.reset(code)
        }
    }

    func send(_ data: ByteBuffer, end: Bool) { self.stream?.sendData(data, end: end) }
    func send(trailers: HeaderBlock) { self.stream?.sendTrailers(trailers) }
    func consumed(_ bytes: Int) { self.stream?.consumed(bytes) }

    // MARK: What the stream says

    func streamReceived(informational head: ResponseHead) {
        self.connection?.hasAnswered = true
        self.request.upstreamSaid(informational: head, on: self)
    }
    func streamReceived(response head: ResponseHead, end: Bool) {
        self.connection?.hasAnswered = true
        self.request.upstreamAnswered(head, end: end, on: self)
    }
    func streamReceived(data: ByteBuffer, end: Bool) { self.request.upstreamSent(data, end: end, on: self) }
    func streamReceived(trailers: HeaderBlock) { self.request.upstreamSent(trailers: trailers, on: self) }

    func streamSent(bytes: Int) {
        self.sent += bytes
        self.request.upstreamTook(totalBytes: self.sent)
    }

    func streamFailed(_ failure: StreamFailure) {
        if self.isOpening {
            self.failureWhileOpening = failure
            return
        }
        var failed = failure.upstreamFailure
        if case .transport(let text) = failure, let refusal = self.connection?.refusalByPeer(text) {
            failed = .tlsFailed(refusal.cause)
        }
        let untouched = failed.provesUnprocessed || self.stream.map { !$0.requestMayHaveBeenProcessed } ?? false
        let refusal = self.connection?.refusal
        self.stream = nil
        self.connection = nil
        self.generation &+= 1
        self.request.attemptFailed(
            refusal.map { $0.upstreamFailure(untouched: untouched) } ?? failed, untouched: untouched, on: self)
    }

    func streamClosed() {
        self.stream = nil
        self.connection = nil
        self.generation &+= 1
        self.request.upstreamClosed()
    }
}

extension ConnectFailure {
    /// The exchange's word for it.
    var upstreamFailure: UpstreamFailure {
        switch self.reason {
        case .connectTimeout: .connectTimeout
        case .tlsFailed: .tlsFailed(self.cause)
        case .peerIdentityMismatch: .peerIdentityMismatch(self.cause)
        case .overflow: .overflow
        default: .connectFailed(self.cause)
        }
    }
}

extension SVIDError {
    /// The exchange's word for a request on a connection whose peer is no longer believed. Once the application may have
    /// seen it, only the end of the connection is told, lest it be repeated.
    fileprivate func upstreamFailure(untouched: Bool) -> UpstreamFailure {
        untouched ? .peerIdentityMismatch("\(self)") : .connectionClosed("\(self)")
    }
}

extension StreamFailure {
    /// The exchange's word for it.
    var upstreamFailure: UpstreamFailure {
        switch self {
        case .reset(let code): .reset(code: code.rawValue)
        case .refused: .refused
        case .connectionClosed: .connectionClosed("")
        case .protocolError(let cause): .protocolError(cause)
        case .headersTooLarge: .headersTooLarge
        case .transport(let cause): .connectionClosed(HandshakeFailure.words(ofTransport: cause))
        }
    }
}
