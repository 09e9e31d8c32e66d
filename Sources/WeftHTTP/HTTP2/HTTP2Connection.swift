internal import DequeModule
internal import NIOCore
internal import WeftMessage

/// What both sides of an HTTP/2 connection share (RFC 9113): frames, settings, flow control, header compression.
///
/// `HTTP2Connection+Receiving`, `+Sending` and `+Control` hold its parts; `HTTP2ServerConnection` and
/// `HTTP2ClientConnection` say what heads mean and who may open streams.
package class HTTP2Connection: ConnectionHandler {
    final let isServer: Bool
    final let limits: HTTPLimits
    final let settings: HTTP2Settings
    final var streams = HTTP2StreamTable()
    private final var spares: [HTTP2Stream] = []

    // Receiving.
    final var awaitsPreface: Bool
    final var awaitsSettings = true
    private final var processing = false
    final let decoder = HPACKDecoder()
    final var receiveWindow = 65_535
    final var credit = 0
    /// The header block that is being put together.
    final var assembling: (stream: UInt32, end: Bool, continuations: Int)?
    final var assembled = ByteBuffer()
    /// The highest stream that the peer has opened.
    final var lastPeerStream: UInt32 = 0
    final var flood: FloodGuard

    // Sending.
    final let encoder: HPACKEncoder
    final var sendWindow = 65_535
    final var peerStreamWindow = 65_535
    final var peerMaxFrame = 16_384
    /// Bytes of a frame's payload that we take and, where the peer takes as many, send: what one read of a socket brings.
    static var maxFrame: Int { 65_536 }
    /// Fewer bytes of a DATA frame are not handed on before the rest has come.
    static var minPart: Int { 4_096 }
    /// What is still to come of a DATA frame; its length is that of the rest.
    final var restOfData: HTTP2FrameHead?
    /// The peer takes extended CONNECT; what it says once it cannot take back.
    final var peerTakesUpgrades = false
    /// Streams whose data waits for the connection's window or for the socket.
    final var blocked = Deque<HTTP2Stream>()
    final var pendingBytes = 0
    /// DATA frames written, and how many there were when a stall was last looked for.
    final var dataFrames = 0
    private final var dataFramesSeen = 0
    /// The timer that looks for a stall runs.
    final var watchesStall = false
    /// Streams with bytes whose leaving has not been reported.
    final var unreported: [HTTP2Stream] = []
    private final var reporting: [HTTP2Stream] = []
    final var serving = false
    final var goAwaySent = false

    init(isServer: Bool, limits: HTTPLimits, settings: HTTP2Settings) {
        self.isServer = isServer
        self.limits = limits
        self.settings = settings
        self.awaitsPreface = isServer
        self.flood = FloodGuard(limits: limits)
        self.encoder = HPACKEncoder(usesHuffman: settings.usesHuffman)
        super.init()
    }

    // MARK: What each side overrides

    /// A whole header block has been decoded. `stream` is nil when none of this identifier is open.
    func headersArrived(
        _ id: UInt32, _ stream: HTTP2Stream?, _ block: consuming HeaderBlock, _ outcome: HPACKDecoder.Outcome,
        end: Bool
    ) throws(HTTP2ConnectionError) {}
    /// The peer will open no more streams, or take none above `last`.
    func goAwayArrived(last: UInt32, _ code: StreamResetCode) {}
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    func peerMaxStreamsChanged(_ count: Int) {}
    /// A stream has left the table.
    func streamLeft() {}
    /// The peer's first SETTINGS have come.
    func settingsArrived() {}
    /// The peer answered our PING.
    func pingAnswered() {}
    /// Whether the peer could not have used this stream yet.
    func isIdle(_ id: UInt32) -> Bool { true }

    // MARK: Life

    override func connected() {
        if !self.isServer { self.output.writeStaticString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") }
        var values: [(id: UInt16, value: UInt32)] = [
            (3, UInt32(clamping: self.limits.maxStreams)),
            (4, UInt32(clamping: self.settings.streamWindow)),
            (5, UInt32(Self.maxFrame)),
            (6, UInt32(clamping: self.limits.maxHeaderBytes)),
        ]
        if self.isServer { values.append((8, 1)) } else { values[0] = (2, 0) }
        self.output.writeSettings(values)
        let more = self.settings.connectionWindow - 65_535
        if more > 0 {
            self.output.writeWindowUpdate(0, more)
            self.receiveWindow += more
        }
        self.setTimeout(self.limits.idleTimeout)
        self.flushSoon()
    }

    override func inputArrived() {
        guard !self.processing else { return }
        self.processing = true
        do throws(HTTP2ConnectionError) {
            while !self.isClosing, try self.readFrame() {}
        } catch {
            self.fail(error)
        }
        self.processing = false
        if self.inputEnded, !self.isClosing { self.closeNow(.closed) }
    }

    /// Ends the connection with GOAWAY.
    final func fail(_ error: HTTP2ConnectionError) {
        guard !self.isClosing else { return }
        self.output.writeGoAway(lastStream: self.isServer ? self.lastPeerStream : 0, error.code)
        self.closeAfterFlush(linger: true, reason: .protocolError(error.cause))
        self.failStreams(.protocolError(error.cause))
    }

    final func failStreams(_ failure: StreamFailure) {
        for stream in self.streams.all {
            self.streams.remove(stream.id)
            stream.end()?.streamFailed(failure)
        }
    }

    override func timedOut() {
        if self.streams.count > 0 {
            self.lookForStall()
        } else {
            self.output.writeGoAway(lastStream: self.isServer ? self.lastPeerStream : 0, .noError)
            self.closeAfterFlush(linger: true, reason: .timeout)
        }
    }

    /// Data has waited for a while. The connection is given up only when nothing at all moves: a single stream may well
    /// have a reader that takes its time.
    private func lookForStall() {
        guard self.pendingBytes > 0 else {
            self.watchesStall = false
            return
        }
        if self.dataFrames != self.dataFramesSeen || self.streams.all.contains(where: { !$0.hasPending }) {
            self.dataFramesSeen = self.dataFrames
            self.setTimeout(self.limits.stallTimeout)
        } else {
            self.closeNow(.timeout)
        }
    }

    override func disconnected(_ reason: ConnectionEnd) {
        self.failStreams(StreamFailure(reason))
        self.blocked.removeAll()
        self.unreported.removeAll()
        self.spares.removeAll()
    }

    override func outputLeft() {
        if !self.unreported.isEmpty {
            swap(&self.unreported, &self.reporting)
            for stream in self.reporting where stream.unreported > 0 {
                let bytes = stream.unreported
                stream.unreported = 0
                stream.receiver?.streamSent(bytes: bytes)
            }
            self.reporting.removeAll(keepingCapacity: true)
        }
        self.serveBlocked()
    }

    // MARK: Streams

    final func makeStream(_ id: UInt32) -> HTTP2Stream {
        if self.streams.count == 0 {
            self.watchesStall = false
            self.setTimeout(nil)
        }
        var stream: HTTP2Stream
        if var spare = self.spares.popLast(), isKnownUniquelyReferenced(&spare) {
            stream = spare
        } else {
            stream = HTTP2Stream()
        }
        stream.begin(id, self, receiveWindow: self.settings.streamWindow, sendWindow: self.peerStreamWindow)
        self.streams.insert(stream)
        self.flood.streamOpened()
        return stream
    }

    /// Takes a stream out of the table, giving back the credit it still held; who was listening is returned.
    final func detach(_ stream: HTTP2Stream, refused: Bool = false) -> (any HTTPStreamReceiver)? {
        self.streams.remove(stream.id)
        self.pendingBytes -= stream.pendingBytes
        self.returnCredit(stream.unconsumed)
        let receiver = stream.end(refused: refused)
        if self.spares.count < 64 { self.spares.append(stream) }
        if self.streams.count == 0, !self.isClosing { self.setTimeout(self.limits.idleTimeout) }
        return receiver
    }

    /// Ends a stream whose directions have both ended.
    final func closeIfDone(_ stream: HTTP2Stream) {
        guard stream.connection === self, stream.sendEnded else { return }
        if !stream.receiveEnded {
            // A response that is whole before its request: the rest of the request is not wanted.
            guard self.isServer, stream.tunnel != .open else { return }
            self.output.writeReset(stream.id, .noError)
        }
        let unreported = stream.unreported
        stream.unreported = 0
        let receiver = self.detach(stream)
        if unreported > 0 { receiver?.streamSent(bytes: unreported) }
        receiver?.streamClosed()
        self.streamLeft()
    }

    /// The stream's user gives it up.
    final func reset(_ stream: HTTP2Stream, _ code: StreamResetCode) {
        guard stream.connection === self else { return }
        _ = self.detach(stream)
        self.output.writeReset(stream.id, code)
        self.flushSoon()
        self.streamLeft()
    }

    /// The peer broke the rules of one stream.
    final func streamError(
        _ stream: HTTP2Stream, _ code: StreamResetCode, _ failure: StreamFailure
    ) throws(HTTP2ConnectionError) {
        let receiver = self.detach(stream)
        self.output.writeReset(stream.id, code)
        self.flushSoon()
        receiver?.streamFailed(failure)
        self.streamLeft()
        try self.countReset()
    }

    final func countReset() throws(HTTP2ConnectionError) {
        guard let context = self.context else { return }
        if self.isServer, self.flood.streamReset(now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "most streams are reset")
        }
    }

    final func countControlFrame() throws(HTTP2ConnectionError) {
        guard let context = self.context else { return }
        if self.flood.controlFrame(now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many control frames")
        }
    }
}
