internal import DequeModule
internal import NIOCore
internal import WeftMessage

// Heads, data under flow control, and trailers on their way out.

extension HTTP2Connection {
    /// Writes a header block as HEADERS and, where it is large, CONTINUATION frames.
    final func writeHeaders(_ stream: HTTP2Stream, _ block: HeaderBlock, end: Bool) {
        guard !self.isClosing else { return }
        self.expectOutput()
        let start = self.output.writerIndex
        let endFlag = end ? HTTP2FrameHead.Flag.endStream : 0
        self.output.writeFrameHead(
            HTTP2FrameHead.Kind.headers, flags: HTTP2FrameHead.Flag.endHeaders | endFlag, stream: stream.id, length: 0)
        self.encoder.encode(block, into: &self.output)
        let length = self.output.writerIndex - start - HTTP2FrameHead.count
        if length <= self.peerMaxFrame {
            self.output.setInteger(
                UInt32(truncatingIfNeeded: length) << 8 | UInt32(HTTP2FrameHead.Kind.headers), at: start)
        } else {
            self.splitHeaders(stream.id, from: start, endFlag: endFlag)
        }
        if end { stream.sendEnded = true }
        self.flushSoon()
        if end { self.closeIfDone(stream) }
    }

    private func splitHeaders(_ id: UInt32, from start: Int, endFlag: UInt8) {
        let blockStart = start + HTTP2FrameHead.count
        guard var block = self.output.getSlice(at: blockStart, length: self.output.writerIndex - blockStart) else {
            return
        }
        self.output.moveWriterIndex(to: start)
        var kind = HTTP2FrameHead.Kind.headers
        var flags = endFlag
        while let fragment = block.readSlice(length: min(self.peerMaxFrame, block.readableBytes)) {
            if block.readableBytes == 0 { flags |= HTTP2FrameHead.Flag.endHeaders }
            self.output.writeFrameHead(kind, flags: flags, stream: id, length: fragment.readableBytes)
            self.output.writeImmutableBuffer(fragment)
            if block.readableBytes == 0 { return }
            kind = HTTP2FrameHead.Kind.continuation
            flags = 0
        }
    }

    final func send(_ stream: HTTP2Stream, _ data: ByteBuffer, end: Bool) {
        guard !self.isClosing else { return }
        var data = data
        if !stream.hasPending, !stream.isHeld, self.blocked.isEmpty || data.readableBytes == 0 {
            self.writeData(stream, &data, end: end)
            if data.readableBytes == 0 {
                if end { self.closeIfDone(stream) }
                return
            }
        }
        if data.readableBytes > 0 {
            self.pendingBytes += data.readableBytes
            stream.appendPending(data)
        }
        stream.pendingEnd = end
        self.queue(stream)
    }

    final func send(_ stream: HTTP2Stream, trailers: HeaderBlock) {
        guard !self.isClosing else { return }
        guard stream.hasPending else { return self.writeTrailers(stream, trailers) }
        stream.pendingEnd = true
        stream.pendingTrailers = trailers
    }

    private func writeTrailers(_ stream: HTTP2Stream, _ trailers: HeaderBlock) {
        var trailers = trailers
        for index in stride(from: trailers.count - 1, through: 0, by: -1)
        where trailers.fields[index].name.isForbiddenInTrailers && trailers.fields[index].name != .weftCase {
            trailers.remove(at: index)
        }
        self.writeHeaders(stream, trailers, end: true)
    }

    /// Writes as many frames as windows and socket allow; what is left stays in `data`. Sets `sendEnded` when all of a
    /// last chunk has been written.
    private func writeData(_ stream: HTTP2Stream, _ data: inout ByteBuffer, end: Bool) {
        if data.readableBytes == 0 {
            if end {
                self.output.writeFrameHead(
                    HTTP2FrameHead.Kind.data, flags: HTTP2FrameHead.Flag.endStream, stream: stream.id, length: 0)
                stream.sendEnded = true
                self.flushSoon()
            }
            return
        }
        self.expectOutput()
        var written = 0
        while data.readableBytes > 0, self.writable {
            let count = min(data.readableBytes, self.peerMaxFrame, self.sendWindow, stream.sendWindow)
            guard count > 0 else { break }
            let isLast = end && count == data.readableBytes
            self.output.writeFrameHead(
                HTTP2FrameHead.Kind.data, flags: isLast ? HTTP2FrameHead.Flag.endStream : 0, stream: stream.id,
                length: count)
            if count == data.readableBytes {
                self.output.writeImmutableBuffer(data)
                data.moveReaderIndex(forwardBy: count)
            } else if let part = data.readSlice(length: count) {
                self.output.writeImmutableBuffer(part)
            }
            if isLast { stream.sendEnded = true }
            self.sendWindow -= count
            stream.sendWindow -= count
            written += count
            self.flood.dataSent()
            self.dataFrames &+= 1
        }
        guard written > 0 else { return }
        if stream.unreported == 0 { self.unreported.append(stream) }
        stream.unreported += written
        self.flushSoon()
    }

