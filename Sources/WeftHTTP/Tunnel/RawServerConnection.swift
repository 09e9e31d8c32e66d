internal import NIOCore
internal import WeftMessage

/// A TCP connection from downstream whose bytes pass as they are: one stream, a CONNECT to where the connection leads.
///
/// A success opens it without a byte being written; every other answer closes it, since nothing can be said to a caller
/// whose protocol is not known. The ends of the two directions are FINs, and a reset stream is a reset connection.
package final class RawServerConnection: ConnectionHandler, ServerConnection {
    private var delegate: (any ServerConnectionDelegate)?
    private let limits: HTTPLimits
    private let authority: String
    private var stream: RawServerStream?
    private var receiver: (any ServerStreamReceiver)?
    private var unconsumed = 0
    fileprivate private(set) var unsent = 0
    private var inputTold = false
    private var outputEnded = false
    private var isOpen = false
    /// Told, once, that the other side has something to say before this one has said anything.
    package var onFirstBytes: (() -> Void)?
    /// Asked whether a refusal shall leave the connection open, to be read in another way.
    package var keepsOpen: (() -> Bool)?

    /// - Parameter authority: where the connection leads, as a CONNECT would say it.
    package init(delegate: any ServerConnectionDelegate, limits: HTTPLimits, authority: String) {
        self.delegate = delegate
        self.limits = limits
        self.authority = authority
        super.init()
    }

    package var openStreams: Int { self.stream == nil ? 0 : 1 }

    /// Nothing can be announced on such a connection: it goes on until its ends close it, or the drain's time is over.
    package func drain() {}

    package func close() { self.abort(.closed) }

    override func connected() {
        guard let delegate = self.delegate else { return }
        let stream = RawServerStream(connection: self)
        self.stream = stream
        let receiver = delegate.connectionOpened(stream)
        self.receiver = receiver
        var headers = HeaderBlock(reservingBytes: 128, fields: 8)
        headers.append(.method, HTTPMethod.connect.text)
        headers.append(.authority, self.authority)
        receiver.streamReceived(request: RequestHead(method: .connect, headers: headers), end: false)
    }

    override func inputArrived() {
        guard let receiver = self.receiver, !self.inputTold else {
            self.input = ByteBuffer()
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

    fileprivate func respond(_ head: ResponseHead, end: Bool) {
        guard !self.isOpen, self.stream != nil else { return }
        if head.status / 100 == 2, !end {
            self.isOpen = true
        } else {
            self.finish()
            if self.keepsOpen?() != true { self.abort(.closed) }
        }
    }

    fileprivate func send(_ data: ByteBuffer, end: Bool) {
        guard self.isOpen, !self.outputEnded, self.stream != nil else { return }
        if let tell = self.onFirstBytes {
            self.onFirstBytes = nil
            tell()
        }
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
        if self.unconsumed >= self.limits.receiveBufferBytes { self.pauseReading() } else { self.resumeReading() }
    }

    override func outputLeft() {
        guard self.unsent > 0 else { return }
        self.setTimeout(nil)
        let bytes = self.unsent
        self.unsent = 0
        self.receiver?.streamSent(bytes: bytes)
    }

    private func closeIfDone() {
        guard self.inputTold, self.outputEnded else { return }
        self.finish()
        self.closeAfterFlush(linger: false)
    }

    /// Lets go of the stream, whose directions have both ended.
    private func finish() {
        let receiver = self.receiver
        self.stream?.connection = nil
        self.stream = nil
        self.receiver = nil
        if self.unsent > 0 {
            let bytes = self.unsent
            self.unsent = 0
            receiver?.streamSent(bytes: bytes)
        }
        receiver?.streamClosed()
    }

    /// Nothing leaves although the other side has bytes for it.
    override func timedOut() { self.abort(.timeout) }

    override func disconnected(_ reason: ConnectionEnd) {
        let receiver = self.receiver
        self.stream?.connection = nil
        self.stream = nil
        self.receiver = nil
        receiver?.streamFailed(StreamFailure(reason))
        self.onFirstBytes = nil
        self.keepsOpen = nil
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionClosed(reason)
    }
}

/// The one stream of a raw connection.
private final class RawServerStream: ServerStream {
    /// Nil once the stream has ended.
    var connection: RawServerConnection?

    init(connection: RawServerConnection) { self.connection = connection }

    func sendInformational(_ head: ResponseHead) {}
    func sendResponse(_ head: ResponseHead, end: Bool) { self.connection?.respond(head, end: end) }
    func sendData(_ data: ByteBuffer, end: Bool) { self.connection?.send(data, end: end) }
    func sendTrailers(_ trailers: HeaderBlock) { self.connection?.send(ByteBuffer(), end: true) }
    func consumed(_ bytes: Int) { self.connection?.consumed(bytes) }
    func reset(_ code: StreamResetCode) {
        let connection = self.connection
        self.connection = nil
        connection?.reset()
    }
    var unsentBytes: Int { self.connection?.unsent ?? 0 }
}
