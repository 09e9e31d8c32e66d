internal import NIOCore
package import WeftMessage

/// An HTTP/2 connection to upstream.
package final class HTTP2ClientConnection: HTTP2Connection, ClientConnection {
    private var delegate: (any ClientConnectionDelegate)?
    private var nextStream: UInt32 = 1
    private var isConnected = false
    private var stopped = false
    /// Until the peer says otherwise, what RFC 9113 asks it to allow at least.
    private var peerMaxStreams = 100

    package init(
        delegate: any ClientConnectionDelegate, limits: HTTPLimits = HTTPLimits(),
        settings: HTTP2Settings = HTTP2Settings()
    ) {
        self.delegate = delegate
        super.init(isServer: false, limits: limits, settings: settings)
    }

    package var openStreams: Int { self.streams.count }

    package var availableStreams: Int {
        guard self.isConnected, !self.stopped, !self.isClosing else { return 0 }
        return max(0, self.peerMaxStreams - self.streams.count)
    }

    package func open(_ head: RequestHead, end: Bool, receiver: any ClientStreamReceiver) -> (any ClientStream)? {
        guard self.availableStreams > 0 else { return nil }
        let stream = self.makeStream(self.nextStream)
        self.nextStream += 2
        if self.nextStream > 0x7fff_ffff { self.stopAccepting() }
        stream.listen(receiver)
        stream.isHead = head.method == .head
        stream.headSent = true
        self.writeHeaders(stream, head.headers, end: end)
        return stream
    }

    package func drain() {
        self.stopped = true
        self.streamLeft()
    }

    package func close() {
        self.stopped = true
        self.output.writeGoAway(lastStream: 0, .noError)
        self.closeAfterFlush(linger: false)
        self.failStreams(.connectionClosed)
    }

    override func connected() {
        super.connected()
        self.isConnected = true
        self.delegate?.connectionHasCapacity()
    }

    override func peerMaxStreamsChanged(_ count: Int) {
        let more = count > self.peerMaxStreams
        self.peerMaxStreams = count
        if more, self.availableStreams > 0 { self.delegate?.connectionHasCapacity() }
    }

    override func streamLeft() {
        guard !self.isClosing else { return }
        if self.stopped {
            if self.streams.count == 0 {
                self.output.writeGoAway(lastStream: 0, .noError)
                self.closeAfterFlush(linger: false)
            }
        } else {
            self.delegate?.connectionHasCapacity()
        }
    }

    override func goAwayArrived(last: UInt32, _ code: StreamResetCode) {
        self.stopAccepting()
        for stream in self.streams.all where stream.id > last {
            self.detach(stream, refused: true)?.streamFailed(.refused)
        }
        self.streamLeft()
    }

    private func stopAccepting() {
        guard !self.stopped else { return }
        self.stopped = true
        self.delegate?.connectionStoppedAccepting()
    }

    override func timedOut() {
        self.stopAccepting()
        super.timedOut()
    }

    override func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id >= self.nextStream }

    override func headersArrived(
        _ id: UInt32, _ stream: HTTP2Stream?, _ block: consuming HeaderBlock, _ outcome: HPACKDecoder.Outcome,
        end: Bool
    ) throws(HTTP2ConnectionError) {
        guard let stream else {
            guard !self.isIdle(id) else { throw HTTP2ConnectionError(.protocolError, "HEADERS on an idle stream") }
            return try self.countControlFrame()
        }
        if stream.headReceived { return try self.readTrailers(stream, block, outcome, end: end) }
        if outcome == .tooLarge { return try self.streamError(stream, .enhanceYourCalm, .headersTooLarge) }
        guard outcome != .malformed else {
            return try self.streamError(
                stream, .protocolError, .protocolError("a field name or value that HTTP/2 forbids"))
        }
        let response: (status: Int, contentLength: Int?)
        do throws(HTTP2FieldRules.Malformed) {
            response = try HTTP2FieldRules.response(block)
        } catch {
            return try self.streamError(stream, .protocolError, .protocolError(error.cause))
        }
        if response.status < 200 {
            stream.informational += 1
            guard !end, stream.informational <= 32 else {
                return try self.streamError(
                    stream, .protocolError, .protocolError("an informational response out of place"))
            }
            stream.clientReceiver?.streamReceived(
                informational: ResponseHead(status: response.status, headers: block))
            return
        }
        if !stream.isHead, response.status != 304, response.status != 204 { stream.bodyLeft = response.contentLength }
        guard !end || stream.bodyLeft ?? 0 == 0 else {
            return try self.streamError(
                stream, .protocolError, .protocolError("a content-length without a body"))
        }
        stream.headReceived = true
        stream.receiveEnded = end
        stream.clientReceiver?.streamReceived(
            response: ResponseHead(status: response.status, headers: block), end: end)
        if end { self.receiveEnded(stream) }
    }

    override func disconnected(_ reason: ConnectionEnd) {
        self.stopped = true
        super.disconnected(reason)
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionClosed(reason)
    }
}