    /// Puts a stream with waiting data in line, unless it is its own window that it waits for.
    final func queue(_ stream: HTTP2Stream) {
        self.watchForStall()
        guard !stream.isQueued, !stream.isHeld, stream.sendWindow > 0 || stream.pending.isEmpty else { return }
        stream.isQueued = true
        self.blocked.append(stream)
    }

    /// Gives the waiting streams their turns, a frame each.
    final func serveBlocked() {
        guard !self.serving, !self.blocked.isEmpty, !self.isClosing else { return }
        self.serving = true
        var progressed = false
        while self.writable, self.output.readableBytes < 262_144, let stream = self.blocked.popFirst() {
            stream.isQueued = false
            guard stream.connection === self else { continue }
            if self.sendWindow <= 0, !stream.pending.isEmpty {
                stream.isQueued = true
                self.blocked.prepend(stream)
                break
            }
            progressed = true
            if var chunk = stream.pending.popFirst() {
                let before = chunk.readableBytes
                let isLast = stream.pending.isEmpty && stream.pendingEnd && stream.pendingTrailers == nil
                self.writeData(stream, &chunk, end: isLast)
                let written = before - chunk.readableBytes
                stream.pendingBytes -= written
                self.pendingBytes -= written
                if chunk.readableBytes > 0 { stream.pending.prepend(chunk) }
            }
            if !stream.pending.isEmpty {
                if stream.sendWindow > 0 {
                    stream.isQueued = true
                    self.blocked.append(stream)
                }
            } else if stream.pendingEnd {
                stream.pendingEnd = false
                if let trailers = stream.pendingTrailers {
                    stream.pendingTrailers = nil
                    self.writeTrailers(stream, trailers)
                } else {
                    if !stream.sendEnded {
                        var empty = ByteBuffer()
                        self.writeData(stream, &empty, end: true)
                    }
                    self.closeIfDone(stream)
                }
            }
        }
        self.serving = false
        if progressed {
            self.flushSoon()
        }
    }

    // MARK: Credit

    /// The stream's user has done with received bytes.
    final func consumed(_ stream: HTTP2Stream, _ bytes: Int) {
        let bytes = min(bytes, stream.unconsumed)
        guard bytes > 0 else { return }
        stream.unconsumed -= bytes
        guard !stream.receiveEnded else { return }
        stream.credit += bytes
        guard stream.credit >= stream.window / 4 else { return }
        if stream.window < self.settings.maxStreamWindow { self.growWindow(of: stream) }
        self.output.writeWindowUpdate(stream.id, stream.credit)
        stream.receiveWindow += stream.credit
        stream.credit = 0
        self.flushSoon()
    }

    /// A stream is read quickly when its whole window is within this time.
    private static var quickRound: TimeAmount { .milliseconds(250) }

    /// Doubles the window of a stream that is read quickly, while there is room to grow: no stream takes more than half of
    /// what is left of it.
    private func growWindow(of stream: HTTP2Stream) {
        guard let now = self.context?.eventLoop.now else { return }
        guard let began = stream.roundBegan else {
            stream.roundBegan = now
            return
        }
        stream.consumedInRound += stream.credit
        guard stream.consumedInRound >= stream.window else { return }
        stream.consumedInRound = 0
        stream.roundBegan = now
        let growth = min(stream.window, self.settings.maxStreamWindow - stream.window)
        guard now - began <= Self.quickRound, stream.unconsumed <= stream.window / 2,
            growth <= (self.settings.windowGrowth - self.grownWindows) / 2
        else { return }
        stream.window += growth
        stream.credit += growth
        self.grownWindows += growth
    }

    /// Gives bytes back to the connection's window, as soon as they have arrived: see `HTTP2Settings`.
    final func returnCredit(_ bytes: Int) {
        self.credit += bytes
        guard self.credit >= max(self.settings.connectionWindow, 65_535) / 4, !self.isClosing else { return }
        self.output.writeWindowUpdate(0, self.credit)
        self.receiveWindow += self.credit
        self.credit = 0
        self.flushSoon()
    }
}
