internal import NIOCore
package import WeftMessage

/// A TCP connection to upstream whose bytes pass as they are: it carries one stream, a CONNECT that is accepted at once,
/// and is never used again.
package final class RawClientConnection: ConnectionHandler, ClientConnection {
    private var delegate: (any ClientConnectionDelegate)?
    private let limits: HTTPLimits
    private var stream: RawClientStream?
    private var receiver: (any ClientStreamReceiver)?
    private var isConnected = false
    private var isTaken = false
    private var hasResponded = false
    private var inputTold = false
    private var outputEnded = false
    private var unconsumed = 0
    fileprivate private(set) var unsent = 0

    package init(delegate: any ClientConnectionDelegate, limits: HTTPLimits = HTTPLimits()) {
        self.delegate = delegate
        self.limits = limits
        super.init()
    }

    package var openStreams: Int { self.stream == nil ? 0 : 1 }
    package var availableStreams: Int { self.isConnected && !self.isTaken && !self.isClosing ? 1 : 0 }

    package func drain() {
        guard !self.isTaken else { return }
        self.isTaken = true
        self.closeNow(.closed)
    }

    package func close() { self.closeNow(.closed) }

    override func connected() {
        self.isConnected = true
        self.setTimeout(self.limits.idleTimeout)
        self.delegate?.connectionHasCapacity()
    }

    package func open(_ head: RequestHead, end: Bool, receiver: any ClientStreamReceiver) -> (any ClientStream)? {
        guard self.availableStreams > 0, let context = self.context else { return nil }
        self.isTaken = true
        self.setTimeout(nil)
        let stream = RawClientStream(connection: self)
        self.stream = stream
        self.receiver = receiver
        self.delegate?.connectionStoppedAccepting()
        // The caller has the stream only when this returns.
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.begin() }
        return stream
    }

    private func begin() {
        guard let receiver = self.receiver else { return }
        self.hasResponded = true
        receiver.streamReceived(response: ResponseHead(status: 200), end: false)
        self.inputArrived()
    }

    override func inputArrived() {
        guard self.hasResponded, let receiver = self.receiver, !self.inputTold else {
            if self.isTaken, self.receiver == nil {
                self.input = ByteBuffer()
            } else if self.inputEnded, !self.isTaken {
                self.closeNow(.closed)
            } else {
                self.updateReading()
            }
            return
        }
        let data = self.input
        self.input = ByteBuffer()
        self.unconsumed += data.readableBytes
        if self.inputEnded {
            self.inputTold = true
            receiver.streamReceived(data: data, end: true)
            self.closeIfDone()
        } else if data.readableBytes > 0 {
            receiver.streamReceived(data: data, end: false)
            self.updateReading()
        }
    }

    fileprivate func send(_ data: ByteBuffer, end: Bool) {
        guard !self.outputEnded, self.stream != nil else { return }
        if data.readableBytes > 0 {
            self.unsent += data.readableBytes
            self.writeThrough(data)
        }
        if end {
            self.outputEnded = true
            self.endOutput()
            self.closeIfDone()
        } else {
            self.flushSoon()
        }
        if !self.writable { self.setTimeout(self.limits.stallTimeout) }
    }

    fileprivate func consumed(_ bytes: Int) {
        self.unconsumed = max(0, self.unconsumed - bytes)
        self.updateReading()
    }

    fileprivate func reset() {
        self.stream = nil
        self.receiver = nil
        self.abort(.closed)
    }

    private func updateReading() {
        guard !self.isClosing else { return }
        if self.unconsumed + self.input.readableBytes >= self.limits.receiveBufferBytes {
            self.pauseReading()
        } else {
            self.resumeReading()
        }
    }

    override func outputLeft() {
        guard self.unsent > 0 else { return }
        self.setTimeout(nil)
        let bytes = self.unsent
        self.unsent = 0
        self.receiver?.streamSent(bytes: bytes)
    }

    private func closeIfDone() {
        guard self.inputTold, self.outputEnded, let receiver = self.receiver else { return }
        self.stream?.connection = nil
        self.stream = nil
        self.receiver = nil
        if self.unsent > 0 {
            let bytes = self.unsent
            self.unsent = 0
            receiver.streamSent(bytes: bytes)
        }
        receiver.streamClosed()
        self.closeAfterFlush(linger: false)
    }

    override func timedOut() { self.isTaken ? self.abort(.timeout) : self.closeNow(.closed) }

    override func disconnected(_ reason: ConnectionEnd) {
        let receiver = self.receiver
        self.isTaken = true
        self.stream?.connection = nil
        self.stream = nil
        self.receiver = nil
        receiver?.streamFailed(StreamFailure(reason))
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionClosed(reason)
    }
}

/// The one stream of a raw connection.
private final class RawClientStream: ClientStream {
    /// Nil once the stream has ended.
    var connection: RawClientConnection?
    private var hasSent = false

    init(connection: RawClientConnection) { self.connection = connection }

    /// The connection itself is news to an application, yet no byte of the caller's has reached it.
    var requestMayHaveBeenProcessed: Bool { self.hasSent }

    func sendData(_ data: ByteBuffer, end: Bool) {
        if data.readableBytes > 0 { self.hasSent = true }
        self.connection?.send(data, end: end)
    }
    func sendTrailers(_ trailers: HeaderBlock) { self.connection?.send(ByteBuffer(), end: true) }
    func consumed(_ bytes: Int) { self.connection?.consumed(bytes) }
    func reset(_ code: StreamResetCode) {
        let connection = self.connection
        self.connection = nil
        connection?.reset()
    }
    var unsentBytes: Int { self.connection?.unsent ?? 0 }
}
