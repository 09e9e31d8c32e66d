internal import NIOCore
package import WeftMessage

/// An HTTP/2 connection to upstream.
package final class HTTP2ClientConnection: HTTP2Connection, ClientConnection {
    private var delegate: (any ClientConnectionDelegate)?
    private var nextStream: UInt32 = 1
    private var isConnected = false
    private var stopped = false
    /// Upgrades that wait for the peer's first SETTINGS.
    private var heldUpgrades: [(stream: HTTP2Stream, id: UInt32, head: RequestHead)] = []
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
        if head.headers.contains(.connectProtocol) {
            stream.tunnel = .upgrade
            self.askForUpgrade(stream, head)
            return stream
        }
        if head.method == .connect { stream.tunnel = .connect }
        self.writeHeaders(stream, head.headers, end: end)
        return stream
    }

    /// Extended CONNECT may be sent only to a peer that has said that it takes it; until it has spoken, the head waits.
    private func askForUpgrade(_ stream: HTTP2Stream, _ head: RequestHead) {
        guard !self.awaitsSettings else {
            stream.isHeld = true
            return self.heldUpgrades.append((stream, stream.id, head))
        }
        var headers = head.headers
        headers.set(.method, HTTPMethod.connect.text)
        headers.remove(.webSocketKey)
        headers.remove(.contentLength)
        guard self.peerTakesUpgrades else {
            let receiver = self.detach(stream, refused: true)
            self.failLater(receiver)
            return
        }
        self.writeHeaders(stream, headers, end: false)
    }

    /// Not from within `open`, whose caller does not have the stream yet.
    private func failLater(_ receiver: (any HTTPStreamReceiver)?) {
        guard let receiver, let context = self.context else { return }
        let bound = NIOLoopBound(receiver, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            bound.value.streamFailed(.protocolError("the peer takes no upgrades over HTTP/2"))
        }
    }

    override func settingsArrived() {
        let held = self.heldUpgrades
        self.heldUpgrades = []
        for (stream, id, head) in held where stream.connection === self && stream.id == id {
            stream.isHeld = false
            self.askForUpgrade(stream, head)
            if stream.connection === self, stream.hasPending { self.queue(stream) }
        }
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

    override func endsUnasked() { self.stopAccepting() }

    override func isIdle(_ id: UInt32) -> Bool { id & 1 == 0 || id >= self.nextStream }

    override func headersArrived(
        _ id: UInt32, _ stream: HTTP2Stream?, _ block: consuming HeaderBlock, _ outcome: HPACKDecoder.Outcome,
        end: Bool
    ) throws(HTTP2ConnectionError) {
        guard let stream else {
            guard !self.isIdle(id) else { throw HTTP2ConnectionError(.protocolError, "HEADERS on an idle stream") }
            return try self.countStrayFrame()
        }
        if stream.headReceived { return try self.readTrailers(stream, block, outcome, end: end) }
        if outcome == .tooLarge { return try self.streamError(stream, .enhanceYourCalm, .headersTooLarge) }
        guard outcome != .malformed else {
            return try self.streamError(
                stream, .protocolError, .protocolError("a field name or value that HTTP/2 forbids"))
        }
        let response: HTTP2FieldRules.Response
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
        let hasBody = !stream.isHead && response.status != 304 && response.status != 204
        if hasBody, stream.tunnel == .none || response.status / 100 != 2 { stream.bodyLeft = response.contentLength }
        guard !end || stream.bodyLeft ?? 0 == 0 else {
            return try self.streamError(
                stream, .protocolError, .protocolError("a content-length without a body"))
        }
        stream.headReceived = true
        stream.receiveEnded = end
        var head = ResponseHead(status: response.status, headers: block)
        if stream.tunnel != .none {
            self.readTunnelResponse(stream, &head, end: end)
        } else if response.hasPeerField {
            head.headers.remove(.weftUpgradeRefused)
        }
        stream.clientReceiver?.streamReceived(response: head, end: end)
        if end { self.receiveEnded(stream) }
    }

    /// Success opens the tunnel; for an upgrade it is told as 101, its only form. A refusal that had to be said otherwise
    /// becomes what it was.
    private func readTunnelResponse(_ stream: HTTP2Stream, _ head: inout ResponseHead, end: Bool) {
        let refusedWith = stream.tunnel == .upgrade ? head.headers.number(.weftUpgradeRefused) : nil
        head.headers.remove(.weftUpgradeRefused)
        guard head.status / 100 == 2 else {
            stream.tunnel = .none
            if let status = refusedWith, head.status == HTTP2FieldRules.upgradeRefused, status / 100 == 2 {
                head.status = status
                head.headers.set(.status, status)
                head.headers.moveToFront(head.headers.count - 1)
            }
            return
        }
        if stream.tunnel == .upgrade {
            head.status = 101
            head.headers.set(.status, 101)
            head.headers.moveToFront(head.headers.count - 1)
        }
        stream.tunnel = .open
        stream.bodyLeft = nil
        head.headers.remove(.contentLength)
    }

    override func disconnected(_ reason: ConnectionEnd) {
        self.stopped = true
        self.heldUpgrades = []
        super.disconnected(reason)
        let delegate = self.delegate
        self.delegate = nil
        delegate?.connectionClosed(reason)
    }
}
