internal import NIOCore
internal import WeftMessage

// How a response is put on the wire. The stream forwards its user's calls to these.

/// Bodies above this are handed to the channel as they are; smaller ones are copied next to their head.
let copiedBodyBound = 16_384

extension HTTP1ServerConnection {
    func sendInformational(_ head: ResponseHead) {
        guard self.isHTTP11, !self.headSent, head.status >= 100, head.status < 200, head.status != 101 else { return }
        var additions = HTTP1HeadWriter.Additions()
        additions.dropsContentLength = true
        HTTP1HeadWriter.writeResponse(head, isHTTP11: true, additions, into: &self.output)
        self.flushSoon()
    }

    func sendResponse(_ head: ResponseHead, end: Bool) {
        guard !self.headSent else { return }
        self.headSent = true
        if self.tunnel != .none, self.answerTunnel(head, end: end) { return }
        var additions = HTTP1HeadWriter.Additions()
        let length = head.headers.number(.contentLength)
        if head.status == 204 {
            additions.dropsContentLength = true
            self.responseFraming = .none
        } else if self.isHead || head.status == 304 {
            self.responseFraming = .none
        } else if end {
            additions.zeroLength = true
            self.responseFraming = .none
        } else if let length {
            self.responseFraming = .length(length)
        } else if self.isHTTP11 {
            additions.chunked = true
            self.responseFraming = .chunked
        } else {
            self.keepsAlive = false
            self.responseFraming = .untilClose
        }
        // An answer that rejects a body half read is the connection's last.
        if head.status >= 400, !self.requestDone { self.keepsAlive = false }
        additions.close = !self.keepsAlive
        additions.keepAlive = self.keepsAlive && !self.isHTTP11
        HTTP1HeadWriter.writeResponse(head, isHTTP11: self.isHTTP11, additions, into: &self.output)
        if end { self.endResponse() } else { self.flushSoon() }
    }

    /// Opens the tunnel when the answer says so. False for an ordinary answer, after which the connection goes on as
    /// before.
    private func answerTunnel(_ head: ResponseHead, end: Bool) -> Bool {
        var additions = HTTP1HeadWriter.Additions()
        additions.dropsContentLength = true
        switch self.tunnel {
        case .none: return false
        case .connect where head.status / 100 == 2:
            if end {
                // What follows are requests again.
                self.requestDone = true
                self.keepsAlive = !self.draining
                self.responseFraming = .none
                HTTP1HeadWriter.writeResponse(head, isHTTP11: self.isHTTP11, additions, into: &self.output)
                self.endResponse()
                return true
            }
        case .connect:
            // What was meant for the other end may be under way; it must not be read as requests.
            self.requestDone = true
            self.keepsAlive = false
            return false
        case .upgrade(let accept):
            guard head.status == 101 else {
                self.requestDone = true
                return false
            }
            additions.upgrade = self.upgradeToken
            additions.webSocket = accept
        }
        HTTP1HeadWriter.writeResponse(head, isHTTP11: true, additions, into: &self.output)
        self.tunnelIsOpen = true
        self.keepsAlive = false
        self.responseFraming = .untilClose
        self.flushSoon()
        // Not from within a call of the receiver's.
        if self.input.readableBytes > 0 || self.inputEnded { self.parseLater() }
        return true
    }

    func sendData(_ data: ByteBuffer, end: Bool) {
        guard self.headSent, !self.responseDone else { return }
        let count = data.readableBytes
        switch self.responseFraming {
        case .none:
            self.stream?.receiver?.streamSent(bytes: count)
        case .chunked:
            if count > 0 {
                HTTP1HeadWriter.writeChunkSize(count, into: &self.output)
                self.writeBody(data)
                self.output.writeStaticString("\r\n")
            }
            if end { self.output.writeStaticString("0\r\n\r\n") }
        case .untilClose:
            self.writeBody(data)
        case .length(let remaining):
            guard count <= remaining, !end || count == remaining else {
                // The peer would take the next response for this one's body, or the other way round.
                return self.closeNow(.closed)
            }
            self.responseFraming = .length(remaining - count)
            self.writeBody(data)
        }
        if end { self.endResponse() } else { self.flushSoon() }
        self.watchForStall()
    }

    func sendTrailers(_ trailers: HeaderBlock) {
        guard self.headSent, !self.responseDone else { return }
        switch self.responseFraming {
        case .chunked: HTTP1HeadWriter.writeTrailers(trailers, into: &self.output)
        case .length(let remaining) where remaining > 0: return self.closeNow(.closed)
        case .none, .length, .untilClose: break
        }
        self.endResponse()
    }

    func reset() {
        guard let stream = self.stream else { return }
        self.stream = nil
        _ = stream.end()
        if self.tunnelIsOpen {
            self.abort(.closed)
        } else if self.headSent {
            self.cutOff(.closed)
        } else {
            self.closeNow(.closed)
        }
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

    private func endResponse() {
        self.responseDone = true
        if self.tunnelIsOpen, !self.requestDone { self.endOutput() } else { self.flushAtOnce() }
        self.exchangeAdvanced()
    }
}

/// A request on an HTTP/1 connection. Once the exchange has ended it belongs to no connection and ignores every call.
final class HTTP1ServerStream: ServerStream {
    var connection: HTTP1ServerConnection?
    var receiver: (any ServerStreamReceiver)?

    /// Cuts the stream off and returns who was listening.
    func end() -> (any ServerStreamReceiver)? {
        let receiver = self.receiver
        self.receiver = nil
        self.connection = nil
        return receiver
    }

    func sendInformational(_ head: ResponseHead) { self.connection?.sendInformational(head) }
    func sendResponse(_ head: ResponseHead, end: Bool) { self.connection?.sendResponse(head, end: end) }
    func sendData(_ data: ByteBuffer, end: Bool) { self.connection?.sendData(data, end: end) }
    func sendTrailers(_ trailers: HeaderBlock) { self.connection?.sendTrailers(trailers) }
    func consumed(_ bytes: Int) { self.connection?.consumed(bytes) }
    func reset(_ code: StreamResetCode) { self.connection?.reset() }
    var unsentBytes: Int { self.connection?.unsent ?? 0 }
}
