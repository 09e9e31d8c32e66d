internal import DequeModule
internal import NIOCore
internal import WeftMessage

/// One HTTP/2 stream, of either side. Once it has ended it belongs to no connection and ignores every call.
final class HTTP2Stream: ServerStream, ClientStream {
    private(set) var connection: HTTP2Connection?
    private(set) var id: UInt32 = 0
    private(set) var receiver: (any HTTPStreamReceiver)?
    private(set) var clientReceiver: (any ClientStreamReceiver)?

    /// What the request asks the stream to become.
    enum Tunnel {
        case none
        case connect
        /// Extended CONNECT (RFC 8441).
        case upgrade
        /// Accepted: each direction ends by itself.
        case open
    }
    var tunnel = Tunnel.none

    // Receiving.
    /// Bytes the peer may still send.
    var receiveWindow = 0
    /// Bytes that it may send ahead of what is consumed.
    var window = 0
    /// Since when a window's worth of bytes is being consumed, and how many of them have been.
    var roundBegan: NIODeadline?
    var consumedInRound = 0
    /// Bytes delivered and not yet consumed.
    var unconsumed = 0
    /// Bytes consumed whose credit the peer has not been given.
    var credit = 0
    var receiveEnded = false
    /// Body bytes that content-length announces and that have not come; nil when it is absent.
    var bodyLeft: Int?
    /// The final response head has come, or the request head.
    var headReceived = false
    var isHead = false
    var informational = 0

    // Sending.
    var sendWindow = 0
    var headSent = false
    /// END_STREAM has been written.
    var sendEnded = false
    /// What waits for window or socket.
    var pending = Deque<ByteBuffer>()
    var pendingBytes = 0
    /// The last of `pending` is a copy of our own, to which small pieces are added.
    private var ownsLastPending = false
    /// The message ends after `pending`.
    var pendingEnd = false
    var pendingTrailers: HeaderBlock?
    /// The head has not been written yet; what follows it waits.
    var isHeld = false
    /// Waits in the connection's queue of blocked streams.
    var isQueued = false
    /// Bytes written whose leaving has not been reported.
    var unreported = 0

    private var flushesBefore = 0
    private var mayHaveBeenProcessed = false

    func begin(_ id: UInt32, _ connection: HTTP2Connection, receiveWindow: Int, sendWindow: Int) {
        self.id = id
        self.connection = connection
        self.tunnel = .none
        self.receiveWindow = receiveWindow
        self.window = receiveWindow
        self.roundBegan = nil
        self.consumedInRound = 0
        self.sendWindow = sendWindow
        self.unconsumed = 0
        self.credit = 0
        self.receiveEnded = false
        self.bodyLeft = nil
        self.headReceived = false
        self.isHead = false
        self.informational = 0
        self.headSent = false
        self.sendEnded = false
        self.pendingBytes = 0
        self.pendingEnd = false
        self.pendingTrailers = nil
        self.isHeld = false
        self.isQueued = false
        self.unreported = 0
        self.flushesBefore = connection.flushes
        self.mayHaveBeenProcessed = false
    }

    func listen(_ receiver: any ServerStreamReceiver) { self.receiver = receiver }

    func listen(_ receiver: any ClientStreamReceiver) {
        self.receiver = receiver
        self.clientReceiver = receiver
    }

    /// Cuts the stream off and returns who was listening.
    func end(refused: Bool = false) -> (any HTTPStreamReceiver)? {
        self.mayHaveBeenProcessed = !refused && self.requestMayHaveBeenProcessed
        let receiver = self.receiver
        self.receiver = nil
        self.clientReceiver = nil
        self.connection = nil
        self.pending.removeAll()
        self.pendingBytes = 0
        self.pendingTrailers = nil
        return receiver
    }

    /// Pieces of at most so many bytes are copied when they have to wait: on the wire they were part of something larger,
    /// and would keep all of that in memory, up to a whole read of the socket.
    private static var copiedPending: Int { 8_192 }
    /// Bytes that such copies are gathered into.
    private static var gatheredPending: Int { 32_768 }

    /// Adds what has to wait. What it costs is in proportion to its bytes, however many pieces they come in.
    func appendPending(_ data: ByteBuffer) {
        let count = data.readableBytes
        self.pendingBytes += count
        guard count <= Self.copiedPending else {
            self.ownsLastPending = false
            return self.pending.append(data)
        }
        let last = self.pending.endIndex - 1
        if last >= 0, self.ownsLastPending, self.pending[last].readableBytes + count <= Self.gatheredPending {
            self.pending[last].writeImmutableBuffer(data)
        } else {
            var own = ByteBuffer()
            own.writeImmutableBuffer(data)
            self.pending.append(own)
            self.ownsLastPending = true
        }
    }

    var hasPending: Bool { !self.pending.isEmpty || self.pendingEnd }

    // MARK: The stream's user

    var requestMayHaveBeenProcessed: Bool {
        self.connection.map { $0.flushes != self.flushesBefore } ?? self.mayHaveBeenProcessed
    }

    var unsentBytes: Int { self.pendingBytes + self.unreported }

    func sendInformational(_ head: ResponseHead) {
        guard let connection = self.connection, !self.headSent, head.status >= 100, head.status < 200,
            head.status != 101
        else { return }
        connection.writeHeaders(self, head.headers, end: false)
    }

    func sendResponse(_ head: ResponseHead, end: Bool) {
        guard let connection = self.connection, !self.headSent else { return }
        self.headSent = true
        switch self.tunnel {
        case .none: connection.writeHeaders(self, head.headers, end: end)
        case .connect, .upgrade, .open: self.sendTunnelResponse(head, end: end, on: connection)
        }
    }

    /// 101 is said as 200 here. Another success, of an application that answers as if it had not been asked for an
    /// upgrade, would be read as that: it is said as a refusal, with the status that it was for a sidecar to restore.
    private func sendTunnelResponse(_ head: ResponseHead, end: Bool, on connection: HTTP2Connection) {
        var headers = head.headers
        headers.remove(.weftUpgradeRefused)
        switch self.tunnel {
        case .connect where head.status / 100 == 2 && !end:
            self.tunnel = .open
            headers.remove(.contentLength)
        case .upgrade where head.status == 101:
            self.tunnel = .open
            headers.set(.status, 200)
            headers.remove(.contentLength)
            headers.remove(.webSocketAccept)
            headers.moveToFront(headers.count - 1)
        case .upgrade where head.status / 100 == 2:
            self.tunnel = .none
            headers.set(.status, HTTP2FieldRules.upgradeRefused)
            headers.moveToFront(headers.count - 1)
            headers.append(.weftUpgradeRefused, head.status)
        case .none, .connect, .upgrade, .open: self.tunnel = .none
        }
        connection.writeHeaders(self, headers, end: end)
    }

    func sendData(_ data: ByteBuffer, end: Bool) {
        guard let connection = self.connection, self.headSent, !self.sendEnded, !self.pendingEnd else { return }
        connection.send(self, data, end: end)
    }

    func sendTrailers(_ trailers: HeaderBlock) {
        guard let connection = self.connection, self.headSent, !self.sendEnded, !self.pendingEnd else { return }
        connection.send(self, trailers: trailers)
    }

    func consumed(_ bytes: Int) { self.connection?.consumed(self, bytes) }

    func reset(_ code: StreamResetCode) {
        guard let connection = self.connection else { return }
        connection.reset(self, code)
    }
}
