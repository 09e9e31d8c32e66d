package import NIOCore
internal import WeftMessage

/// An HTTP/1 connection from downstream: one request at a time is handed on, further ones wait unparsed.
package final class HTTP1ServerConnection: ConnectionHandler, ServerConnection {

    private var delegate: (any ServerConnectionDelegate)?
    let limits: HTTPLimits
    private let scheme: StaticString

    /// The exchange going on.
    var stream: HTTP1ServerStream?
    private var spareStream: HTTP1ServerStream?

    // The request.
    var parsing = false
    private var scanned = 0
    private var skippedEmptyLine = false
    private var headStarted = false
    var inBody = false
    var body = HTTP1BodyDecoder(.none, limits: HTTPLimits())
    var requestDone = true
    private var discarded = 0
    private var unconsumed = 0
    var pace = HTTP1BodyPace()
    /// The next request waits until the peer has taken the answers before it.
    private var waitsForRoom = false

    // The response.
    var isHTTP11 = true
    var isHead = false
    var keepsAlive = true
    var headSent = false
    var responseDone = true
    var responseFraming = BodyFraming.none
    var unsent = 0
    /// When the peer must have taken something of what waits for it.
    var stallDue: NIODeadline?
    private(set) var draining = false

    /// What the request asked the connection to become.
    var tunnel = HTTP1HeadParser.Tunnel.none
    /// It has become that: bytes pass as they are.
    var tunnelIsOpen = false
    private var handsOver = false
    /// What an upgrade names.
    private(set) var upgradeToken: String?

    /// - Parameter scheme: what `:scheme` says for requests that do not say it themselves.
    package init(
        delegate: any ServerConnectionDelegate, limits: HTTPLimits = HTTPLimits(), scheme: StaticString = "http"
    ) {
        self.delegate = delegate
        self.limits = limits
        self.scheme = scheme
        super.init()
    }

    package var openStreams: Int { self.stream == nil ? 0 : 1 }

    package func drain() {
        self.draining = true
        self.keepsAlive = false
        if self.stream == nil, !self.inBody, self.input.readableBytes == 0 { self.closeAfterFlush(linger: false) }
    }

    package func close() { self.abort(.closed) }

    // MARK: Reading requests

    override func connected() { self.setTimeout(self.limits.idleTimeout) }

    override func inputArrived() {
        guard !self.parsing, !self.handsOver else { return }
        self.parsing = true
        var goesOn = true
        while goesOn, !self.isClosing, !self.handsOver {
            do throws(MessageRefusal) {
                if self.tunnelIsOpen {
                    self.readTunnel()
                    goesOn = false
                } else {
                    goesOn = self.inBody ? try self.readBody() : try self.readHead()
                }
            } catch {
                goesOn = false
                self.refuse(error)
            }
        }
        self.parsing = false
        self.updateReading()
    }

    /// Whether the loop may go on.
    private func readHead() throws(MessageRefusal) -> Bool {
        if self.stream != nil {
            // It has asked for all that it will and nobody listens any more; whoever only ends a direction looks the same.
            if self.inputEnded, self.requestDone, self.input.readableBytes == 0 { self.closeNow(.closed) }
            return false
        }
        guard self.input.readableBytes > 0 else {
            if self.inputEnded { self.closeAfterFlush(linger: false) }
            return false
        }
        // A peer that asks and asks and never reads must not make answers pile up.
        guard self.writable else {
            if !self.waitsForRoom {
                self.waitsForRoom = true
                self.setTimeout(self.limits.stallTimeout)
            }
            return false
        }
        let parser = HTTP1HeadParser(limits: self.limits)
        var scanned = self.scanned
        var skipsLine = false
        let mayskip = !self.skippedEmptyLine
        let scheme = self.scheme
        let outcome = self.input.withUnsafeReadableBytes { bytes in
            Result { () throws(MessageRefusal) -> (HTTP1HeadParser.Request, HeaderBlock, Int)? in
                if mayskip, bytes[0] == UInt8(ascii: "\r"), bytes.count == 1 || bytes[1] == UInt8(ascii: "\n") {
                    skipsLine = bytes.count > 1
                    return nil
                }
                guard TokenTable.shared.folded[Int(bytes[0])] != 0 else { throw .malformed("no request line") }
                guard let length = try parser.headLength(bytes, scanned: &scanned) else { return nil }
                var block = HeaderBlock(reservingBytes: length + 192, fields: 24)
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                let request = try parser.request(head, scheme: scheme, into: &block)
                return (request, block, length)
            }
        }
        if skipsLine {
            self.input.moveReaderIndex(forwardBy: 2)
            self.skippedEmptyLine = true
            return true
        }
        guard let (request, block, length) = try outcome.get() else {
            self.scanned = scanned
            if self.inputEnded {
                self.closeAfterFlush(linger: false)
            } else if !self.headStarted {
                self.headStarted = true
                self.setTimeout(self.limits.headTimeout)
            }
            return false
        }
        self.input.moveReaderIndex(forwardBy: length)
        self.begin(request, block)
        return true
    }

    private func begin(_ request: HTTP1HeadParser.Request, _ block: consuming HeaderBlock) {
        self.scanned = 0
        self.skippedEmptyLine = false
        self.headStarted = false
        self.setTimeout(nil)
        self.isHTTP11 = request.isHTTP11
        self.isHead = request.method == .head
        self.keepsAlive = request.keepsAlive && !self.draining
        self.headSent = false
        self.responseDone = false
        self.tunnel = request.tunnel
        self.tunnelIsOpen = false
        if case .upgrade = request.tunnel { self.upgradeToken = block[.connectProtocol] }
        self.requestDone = request.framing == .none && request.tunnel == .none
        self.inBody = request.framing != .none
        self.discarded = 0
        self.unconsumed = 0
        self.unsent = 0
        self.stallDue = nil
        self.pace.stop()
        if self.inBody { self.body = HTTP1BodyDecoder(request.framing, limits: self.limits) }

        guard let delegate = self.delegate else { return }
        let stream = self.takeStream()
        stream.connection = self
        self.stream = stream
        let receiver = delegate.connectionOpened(stream)
        stream.receiver = receiver
        receiver.streamReceived(
            request: RequestHead(method: request.method, headers: block), end: self.requestDone)
        if request.expectsContinue, self.stream === stream, !self.headSent {
            self.output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
            self.flushSoon()
        }
    }

    /// The last exchange's stream when its user has let go of it, or a new one.
    private func takeStream() -> HTTP1ServerStream {
        let isFree = self.spareStream != nil && isKnownUniquelyReferenced(&self.spareStream)
        defer { self.spareStream = nil }
        if isFree, let spare = self.spareStream { return spare }
        return HTTP1ServerStream()
    }

    /// Whether the loop may go on.
    private func readBody() throws(MessageRefusal) -> Bool {
        var held: ByteBuffer?
        let stream = self.stream
        while true {
            switch try self.body.next(&self.input) {
            case .data(let data):
                if self.body.isDone { return self.endRequest(data, stream) }
                // Kept back for a moment: it may prove to be the last.
                if let chunk = held, !self.deliver(chunk, stream) { return false }
                held = data
            case .needsMore:
                if let chunk = held, !self.deliver(chunk, stream) { return false }
                if self.inputEnded { self.closeNow(.closed) }
                return false
            case .end:
                return self.endRequest(held ?? ByteBuffer(), stream)
            case .trailers(let trailers):
                if let chunk = held, !self.deliver(chunk, stream) { return false }
                self.bodyEnded()
                stream?.receiver?.streamReceived(trailers: trailers)
                self.exchangeAdvanced()
                return true
            }
        }
    }

    /// False when the connection closes because of it.
    private func deliver(_ data: ByteBuffer, _ stream: HTTP1ServerStream?) -> Bool {
        self.pace.received(data.readableBytes)
        if let stream, self.stream === stream {
            self.unconsumed += data.readableBytes
            stream.receiver?.streamReceived(data: data, end: false)
        } else {
            self.discarded += data.readableBytes
            if self.discarded > self.limits.maxDiscardedBytes { self.closeAfterFlush(linger: true) }
        }
        return !self.isClosing
    }

    private func endRequest(_ data: ByteBuffer, _ stream: HTTP1ServerStream?) -> Bool {
        self.bodyEnded()
        if let stream, self.stream === stream {
            self.unconsumed += data.readableBytes
            stream.receiver?.streamReceived(data: data, end: true)
        }
        self.exchangeAdvanced()
        return true
    }

    private func bodyEnded() {
        self.requestDone = true
        self.inBody = false
        guard self.pace.due != nil else { return }
        self.pace.stop()
        self.armTimer()
    }

    /// Hands on whatever has come, and the end of it.
    private func readTunnel() {
        guard let stream = self.stream, !self.requestDone else {
            self.input = ByteBuffer()
            return
        }
        let data = self.input
        self.input = ByteBuffer()
        self.unconsumed += data.readableBytes
        if self.inputEnded {
            self.requestDone = true
            stream.receiver?.streamReceived(data: data, end: true)
            self.exchangeAdvanced()
        } else if data.readableBytes > 0 {
            stream.receiver?.streamReceived(data: data, end: false)
        }
    }

    func consumed(_ bytes: Int) {
        self.unconsumed = max(0, self.unconsumed - bytes)
        self.updateReading()
    }

    /// Stops reading while the receiver lags behind, or while a pipelined request waits.
    private func updateReading() {
        guard !self.isClosing else { return }
        if self.unconsumed >= self.limits.receiveBufferBytes || self.waitsForRoom
            || self.stream != nil && !self.inBody && !self.tunnelIsOpen && self.input.readableBytes > 0
        {
            self.pauseReading()
        } else {
            self.resumeReading()
        }
        if self.inBody { self.watchBody() }
    }

    /// Reads no more requests: what follows the answer under way, a CONNECT's, goes to another handler in its place.
    package func handOver(to successor: any ChannelHandler) {
        guard let context = self.context else { return }
        self.handsOver = true
        let bound = NIOLoopBound((self, successor), eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.0.makeWay(for: bound.value.1) }
    }

    private func makeWay(for successor: any ChannelHandler) {
        guard let context = self.context, !self.isClosing else { return }
        self.setTimeout(nil)
        self.flushNow()
        let rest = self.input
        self.input = ByteBuffer()
        self.resumeReading()
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(successor, position: .after(self))
        } catch {
            return self.closeNow(.transport("\(error)"))
        }
        // The connection goes on, under another codec.
        self.delegate = nil
        if rest.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(rest))
            context.fireChannelReadComplete()
        }
        if self.inputEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        pipeline.removeHandler(context: context, promise: nil)
    }

    // MARK: Endings

    /// Looks whether the exchange has ended, after either direction has.
    func exchangeAdvanced() {
        guard self.responseDone, !self.isClosing, !self.tunnelIsOpen || self.requestDone else { return }
        if let stream = self.stream {
            self.stream = nil
            self.unconsumed = 0
            self.stallDue = nil
            self.pace.stop()
            let receiver = stream.end()
            self.spareStream = stream
            if self.unsent > 0 {
                let bytes = self.unsent
                self.unsent = 0
                receiver?.streamSent(bytes: bytes)
            }
            receiver?.streamClosed()
            guard !self.isClosing else { return }
        }
        if !self.keepsAlive || self.inputEnded {
            return self.closeAfterFlush(linger: !self.requestDone || self.input.readableBytes > 0)
        }
        guard self.requestDone else {
            // The rest of an unwanted body is read and dropped, within bounds.
            self.setTimeout(self.limits.headTimeout)
            if !self.parsing { self.updateReading() }
            return
        }
        self.setTimeout(self.limits.idleTimeout)
        if !self.parsing { self.parseLater() }
    }

    /// The next request waits in `input`; it is not begun from within a call of the last one's receiver.
    func parseLater() {
        guard self.input.readableBytes > 0 || self.inputEnded, let context = self.context else {
            return self.updateReading()
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.inReadCycle = true
            bound.value.inputArrived()
            bound.value.inReadCycle = false
            bound.value.flushSoon()
        }
    }

    /// Answers what cannot be a request, or ends one whose body is malformed or late, and closes.
    func refuse(_ refusal: MessageRefusal) {
        if let stream = self.stream {
            self.stream = nil
            let receiver = stream.end()
            let reason: ConnectionEnd = refusal.status == 408 ? .timeout : .protocolError(refusal.cause)
            if self.headSent {
                self.cutOff(reason)
            } else {
                let answer = self.delegate?.connectionAnswer(to: refusal, requestID: receiver?.requestID)
                self.writeRefusal(refusal, answer)
                self.closeAfterFlush(linger: true, reason: reason)
            }
            receiver?.streamFailed(refusal.failure)
        } else if self.inBody {
            self.closeAfterFlush(linger: true, reason: .protocolError(refusal.cause))
        } else {
            self.refuseHead(refusal, .protocolError(refusal.cause))
        }
    }

    private func refuseHead(_ refusal: MessageRefusal, _ reason: ConnectionEnd) {
        let request = self.input.withUnsafeReadableBytes { RefusedRequest(head: $0) }
        self.writeRefusal(refusal, self.delegate?.connectionRefused(refusal, of: request))
        self.closeAfterFlush(linger: true, reason: reason)
    }

    private func writeRefusal(_ refusal: MessageRefusal, _ answer: (head: ResponseHead, body: [UInt8])?) {
        var additions = HTTP1HeadWriter.Additions()
        additions.close = true
        var head = answer?.head ?? ResponseHead(status: refusal.status)
        if refusal.status == 426 {
            // RFC 6455 §4.4: which version would be understood.
            additions.upgrade = "websocket"
            head.headers.set(.webSocketVersion, 13)
        }
        additions.zeroLength = answer == nil
        HTTP1HeadWriter.writeResponse(head, isHTTP11: true, additions, into: &self.output)
        if let answer { self.output.writeBytes(answer.body) }
    }

    /// Ends the connection in the middle of a response, when what has been written of it has left. Where the end of the
    /// connection is all that ends the response, it must not be taken for that.
    func cutOff(_ reason: ConnectionEnd) {
        guard self.responseFraming == .untilClose, self.headSent, !self.responseDone else {
            return self.closeAfterFlush(linger: !self.requestDone || self.input.readableBytes > 0, reason: reason)
        }
        self.flushNow()
        self.abort(reason)
    }

    override func timedOut() {
        if self.stream != nil {
            self.exchangeTimedOut()
        } else if self.waitsForRoom {
            self.abort(.timeout)
        } else if self.headStarted {
            self.refuseHead(MessageRefusal(status: 408, cause: "the head took too long"), .timeout)
        } else {
            self.closeAfterFlush(linger: self.inBody, reason: .timeout)
        }
    }

    override func outputLeft() {
        if let stream = self.stream {
            self.stallDue = nil
            if self.pace.due == nil { self.setTimeout(nil) } else { self.armTimer() }
            if self.unsent > 0 {
                let bytes = self.unsent
                self.unsent = 0
                stream.receiver?.streamSent(bytes: bytes)
            }
        } else if self.waitsForRoom {
            self.waitsForRoom = false
            self.setTimeout(self.limits.idleTimeout)
            self.parseLater()
        }
    }

    override func disconnected(_ reason: ConnectionEnd) {
        if let stream = self.stream {
            self.stream = nil
            stream.end()?.streamFailed(StreamFailure(reason))
        }
        let delegate = self.delegate
        self.delegate = nil
        self.spareStream = nil
        delegate?.connectionClosed(reason)
    }
}

extension StreamFailure {
    /// What a connection's end means for a stream that was still open.
    init(_ end: ConnectionEnd) {
        self =
            switch end {
            case .closed, .timeout: .connectionClosed
            case .protocolError(let cause): .protocolError(cause)
            case .transport(let cause): .transport(cause)
            }
    }
}
