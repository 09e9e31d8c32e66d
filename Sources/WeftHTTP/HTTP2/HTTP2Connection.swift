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
    /// By how much the windows of the open streams have grown.
    final var grownWindows = 0
    /// Bytes that the peer may have sent for streams before it heard that we had ended them.
    private final var strayAllowance: Int
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
    /// DATA frames written.
    final var dataFrames = 0
    /// Streams with bytes whose leaving has not been reported.
    final var unreported: [HTTP2Stream] = []
    private final var reporting: [HTTP2Stream] = []
    final var serving = false
    final var goAwaySent = false

    // Time: the earliest of these is what the connection's one timer waits for.
    /// No stream has been open for too long.
    private final var idleDue: NIODeadline?
    /// When to look for a stall.
    private final var stallDue: NIODeadline?
    /// What moves, as it was when a stall was last looked for.
    private final var progressSeen = (frames: 0, flushes: 0)
    /// The peer must have finished by then what it has begun.
    private final var inputDue: NIODeadline?
    /// What it is that it has begun: no two of these are alike.
    private final var inputMark = 0
    /// Frames read, parts of one counted too.
    private final var framesRead = 0

    init(isServer: Bool, limits: HTTPLimits, settings: HTTP2Settings) {
        self.isServer = isServer
        self.limits = limits
        self.settings = settings
        self.awaitsPreface = isServer
        self.strayAllowance = settings.streamWindow
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
    /// The connection is about to end although nobody has asked for it.
    func endsUnasked() {}
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
        self.idleDue = self.due(self.limits.idleTimeout)
        self.watchInput()
        self.setTimer()
        self.flushSoon()
    }

    override func inputArrived() {
        guard !self.processing else { return }
        self.processing = true
        do throws(HTTP2ConnectionError) {
            while !self.isClosing, !self.outputIsFull, try self.readFrame() { self.framesRead &+= 1 }
        } catch {
            self.fail(error)
        }
        self.processing = false
        if self.inputEnded, !self.isClosing { return self.closeNow(.closed) }
        // Every frame may ask for an answer, and a peer that reads none of them gets no more.
        if self.outputIsFull, !self.isClosing { self.pauseReading() }
        self.watchInput()
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

    // MARK: Time

    private func due(_ timeout: TimeAmount?) -> NIODeadline? {
        guard let timeout, let context = self.context else { return nil }
        return context.eventLoop.now + timeout
    }

    private func setTimer() {
        var earliest = self.idleDue
        if let stall = self.stallDue, earliest.map({ stall < $0 }) ?? true { earliest = stall }
        if let input = self.inputDue, earliest.map({ input < $0 }) ?? true { earliest = input }
        self.setDeadline(earliest)
    }

    override func timedOut() {
        guard let context = self.context, !self.isClosing else { return }
        let now = context.eventLoop.now
        if let due = self.inputDue, due <= now {
            return self.endForTime(self.awaitsSettings ? .settingsTimeout : .protocolError)
        }
        if let due = self.stallDue, due <= now {
            self.lookForStall()
            guard !self.isClosing else { return }
        }
        if let due = self.idleDue, due <= now { return self.endForTime(.noError) }
        self.setTimer()
    }

    private func endForTime(_ code: StreamResetCode) {
        self.endsUnasked()
        self.output.writeGoAway(lastStream: self.isServer ? self.lastPeerStream : 0, code)
        self.closeAfterFlush(linger: true, reason: .timeout)
        self.failStreams(.connectionClosed)
    }

    /// What the peer has begun it must finish in time: its preface, a header block, a frame. DATA is given longer: a body
    /// may stop in the middle of a frame for reasons of the network, and half of one keeps nobody from anything.
    private func watchInput() {
        let mark: Int
        let timeout: TimeAmount?
        if self.isClosing || self.isPaused {
            (mark, timeout) = (0, nil)
        } else if self.awaitsSettings {
            (mark, timeout) = (-1, self.limits.headTimeout)
        } else if let assembling = self.assembling {
            // The number of its first frame, since no other comes in between.
            (mark, timeout) = (2 * (self.framesRead - assembling.continuations), self.limits.headTimeout)
        } else if self.input.readableBytes > 0 || self.restOfData != nil {
            let isData = self.restOfData != nil || HTTP2FrameHead(self.input)?.kind == HTTP2FrameHead.Kind.data
            mark = 2 * (self.framesRead + 1) + (isData ? 1 : 0)
            timeout = isData ? self.limits.stallTimeout : self.limits.headTimeout
        } else {
            (mark, timeout) = (0, nil)
        }
        guard mark != self.inputMark else { return }
        self.inputMark = mark
        self.inputDue = self.due(timeout)
        self.setTimer()
    }

    /// Something waits for the peer to take it.
    final func watchForStall() {
        guard self.stallDue == nil, self.limits.stallTimeout != nil else { return }
        self.progressSeen = (self.dataFrames, self.flushes)
        self.stallDue = self.due(self.limits.stallTimeout)
        self.setTimer()
    }

    /// Something has waited for a while. What waits for windows costs the connection only when nothing at all moves: a
    /// single stream may well have a reader that takes its time. A socket that takes nothing is nobody's.
    private func lookForStall() {
        self.stallDue = nil
        guard self.pendingBytes > 0 || !self.writable else { return }
        let (frames, flushes) = self.progressSeen
        let moves =
            self.writable
            ? self.dataFrames != frames || self.streams.all.contains(where: { !$0.hasPending })
            : self.flushes != flushes
        if moves { self.watchForStall() } else { self.closeNow(.timeout) }
    }

    override func outputBlocked() {
        if self.streams.count > 0 { self.watchForStall() }
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
        guard self.isPaused, !self.outputIsFull, !self.isClosing else { return }
        self.resumeReading()
        if self.input.readableBytes > 0 { self.inputArrived() }
        if self.input.readableBytes == 0 { self.input = ByteBuffer() }
    }

    // MARK: Streams

    final func makeStream(_ id: UInt32) -> HTTP2Stream {
        if self.streams.count == 0 {
            self.idleDue = nil
            self.stallDue = nil
            if !self.writable { self.watchForStall() }
            self.setTimer()
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

    /// Takes a stream out of the table; who was listening is returned.
    final func detach(
        _ stream: HTTP2Stream, refused: Bool = false, byPeer: Bool = false
    ) -> (any HTTPStreamReceiver)? {
        self.streams.remove(stream.id)
        self.pendingBytes -= stream.pendingBytes
        self.grownWindows -= stream.window - self.settings.streamWindow
        if !stream.receiveEnded, !byPeer { self.expectStray(stream.receiveWindow) }
        let receiver = stream.end(refused: refused)
        if self.spares.count < 64 { self.spares.append(stream) }
        if self.streams.count == 0, !self.isClosing {
            self.idleDue = self.due(self.limits.idleTimeout)
            self.setTimer()
        }
        return receiver
    }

    /// Ends a stream whose directions have both ended.
    final func closeIfDone(_ stream: HTTP2Stream) {
        guard stream.connection === self, stream.sendEnded else { return }
        if !stream.receiveEnded {
            // A response that is whole before its request: the rest of the request is not wanted.
            guard self.isServer, stream.tunnel != .open else { return }
            self.resetLater(stream.id)
        }
        let unreported = stream.unreported
        stream.unreported = 0
        let receiver = self.detach(stream)
        if unreported > 0 { receiver?.streamSent(bytes: unreported) }
        receiver?.streamClosed()
        self.streamLeft()
    }

    /// Tells the peer that the rest of a request is not wanted, a moment after its answer: clients exist that take the
    /// two together for a failure. Until then it can send no more than its window.
    private func resetLater(_ id: UInt32) {
        guard let context = self.context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(20)) {
            let connection = bound.value
            guard connection.context != nil, !connection.isClosing else { return }
            connection.output.writeReset(id, .noError)
            connection.flushSoon()
        }
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
        let answered = self.isAnswered(stream)
        let receiver = self.detach(stream)
        self.output.writeReset(stream.id, code)
        self.flushSoon()
        receiver?.streamFailed(failure)
        self.streamLeft()
        try self.countReset(answered: answered)
    }

    final func isAnswered(_ stream: HTTP2Stream) -> Bool { self.isServer ? stream.headSent : stream.headReceived }

    /// - Parameter answered: the response had begun.
    final func countReset(answered: Bool) throws(HTTP2ConnectionError) {
        guard let context = self.context else { return }
        if self.flood.streamReset(answered: answered, now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many streams are reset")
        }
    }

    /// A frame other than DATA for a stream that has ended.
    final func countStrayFrame() throws(HTTP2ConnectionError) {
        guard let context = self.context else { return }
        if self.flood.strayFrame(now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many frames for streams that have ended")
        }
    }

    /// We end a stream, for which the peer may have so many bytes under way.
    final func expectStray(_ bytes: Int) {
        self.strayAllowance = min(
            self.strayAllowance + max(0, bytes), max(self.settings.connectionWindow, self.settings.streamWindow))
    }

    /// DATA for a stream that has ended. What the peer sent before it knew is in order, and it may be in small pieces.
    final func takeStray(_ bytes: Int) throws(HTTP2ConnectionError) {
        self.strayAllowance -= max(bytes, 64)
        guard self.strayAllowance >= 0 else {
            throw HTTP2ConnectionError(.streamClosed, "DATA for streams that have long ended")
        }
    }

    final func countControlFrame() throws(HTTP2ConnectionError) {
        guard let context = self.context else { return }
        if self.flood.controlFrame(now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many control frames")
        }
    }
}
