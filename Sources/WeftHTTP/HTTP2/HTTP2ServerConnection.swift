internal import NIOCore
internal import WeftMessage

/// An HTTP/2 connection from downstream.
package final class HTTP2ServerConnection: HTTP2Connection, ServerConnection {
    private var delegate: (any ServerConnectionDelegate)?
    private var draining = false
    private var drainAnnounced = false
    /// The highest stream that came after the end had been announced.
    private var lastIgnored: UInt32 = 0

    package init(
        delegate: any ServerConnectionDelegate, limits: HTTPLimits = HTTPLimits(),
        settings: HTTP2Settings = HTTP2Settings()
    ) {
        self.delegate = delegate
        super.init(isServer: true, limits: limits, settings: settings)
    }

    package var openStreams: Int { self.streams.count }

    /// Announces the end first and says what is taken only when the announcement has arrived, so that no request under
    /// way is lost.
    package func drain() {
        guard !self.draining, !self.isClosing, let context = self.context else { return }
        self.draining = true
        self.output.writeGoAway(lastStream: 0x7fff_ffff, .noError)
        self.output.writePing(0x7765_6674_6472_6e00, ack: false)
        self.flushSoon()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        // A peer that does not answer is not waited for.
        context.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.finishAnnouncing() }
    }

    package func close() {
        guard !self.isClosing else { return }
        for stream in self.streams.all { self.output.writeReset(stream.id, .cancel) }
        self.output.writeGoAway(lastStream: self.lastPeerStream, .noError)
        self.closeAfterFlush(linger: true)
        self.failStreams(.connectionClosed)
    }

    override func pingAnswered() {
        if self.draining { self.finishAnnouncing() }
    }

    private func finishAnnouncing() {
        guard !self.drainAnnounced, !self.isClosing else { return }
        self.drainAnnounced = true
        self.goAwaySent = true
        self.output.writeGoAway(lastStream: self.lastPeerStream, .noError)
        self.flushSoon()
        self.streamLeft()
    }

    override func streamLeft() {
        if self.goAwaySent, self.streams.count == 0 { self.closeAfterFlush(linger: true) }
    }

    override func goAwayArrived(last: UInt32, _ code: StreamResetCode) {
        // The client will open nothing more.
        self.goAwaySent = true
        self.draining = true
        self.streamLeft()
    }

    override func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id > max(self.lastPeerStream, self.lastIgnored) }

    override func headersArrived(
        _ id: UInt32, _ stream: HTTP2Stream?, _ block: consuming HeaderBlock, _ outcome: HPACKDecoder.Outcome,
        end: Bool
    ) throws(HTTP2ConnectionError) {
        if let stream { return try self.readTrailers(stream, block, outcome, end: end) }
        guard id & 1 == 1 else { throw HTTP2ConnectionError(.protocolError, "a client's stream with an even number") }
        guard id > self.lastPeerStream else {
            // Trailers of a stream that has just been reset look the same as a reused number; either is bounded.
            return try self.countStrayFrame()
        }
        // After the second GOAWAY the client knows that this one was not taken; its body may be under way.
        guard !self.drainAnnounced else {
            self.lastIgnored = max(self.lastIgnored, id)
            if !end { self.expectStray(self.settings.streamWindow) }
            return try self.countStrayFrame()
        }
        self.lastPeerStream = id
        guard self.streams.count < self.limits.maxStreams, !self.goAwaySent else {
            self.output.writeReset(id, .refusedStream)
            self.flushSoon()
            if !end { self.expectStray(self.settings.streamWindow) }
            return try self.countReset(answered: false)
        }
        if outcome == .tooLarge {
            let refusal = MessageRefusal(status: 431, cause: "the header list is too large")
            return try self.refuse(id, refusal, block, end: end)
        }
        guard outcome != .malformed else {
            return try self.refuse(id, .malformed("a field name or value that HTTP/2 forbids"), block, end: end)
        }
        let request: HTTP2FieldRules.Request
        do throws(HTTP2FieldRules.Malformed) {
            request = try HTTP2FieldRules.request(&block)
        } catch {
            return try self.refuse(id, MessageRefusal(status: error.status, cause: error.cause), block, end: end)
        }
        guard !end || request.contentLength ?? 0 == 0 else {
            return try self.refuse(id, .malformed("a content-length without a body"), block, end: end)
        }
        guard let delegate = self.delegate else { return }
        let stream = self.makeStream(id)
        stream.headReceived = true
        stream.receiveEnded = end
        stream.bodyLeft = request.contentLength
        stream.tunnel = request.tunnel
        let receiver = delegate.connectionOpened(stream)
        stream.listen(receiver)
        receiver.streamReceived(request: RequestHead(method: request.method, headers: block), end: end)
        // Nobody waits for it who has sent everything.
        if request.expectsContinue, !end, stream.connection === self, !stream.headSent {
            self.writeHeaders(stream, ResponseHead(status: 100).headers, end: false)
        }
    }

    /// A malformed request costs its stream; one that is oversized, or expects too much, gets an answer. All count as
    /// resets provoked.
    private func refuse(
        _ id: UInt32, _ refusal: MessageRefusal, _ block: borrowing HeaderBlock, end: Bool
    ) throws(HTTP2ConnectionError) {
        let answer = self.delegate?.connectionRefused(refusal, of: RefusedRequest(block))
        if !end { self.expectStray(self.settings.streamWindow) }
        if refusal.status != 400 {
            var head = answer?.head ?? ResponseHead(status: refusal.status)
            head.headers.remove(.contentType)
            head.headers.set(.contentLength, "0")
            let start = self.output.writerIndex
            self.output.writeFrameHead(
                HTTP2FrameHead.Kind.headers, flags: HTTP2FrameHead.Flag.endHeaders | HTTP2FrameHead.Flag.endStream,
                stream: id, length: 0)
            self.encoder.encode(head.headers, into: &self.output)
            let length = self.output.writerIndex - start - HTTP2FrameHead.count
            self.output.setInteger(
                UInt32(truncatingIfNeeded: length) << 8 | UInt32(HTTP2FrameHead.Kind.headers), at: start)
            if !end { self.output.writeReset(id, .noError) }
        } else {
            self.output.writeReset(id, .protocolError)
        }
        self.flushSoon()
        try self.countReset(answered: false)
    }

    override func disconnected(_ reason: ConnectionEnd) {
        super.disconnected(reason)
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionClosed(reason)
    }
}
