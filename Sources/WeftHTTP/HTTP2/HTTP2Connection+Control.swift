internal import NIOCore

// SETTINGS, PING, GOAWAY, WINDOW_UPDATE and RST_STREAM as they come in.

extension HTTP2Connection {
    private static var maxWindow: Int { 0x7fff_ffff }
    /// Entries of one SETTINGS frame. There are a dozen identifiers or so.
    private static var maxSettings: Int { 32 }

    final func readSettings(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream == 0 else { throw HTTP2ConnectionError(.protocolError, "SETTINGS on a stream") }
        if head.has(HTTP2FrameHead.Flag.ack) {
            guard head.length == 0 else { throw HTTP2ConnectionError(.frameSizeError, "SETTINGS ACK with content") }
            return try self.countControlFrame()
        }
        guard head.length % 6 == 0 else { throw HTTP2ConnectionError(.frameSizeError, "SETTINGS of a wrong size") }
        let isFirst = self.awaitsSettings
        self.awaitsSettings = false
        try self.countControlFrame()
        guard head.length <= 6 * Self.maxSettings else {
            throw HTTP2ConnectionError(.enhanceYourCalm, "SETTINGS of too many entries")
        }
        var payload = payload
        // What takes effect at once for every stream does so once a frame, with the last value.
        var streamWindow: Int?
        var maxStreams: Int?
        while let id = payload.readInteger(as: UInt16.self), let value = payload.readInteger(as: UInt32.self) {
            switch id {
            case 1: self.encoder.peerSetTableSize(Int(value))
            case 2:
                guard value <= (self.isServer ? 1 : 0) else {
                    throw HTTP2ConnectionError(.protocolError, "ENABLE_PUSH with a wrong value")
                }
            case 3: maxStreams = Int(value)
            case 4:
                guard Int(value) <= Self.maxWindow else {
                    throw HTTP2ConnectionError(.flowControlError, "INITIAL_WINDOW_SIZE is too large")
                }
                streamWindow = Int(value)
            case 5:
                guard value >= 16_384, value <= 16_777_215 else {
                    throw HTTP2ConnectionError(.protocolError, "MAX_FRAME_SIZE with a wrong value")
                }
                // Larger frames would only make other streams wait.
                self.peerMaxFrame = min(Int(value), Self.maxFrame)
            case 8:
                guard value <= 1 else {
                    throw HTTP2ConnectionError(.protocolError, "ENABLE_CONNECT_PROTOCOL with a wrong value")
                }
                if value == 1 { self.peerTakesUpgrades = true }
            default: break
            }
        }
        if let streamWindow { try self.changeStreamWindows(to: streamWindow) }
        if let maxStreams { self.peerMaxStreamsChanged(maxStreams) }
        self.output.writeFrameHead(
            HTTP2FrameHead.Kind.settings, flags: HTTP2FrameHead.Flag.ack, stream: 0, length: 0)
        self.flushSoon()
        if isFirst { self.settingsArrived() }
        self.serveBlocked()
    }

    private func changeStreamWindows(to size: Int) throws(HTTP2ConnectionError) {
        let change = size - self.peerStreamWindow
        self.peerStreamWindow = size
        guard change != 0 else { return }
        for stream in self.streams.all {
            stream.sendWindow += change
            guard stream.sendWindow <= Self.maxWindow else {
                throw HTTP2ConnectionError(.flowControlError, "a stream's window overflows")
            }
            if stream.hasPending { self.queue(stream) }
        }
    }

    final func readPing(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream == 0 else { throw HTTP2ConnectionError(.protocolError, "PING on a stream") }
        guard head.length == 8, let opaque = payload.getInteger(at: payload.readerIndex, as: UInt64.self) else {
            throw HTTP2ConnectionError(.frameSizeError, "PING of a wrong size")
        }
        try self.countControlFrame()
        if head.has(HTTP2FrameHead.Flag.ack) { return self.pingAnswered() }
        self.output.writePing(opaque, ack: true)
        self.flushSoon()
    }

    final func readGoAway(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream == 0 else { throw HTTP2ConnectionError(.protocolError, "GOAWAY on a stream") }
        var payload = payload
        guard let last = payload.readInteger(as: UInt32.self), let code = payload.readInteger(as: UInt32.self) else {
            throw HTTP2ConnectionError(.frameSizeError, "GOAWAY of a wrong size")
        }
        try self.countControlFrame()
        self.goAwayArrived(last: last & 0x7fff_ffff, StreamResetCode(rawValue: code))
    }

    final func readWindowUpdate(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.length == 4, let raw = payload.getInteger(at: payload.readerIndex, as: UInt32.self) else {
            throw HTTP2ConnectionError(.frameSizeError, "WINDOW_UPDATE of a wrong size")
        }
        let increment = Int(raw & 0x7fff_ffff)
        if let context = self.context, self.flood.windowUpdate(now: context.eventLoop.now) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many window updates")
        }
        if head.stream == 0 {
            guard increment > 0 else { throw HTTP2ConnectionError(.protocolError, "an increment of zero") }
            self.sendWindow += increment
            guard self.sendWindow <= Self.maxWindow else {
                throw HTTP2ConnectionError(.flowControlError, "the connection's window overflows")
            }
            return self.serveBlocked()
        }
        guard let stream = self.streams[head.stream] else {
            guard !self.isIdle(head.stream) else {
                throw HTTP2ConnectionError(.protocolError, "WINDOW_UPDATE on an idle stream")
            }
            return
        }
        guard increment > 0 else {
            return try self.streamError(stream, .protocolError, .protocolError("an increment of zero"))
        }
        stream.sendWindow += increment
        guard stream.sendWindow <= Self.maxWindow else {
            return try self.streamError(stream, .flowControlError, .protocolError("the stream's window overflows"))
        }
        if stream.hasPending {
            self.queue(stream)
            self.serveBlocked()
        }
    }

    final func readReset(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream != 0 else { throw HTTP2ConnectionError(.protocolError, "RST_STREAM without a stream") }
        guard head.length == 4, let raw = payload.getInteger(at: payload.readerIndex, as: UInt32.self) else {
            throw HTTP2ConnectionError(.frameSizeError, "RST_STREAM of a wrong size")
        }
        guard let stream = self.streams[head.stream] else {
            guard !self.isIdle(head.stream) else {
                throw HTTP2ConnectionError(.protocolError, "RST_STREAM on an idle stream")
            }
            return try self.countStrayFrame()
        }
        let code = StreamResetCode(rawValue: raw)
        let refused = !self.isServer && code == .refusedStream
        let answered = self.isAnswered(stream)
        let receiver = self.detach(stream, refused: refused, byPeer: true)
        receiver?.streamFailed(refused ? .refused : .reset(code))
        self.streamLeft()
        // A server may refuse what it has no room for.
        if !refused { try self.countReset(answered: answered) }
    }
}
