internal import NIOCore
package import WeftMessage

/// An HTTP/1 connection to upstream: one exchange at a time, used again only when a response was read to its exact end.
package final class HTTP1ClientConnection: ConnectionHandler, ClientConnection {
    private var delegate: (any ClientConnectionDelegate)?
    private let limits: HTTPLimits

    private var stream: HTTP1ClientStream?
    private var spareStream: HTTP1ClientStream?
    private var isConnected = false
    private var stopped = false

    // The request.
    private var requestDone = true
    private var requestFraming = BodyFraming.none
    private var method = HTTPMethod.get
    private(set) var unsent = 0
    private var tunnel = HTTP1ClientTunnel.none

    // The response.
    private var parsing = false
    private var scanned = 0
    private var inBody = false
    private var body = HTTP1BodyDecoder(.none, limits: HTTPLimits())
    private var informational = 0
    private var unconsumed = 0
    private var responseIsWhole = false
    /// Nil where the server does not say how long it keeps an unused connection.
    private var keptFor: TimeAmount?
    private var pace = HTTP1BodyPace()

    package init(delegate: any ClientConnectionDelegate, limits: HTTPLimits = HTTPLimits()) {
        self.delegate = delegate
        self.limits = limits
        super.init()
    }

    package var openStreams: Int { self.stream == nil ? 0 : 1 }

    package var availableStreams: Int {
        self.isConnected && !self.stopped && self.stream == nil && !self.isClosing ? 1 : 0
    }

    package func drain() {
        self.stopped = true
        if self.stream == nil { self.closeAfterFlush(linger: false) }
    }

    package func close() { self.closeNow(.closed) }

    override func connected() {
        self.isConnected = true
        self.setTimeout(self.limits.idleTimeout)
        self.delegate?.connectionHasCapacity()
    }

    // MARK: Requests

    package func open(_ head: RequestHead, end: Bool, receiver: any ClientStreamReceiver) -> (any ClientStream)? {
        guard self.availableStreams > 0 else { return nil }
        self.setTimeout(nil)
        self.method = head.method
        self.requestDone = end
        self.inBody = false
        self.scanned = 0
        self.informational = 0
        self.unconsumed = 0
        self.responseIsWhole = false
        self.unsent = 0
        self.pace.stop()
        let stream = self.takeStream()
        stream.begin(self, receiver, flushes: self.flushes)
        self.stream = stream

        var additions = HTTP1HeadWriter.Additions()
        let length = head.headers.number(.contentLength)
        self.tunnel = .none
        if let token = head.headers[.connectProtocol] {
            self.tunnel = .asked(HTTP1ClientTunnel.Asked(token: token))
            if case .asked(let asked) = self.tunnel {
                additions.upgrade = token
                additions.webSocket = asked.key
                additions.addsWebSocketVersion = asked.key != nil && !head.headers.contains(.webSocketVersion)
            }
            additions.dropsContentLength = true
            self.requestFraming = .none
        } else if end {
            switch head.method {
            case .post, .put, .patch: additions.zeroLength = true
            default: additions.dropsContentLength = length != 0
            }
            self.requestFraming = .none
        } else if let length {
            self.requestFraming = .length(length)
        } else {
            additions.chunked = true
            self.requestFraming = .chunked
        }
        HTTP1HeadWriter.writeRequest(head, additions, into: &self.output)
        if end { self.flushAtOnce() } else { self.flushSoon() }
        return stream
    }

    /// The last exchange's stream when its user has let go of it, or a new one.
    private func takeStream() -> HTTP1ClientStream {
        let isFree = self.spareStream != nil && isKnownUniquelyReferenced(&self.spareStream)
        defer { self.spareStream = nil }
        if isFree, let spare = self.spareStream { return spare }
        return HTTP1ClientStream()
    }

    func sendData(_ data: ByteBuffer, end: Bool) {
        guard !self.requestDone else { return }
        if self.tunnel != .none { return self.sendThroughTunnel(data, end: end) }
        let count = data.readableBytes
        switch self.requestFraming {
        case .chunked:
            if count > 0 {
                HTTP1HeadWriter.writeChunkSize(count, into: &self.output)
                self.writeBody(data)
                self.output.writeStaticString("\r\n")
            }
            if end { self.output.writeStaticString("0\r\n\r\n") }
        case .length(let remaining):
            guard count <= remaining, !end || count == remaining else {
                return self.fail(.protocolError("the request body does not have its announced length"))
            }
            self.requestFraming = .length(remaining - count)
            self.writeBody(data)
        case .none, .untilClose: break
        }
        if end {
            self.requestDone = true
            self.flushAtOnce()
        } else {
            self.flushSoon()
        }
    }

    /// Nothing passes before the other side has said that it takes it; until then it waits.
    private func sendThroughTunnel(_ data: ByteBuffer, end: Bool) {
        if case .asked(var asked) = self.tunnel {
            asked.held.writeImmutableBuffer(data)
            asked.heldEnd = end
            self.tunnel = .asked(asked)
            return
        }
        if data.readableBytes > 0 { self.writeBody(data) }
        guard end else { return self.flushSoon() }
        self.requestDone = true
        self.endOutput()
        if self.stream != nil, self.responseIsWhole { self.responseEnded() }
    }

    func sendTrailers(_ trailers: HeaderBlock) {
        guard !self.requestDone else { return }
        if self.tunnel != .none { return self.sendThroughTunnel(ByteBuffer(), end: true) }
        switch self.requestFraming {
        case .chunked: HTTP1HeadWriter.writeTrailers(trailers, into: &self.output)
        case .length(let remaining) where remaining > 0:
            return self.fail(.protocolError("the request body does not have its announced length"))
        case .none, .length, .untilClose: break
        }
        self.requestDone = true
        self.flushAtOnce()
    }

    func reset() {
        guard let stream = self.stream else { return }
        self.stream = nil
        _ = stream.end()
        self.stopAccepting()
        if self.tunnel == .open { self.abort(.closed) } else { self.closeNow(.closed) }
    }

    private func writeBody(_ data: ByteBuffer) {
        let count = data.readableBytes
        self.unsent += count
        if count > copiedBodyBound {
            self.writeThrough(data)
        } else {
            self.output.writeImmutableBuffer(data)
        }
    }

    override func outputLeft() {
        guard self.unsent > 0, let stream = self.stream else { return }
        let bytes = self.unsent
        self.unsent = 0
        stream.receiver?.streamSent(bytes: bytes)
    }

    // MARK: Responses

    override func inputArrived() {
        guard !self.parsing else { return }
        self.parsing = true
        var goesOn = true
        while goesOn, !self.isClosing {
            guard self.stream != nil else {
                if self.input.readableBytes > 0 {
                    self.closeNow(.protocolError("bytes that belong to no response"))
                } else if self.inputEnded {
                    self.closeNow(.closed)
                }
                break
            }
            if self.tunnel == .open, self.responseIsWhole { break }
            do throws(MessageRefusal) {
                goesOn = self.inBody ? try self.readBody() : try self.readHead()
            } catch {
                goesOn = false
                self.fail(error.failure)
            }
        }
        self.parsing = false
        self.updateReading()
    }

    /// Whether the loop may go on.
    private func readHead() throws(MessageRefusal) -> Bool {
        guard self.input.readableBytes > 0 else {
            if self.inputEnded { self.closeNow(.closed) }
            return false
        }
        let parser = HTTP1HeadParser(limits: self.limits)
        let method = self.method
        var scanned = self.scanned
        let outcome = self.input.withUnsafeReadableBytes { bytes in
            Result { () throws(MessageRefusal) -> (HTTP1HeadParser.Response, HeaderBlock, Int)? in
                guard bytes[0] == UInt8(ascii: "H") else { throw .malformed("no status line") }
                guard let length = try parser.headLength(bytes, scanned: &scanned) else { return nil }
                var block = HeaderBlock(reservingBytes: length + 192, fields: 24)
                let head = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                let response = try parser.response(head, method: method, into: &block)
                return (response, block, length)
            }
        }
        self.scanned = scanned
        guard let (response, block, length) = try outcome.get() else {
            if self.inputEnded { throw .malformed("the connection closed within a head") }
            return false
        }
        self.scanned = 0
        self.input.moveReaderIndex(forwardBy: length)
        let head = ResponseHead(status: response.status, headers: block)
        if response.status == 101 { return try self.openTunnel(response, head) }
        if response.status < 200 {
            self.informational += 1
            guard self.informational <= 32 else { throw .malformed("too many informational responses") }
            self.stream?.receiver?.streamReceived(informational: head)
            return true
        }
        if !response.keepsAlive { self.stopAccepting() }
        if let seconds = response.keepAliveSeconds { self.keptFor = Self.unusedTime(whereServerKeeps: seconds) }
        if self.tunnel != .none {
            self.tunnel = .none
            self.requestDone = true
        }
        let end = response.framing == .none
        self.inBody = !end
        if !end {
            self.body = HTTP1BodyDecoder(response.framing, limits: self.limits)
            // A body that is malformed from its first byte spoils the response while it can still be replaced by an error.
            if response.framing == .chunked, self.input.readableBytes > 0 {
                var body = self.body
                var input = self.input
                _ = try body.next(&input)
            }
        }
        let stream = self.stream
        stream?.receiver?.streamReceived(response: head, end: end)
        if end, self.stream === stream { self.responseEnded() }
        return true
    }

    /// The other side takes the upgrade: what follows on the connection are bytes, both ways.
    private func openTunnel(
        _ response: HTTP1HeadParser.Response, _ head: ResponseHead
    ) throws(MessageRefusal) -> Bool {
        guard case .asked(let asked) = self.tunnel else { throw .malformed("an upgrade that was not asked for") }
        guard response.upgrade?.lowercased() == asked.token.lowercased() else {
            throw .malformed("an upgrade to something else than was asked for")
        }
        var head = head
        if let accept = asked.accept {
            guard head.headers[.webSocketAccept] == accept else {
                throw .malformed("a WebSocket handshake with a wrong proof")
            }
            head.headers.remove(.webSocketAccept)
        }
        self.tunnel = .open
        self.stopAccepting()
        self.inBody = true
        self.body = HTTP1BodyDecoder(.untilClose, limits: self.limits)
        let stream = self.stream
        stream?.receiver?.streamReceived(response: head, end: false)
        guard self.stream === stream, !self.isClosing else { return false }
        if asked.held.readableBytes > 0 || asked.heldEnd {
            self.sendThroughTunnel(asked.held, end: asked.heldEnd)
        }
        return true
    }

    /// Whether the loop may go on.
    private func readBody() throws(MessageRefusal) -> Bool {
        var held: ByteBuffer?
        while true {
            switch try self.body.next(&self.input) {
            case .data(let data):
                if self.body.isDone { return self.endResponse(data) }
                if let chunk = held, !self.deliver(chunk) { return false }
                held = data
            case .needsMore:
                if self.inputEnded, self.body.endsWithConnection { return self.endResponse(held ?? ByteBuffer()) }
                if let chunk = held, !self.deliver(chunk) { return false }
                if self.inputEnded { self.closeNow(.closed) }
                return false
            case .end:
                return self.endResponse(held ?? ByteBuffer())
            case .trailers(let trailers):
                if let chunk = held, !self.deliver(chunk) { return false }
                let stream = self.stream
                stream?.receiver?.streamReceived(trailers: trailers)
                if self.stream === stream { self.responseEnded() }
                return true
            }
        }
    }

    private func deliver(_ data: ByteBuffer) -> Bool {
        self.unconsumed += data.readableBytes
        self.stream?.receiver?.streamReceived(data: data, end: false)
        return !self.isClosing && self.stream != nil
    }

    private func endResponse(_ data: ByteBuffer) -> Bool {
        let stream = self.stream
        self.unconsumed += data.readableBytes
        self.responseIsWhole = true
        stream?.receiver?.streamReceived(data: data, end: true)
        // The other direction of a tunnel goes on.
        if self.tunnel == .open, !self.requestDone {
            self.inBody = false
            return false
        }
        if self.stream === stream { self.responseEnded() }
        return true
    }

    /// What the server said last of how long it keeps an unused connection, less what a request takes to get there.
    private static func unusedTime(whereServerKeeps seconds: Int) -> TimeAmount {
        .milliseconds(max(100, Int64(min(seconds, 86_400)) * 1000 - 500))
    }

    /// How long an unused connection is kept: below what the server keeps it, so that no request meets its end.
    private var idleTimeout: TimeAmount? {
        guard let kept = self.keptFor else { return self.limits.idleTimeout }
        return self.limits.idleTimeout.map { min($0, kept) } ?? kept
    }

    private func responseEnded() {
        self.inBody = false
        guard let stream = self.stream else { return }
        self.stream = nil
        self.unconsumed = 0
        self.pace.stop()
        let receiver = stream.end()
        self.spareStream = stream
        // A request cut short by its answer, or bytes after the answer, leave nothing to build upon.
        let reusable =
            self.requestDone && !self.stopped && !self.inputEnded && self.input.readableBytes == 0
        if !reusable { self.stopAccepting() }
        receiver?.streamClosed()
        guard !self.isClosing else { return }
        if reusable {
            guard self.stream == nil else { return }
            self.setTimeout(self.idleTimeout)
            self.delegate?.connectionHasCapacity()
        } else {
            self.closeNow(.closed)
        }
    }

    private func stopAccepting() {
        guard !self.stopped else { return }
        self.stopped = true
        self.delegate?.connectionStoppedAccepting()
    }

    private func fail(_ failure: StreamFailure) {
        self.stopAccepting()
        let receiver = self.stream?.end()
        self.stream = nil
        if case .protocolError(let cause) = failure {
            self.closeNow(.protocolError(cause))
        } else {
            self.closeNow(.protocolError("the head is too large"))
        }
        receiver?.streamFailed(failure)
    }

    func consumed(_ bytes: Int) {
        self.unconsumed = max(0, self.unconsumed - bytes)
        self.updateReading()
    }

    private func updateReading() {
        if self.unconsumed >= self.limits.receiveBufferBytes, !self.isClosing {
            self.pauseReading()
        } else {
            self.resumeReading()
        }
        if self.inBody { self.watchLine() }
    }

    /// A line of a chunked body that has begun must end in time, and trailers as a whole. Otherwise how slowly a response
    /// comes is for the deadlines of its request to judge.
    private func watchLine() {
        guard self.stream != nil, !self.parsing, let context = self.context else { return }
        var owed = self.isPaused ? .nothing : self.body.owed(self.input)
        if owed == .chunk || owed == .bytes { owed = .nothing }
        let due = self.pace.due
        self.pace.awaits(owed, self.limits, now: context.eventLoop.now)
        if self.pace.due != due { self.setTimeout(self.pace.due.map { $0 - context.eventLoop.now }) }
    }

    // MARK: Endings

    override func timedOut() {
        if self.stream != nil {
            guard let now = self.context?.eventLoop.now, self.pace.isLate(self.limits, now: now) else { return }
            return self.fail(.protocolError("a line of a chunked body took too long"))
        }
        self.stopAccepting()
        self.closeNow(.closed)
    }

    override func disconnected(_ reason: ConnectionEnd) {
        self.stopped = true
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

/// An upgrade as the side that asks for it sees it.
private enum HTTP1ClientTunnel: Equatable {
    case none
    case asked(Asked)
    case open

    struct Asked: Equatable {
        let token: String
        /// Where the upgrade is to WebSocket.
        let key: String?
        let accept: String?
        /// What may not be sent yet; bounded by its sender's credit.
        var held = ByteBuffer()
        var heldEnd = false

        init(token: String) {
            self.token = token
            self.key = token == "websocket" ? WebSocketHandshake.newKey() : nil
            self.accept = self.key.flatMap { WebSocketHandshake.accept(forKey: $0) }
        }
    }
}
