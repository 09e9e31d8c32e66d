internal import NIOCore
internal import WeftMessage

// Frames on their way in: one at a time, each checked before anything is done for it.

extension HTTP2Connection {
    private static var preface: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }

    /// Whether a whole frame was there.
    final func readFrame() throws(HTTP2ConnectionError) -> Bool {
        if self.awaitsPreface {
            guard try self.readPreface() else { return false }
        }
        if let rest = self.restOfData { return try self.readRest(of: rest) }
        guard let head = HTTP2FrameHead(self.input) else { return false }
        guard head.length <= Self.maxFrame else {
            throw HTTP2ConnectionError(.frameSizeError, "a frame above \(Self.maxFrame) bytes")
        }
        if self.awaitsSettings {
            guard head.kind == HTTP2FrameHead.Kind.settings, !head.has(HTTP2FrameHead.Flag.ack) else {
                throw HTTP2ConnectionError(.protocolError, "the first frame is not SETTINGS")
            }
        }
        guard self.input.readableBytes >= HTTP2FrameHead.count + head.length else {
            guard head.kind == HTTP2FrameHead.Kind.data, !head.has(HTTP2FrameHead.Flag.padded), self.assembling == nil,
                self.input.readableBytes >= HTTP2FrameHead.count + Self.minPart
            else { return false }
            self.input.moveReaderIndex(forwardBy: HTTP2FrameHead.count)
            return try self.readRest(of: head)
        }
        self.input.moveReaderIndex(forwardBy: HTTP2FrameHead.count)
        guard let payload = self.input.readSlice(length: head.length) else { return false }
        if let assembling = self.assembling,
            head.kind != HTTP2FrameHead.Kind.continuation || head.stream != assembling.stream
        {
            throw HTTP2ConnectionError(.protocolError, "a header block is interrupted")
        }
        switch head.kind {
        case HTTP2FrameHead.Kind.data: try self.readData(head, payload)
        case HTTP2FrameHead.Kind.headers: try self.readHeaders(head, payload)
        case HTTP2FrameHead.Kind.continuation: try self.readContinuation(head, payload)
        case HTTP2FrameHead.Kind.windowUpdate: try self.readWindowUpdate(head, payload)
        case HTTP2FrameHead.Kind.reset: try self.readReset(head, payload)
        case HTTP2FrameHead.Kind.settings: try self.readSettings(head, payload)
        case HTTP2FrameHead.Kind.ping: try self.readPing(head, payload)
        case HTTP2FrameHead.Kind.goAway: try self.readGoAway(head, payload)
        case HTTP2FrameHead.Kind.pushPromise:
            throw HTTP2ConnectionError(.protocolError, "PUSH_PROMISE, which we have refused")
        case HTTP2FrameHead.Kind.priority:
            guard head.stream != 0 else { throw HTTP2ConnectionError(.protocolError, "PRIORITY without a stream") }
            guard head.length == 5 else { throw HTTP2ConnectionError(.frameSizeError, "PRIORITY of a wrong size") }
            try self.countControlFrame()
        default: try self.countControlFrame()
        }
        return true
    }

    /// Goes on with a DATA frame that has not come whole: what is there counts as a frame of its own, so that nothing is
    /// kept until the last of it comes.
    private func readRest(of head: HTTP2FrameHead) throws(HTTP2ConnectionError) -> Bool {
        self.restOfData = head
        let count = min(head.length, self.input.readableBytes)
        guard count == head.length || count >= Self.minPart, let part = self.input.readSlice(length: count) else {
            return false
        }
        var now = head
        now.length = count
        if count == head.length {
            self.restOfData = nil
        } else {
            now.flags &= ~HTTP2FrameHead.Flag.endStream
            self.restOfData?.length -= count
        }
        try self.readData(now, part)
        return true
    }

    private func readPreface() throws(HTTP2ConnectionError) -> Bool {
        let preface = UnsafeRawBufferPointer(start: Self.preface.utf8Start, count: Self.preface.utf8CodeUnitCount)
        let count = min(self.input.readableBytes, preface.count)
        let matches = self.input.withUnsafeReadableBytes { $0.prefix(count).elementsEqual(preface.prefix(count)) }
        guard matches else { throw HTTP2ConnectionError(.protocolError, "no HTTP/2 preface") }
        guard count == preface.count else { return false }
        self.input.moveReaderIndex(forwardBy: count)
        self.awaitsPreface = false
        return true
    }

    /// Takes padding off; what is left is content.
    private func unpadded(
        _ head: HTTP2FrameHead, _ payload: ByteBuffer
    ) throws(HTTP2ConnectionError) -> ByteBuffer {
        guard head.has(HTTP2FrameHead.Flag.padded) else { return payload }
        var payload = payload
        guard let padding = payload.readInteger(as: UInt8.self), Int(padding) <= payload.readableBytes,
            let content = payload.readSlice(length: payload.readableBytes - Int(padding))
        else { throw HTTP2ConnectionError(.protocolError, "padding that exceeds its frame") }
        return content
    }

    // MARK: DATA

    private func readData(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream != 0 else { throw HTTP2ConnectionError(.protocolError, "DATA without a stream") }
        let end = head.has(HTTP2FrameHead.Flag.endStream)
        self.receiveWindow -= head.length
        guard self.receiveWindow >= 0 else {
            throw HTTP2ConnectionError(.flowControlError, "the connection's window is exceeded")
        }
        self.returnCredit(head.length)
        let content = try self.unpadded(head, payload)
        let count = content.readableBytes
        if self.flood.dataReceived(bytes: count, end: end) {
            throw HTTP2ConnectionError(.enhanceYourCalm, "too many empty frames")
        }
        guard let stream = self.streams[head.stream] else {
            guard !self.isIdle(head.stream) else {
                throw HTTP2ConnectionError(.protocolError, "DATA on an idle stream")
            }
            return try self.takeStray(head.length)
        }
        // Padding serves no one and is given back with the next credit.
        stream.credit += head.length - count
        stream.receiveWindow -= head.length
        stream.unconsumed += count
        guard stream.receiveWindow >= 0 else {
            return try self.streamError(
                stream, .flowControlError, .protocolError("the stream's window is exceeded"))
        }
        guard !stream.receiveEnded else {
            return try self.streamError(stream, .streamClosed, .protocolError("DATA after the end"))
        }
        guard stream.headReceived else {
            return try self.streamError(stream, .protocolError, .protocolError("DATA before the head"))
        }
        if let left = stream.bodyLeft {
            guard count <= left, !end || count == left else {
                return try self.streamError(
                    stream, .protocolError, .protocolError("the body does not have its announced length"))
            }
            stream.bodyLeft = left - count
        }
        if end { stream.receiveEnded = true }
        guard count > 0 || end else { return }
        stream.receiver?.streamReceived(data: content, end: end)
        if end { self.receiveEnded(stream) }
    }

    /// The peer's message is whole.
    final func receiveEnded(_ stream: HTTP2Stream) {
        guard stream.connection === self else { return }
        if self.isServer || stream.sendEnded || stream.tunnel == .open { return self.closeIfDone(stream) }
        // The response came before the request was whole: what is left of it is not wanted.
        self.output.writeReset(stream.id, .cancel)
        self.detach(stream)?.streamClosed()
        self.flushSoon()
        self.streamLeft()
    }

    // MARK: HEADERS

    private func readHeaders(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard head.stream != 0 else { throw HTTP2ConnectionError(.protocolError, "HEADERS without a stream") }
        var content = try self.unpadded(head, payload)
        if head.has(HTTP2FrameHead.Flag.priority) {
            guard let dependency = content.readInteger(as: UInt32.self), content.readInteger(as: UInt8.self) != nil
            else { throw HTTP2ConnectionError(.frameSizeError, "HEADERS without its priority") }
            guard dependency & 0x7fff_ffff != head.stream else {
                throw HTTP2ConnectionError(.protocolError, "a stream that depends on itself")
            }
        }
        let end = head.has(HTTP2FrameHead.Flag.endStream)
        if head.has(HTTP2FrameHead.Flag.endHeaders) {
            return try self.decodeHeaders(head.stream, content, end: end)
        }
        self.assembling = (head.stream, end, 0)
        self.assembled.clear()
        self.assembled.writeBuffer(&content)
    }

    private func readContinuation(_ head: HTTP2FrameHead, _ payload: ByteBuffer) throws(HTTP2ConnectionError) {
        guard var assembling = self.assembling else {
            throw HTTP2ConnectionError(.protocolError, "CONTINUATION without HEADERS")
        }
        assembling.continuations += 1
        self.assembling = assembling
        guard assembling.continuations <= self.limits.maxContinuations,
            self.assembled.readableBytes + payload.readableBytes <= 2 * self.limits.maxHeaderBytes
        else { throw HTTP2ConnectionError(.enhanceYourCalm, "a header block of too many or too large frames") }
        self.assembled.writeImmutableBuffer(payload)
        guard head.has(HTTP2FrameHead.Flag.endHeaders) else { return }
        self.assembling = nil
        let whole = self.assembled
        self.assembled = ByteBuffer()
        try self.decodeHeaders(head.stream, whole, end: assembling.end)
    }

    private func decodeHeaders(_ id: UInt32, _ encoded: ByteBuffer, end: Bool) throws(HTTP2ConnectionError) {
        var block = HeaderBlock(reservingBytes: encoded.readableBytes + 384, fields: 24)
        let limits = self.limits
        let decoder = self.decoder
        let outcome = encoded.withUnsafeReadableBytes { bytes in
            Result { () throws(HPACKError) -> HPACKDecoder.Outcome in
                try decoder.decode(
                    bytes, into: &block, maxListSize: limits.maxHeaderBytes, maxFields: limits.maxFields)
            }
        }
        switch outcome {
        case .failure(let error): throw HTTP2ConnectionError(.compressionError, error.cause)
        case .success(let outcome):
            try self.headersArrived(id, self.streams[id], block, outcome, end: end)
        }
    }

    /// Trailers of an open stream.
    final func readTrailers(
        _ stream: HTTP2Stream, _ block: consuming HeaderBlock, _ outcome: HPACKDecoder.Outcome, end: Bool
    ) throws(HTTP2ConnectionError) {
        guard !stream.receiveEnded else {
            return try self.streamError(stream, .streamClosed, .protocolError("HEADERS after the end"))
        }
        if outcome == .tooLarge {
            return try self.streamError(stream, .enhanceYourCalm, .headersTooLarge)
        }
        guard end, outcome != .malformed, stream.bodyLeft ?? 0 == 0, !block.fields.contains(where: { $0.name.isPseudo })
        else {
            return try self.streamError(stream, .protocolError, .protocolError("malformed trailers"))
        }
        stream.receiveEnded = true
        for index in stride(from: block.count - 1, through: 0, by: -1)
        where block.fields[index].name.isForbiddenInTrailers && block.fields[index].name != .weftCase {
            block.remove(at: index)
        }
        stream.receiver?.streamReceived(trailers: block)
        self.receiveEnded(stream)
    }
}
