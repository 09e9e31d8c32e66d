internal import NIOCore
internal import WeftMessage

/// Writes HTTP/1 heads, trailers and chunk framing. Connection-specific fields of the block are left out: framing and
/// persistence are the connection's to say. Names are spelled as the block says, those that are added here too.
enum HTTP1HeadWriter {
    /// What the connection adds to the fields.
    struct Additions {
        var chunked = false
        var zeroLength = false
        var close = false
        var keepAlive = false
        /// Leaves `content-length` out, where the status forbids it.
        var dropsContentLength = false
        /// The protocol that a request asks to upgrade to, or that a 101 switches to.
        var upgrade: String?
        /// `sec-websocket-key` of a request, `sec-websocket-accept` of a 101.
        var webSocket: String?
        /// The request does not say its WebSocket version, which HTTP/2 does not ask for.
        var addsWebSocketVersion = false
    }

    static func writeRequest(_ head: RequestHead, _ additions: Additions, into output: inout ByteBuffer) {
        let block = head.headers
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bound(block, additions)) { target in
            var writer = RawWriter(target, block.nameForm)
            block.withFields { bytes, fields in
                let isConnect = head.method == .connect
                Self.writeValue(of: .method, bytes, fields, &writer)
                writer.byte(UInt8(ascii: " "))
                Self.writeValue(of: isConnect ? .authority : .path, bytes, fields, &writer)
                writer.text(" HTTP/1.1\r\n")
                writer.name("host")
                Self.writeValue(of: .authority, bytes, fields, &writer)
                writer.text("\r\n")
                Self.writeFields(bytes, fields, additions, &writer)
            }
            Self.finish(additions, isResponse: false, &writer)
            return writer.count
        }
    }

    static func writeResponse(
        _ head: ResponseHead, isHTTP11: Bool, _ additions: Additions, into output: inout ByteBuffer
    ) {
        let block = head.headers
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bound(block, additions)) { target in
            var writer = RawWriter(target, block.nameForm)
            // What a proxy speaks is its own version, whatever the caller's.
            writer.text("HTTP/1.1 ")
            writer.byte(UInt8(truncatingIfNeeded: 0x30 + head.status / 100 % 10))
            writer.byte(UInt8(truncatingIfNeeded: 0x30 + head.status / 10 % 10))
            writer.byte(UInt8(truncatingIfNeeded: 0x30 + head.status % 10))
            writer.byte(UInt8(ascii: " "))
            writer.text(Self.phrase(head.status))
            writer.text("\r\n")
            block.withFields { bytes, fields in Self.writeFields(bytes, fields, additions, &writer) }
            Self.finish(additions, isResponse: true, &writer)
            return writer.count
        }
    }

    static func writeTrailers(_ trailers: HeaderBlock, into output: inout ByteBuffer) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bound(trailers)) { target in
            var writer = RawWriter(target, trailers.nameForm)
            writer.text("0\r\n")
            trailers.withFields { bytes, fields in
                for field in fields where !field.name.isForbiddenInTrailers {
                    writer.field(field, bytes)
                }
            }
            writer.text("\r\n")
            return writer.count
        }
    }

    /// The line in front of a chunk.
    static func writeChunkSize(_ size: Int, into output: inout ByteBuffer) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: 20) { target in
            var shift = (64 - max(size, 1).leadingZeroBitCount - 1) / 4 * 4
            var count = 0
            while shift >= 0 {
                let digit = UInt8(truncatingIfNeeded: size >> shift & 0xf)
                target[count] = digit < 10 ? 0x30 + digit : 0x57 + digit
                count += 1
                shift -= 4
            }
            target[count] = UInt8(ascii: "\r")
            target[count + 1] = UInt8(ascii: "\n")
            return count + 2
        }
    }

    // MARK: Parts

    private static func bound(_ block: HeaderBlock, _ additions: Additions = Additions()) -> Int {
        var size = 320
        if let upgrade = additions.upgrade { size += upgrade.utf8.count }
        for field in block.fields { size += Int(field.nameCount) + Int(field.valueCount) + 4 }
        // The authority may be written twice.
        return size + (block.firstIndex(of: .authority).map { Int(block.fields[$0].valueCount) } ?? 0)
    }

    private static func writeValue(
        of name: FieldName, _ bytes: UnsafeRawBufferPointer, _ fields: UnsafeBufferPointer<HeaderBlock.Field>,
        _ writer: inout RawWriter
    ) {
        for field in fields where field.name == name { return writer.value(field, bytes) }
    }

    @inline(__always)
    private static func writeFields(
        _ bytes: UnsafeRawBufferPointer, _ fields: UnsafeBufferPointer<HeaderBlock.Field>, _ additions: Additions,
        _ writer: inout RawWriter
    ) {
        var cookieWritten = false
        for field in fields {
            switch field.name {
            case .method, .scheme, .authority, .path, .status, .connectProtocol, .host, .connection, .keepAlive,
                .proxyConnection, .transferEncoding, .upgrade, .http2Settings, .expect, .weftCase:
                continue
            case .webSocketKey where additions.upgrade != nil, .webSocketAccept where additions.upgrade != nil:
                continue
            case .contentLength where additions.chunked || additions.dropsContentLength || additions.zeroLength:
                continue
            case .cookie:
                // HTTP/2 may split cookies over several fields; HTTP/1 has one.
                if cookieWritten { continue }
                cookieWritten = true
                Self.writeCookies(bytes, fields, &writer)
            default: writer.field(field, bytes)
            }
        }
    }

    private static func writeCookies(
        _ bytes: UnsafeRawBufferPointer, _ fields: UnsafeBufferPointer<HeaderBlock.Field>, _ writer: inout RawWriter
    ) {
        var isFirst = true
        for field in fields where field.name == .cookie {
            if isFirst { writer.name(of: field, bytes) } else { writer.text("; ") }
            isFirst = false
            writer.value(field, bytes)
        }
        writer.text("\r\n")
    }

    private static func finish(_ additions: Additions, isResponse: Bool, _ writer: inout RawWriter) {
        if additions.chunked {
            writer.name("transfer-encoding")
            writer.text("chunked\r\n")
        }
        if additions.zeroLength {
            writer.name("content-length")
            writer.text("0\r\n")
        }
        if let upgrade = additions.upgrade {
            writer.name("connection")
            writer.text(additions.close ? "close, Upgrade\r\n" : "Upgrade\r\n")
            writer.name("upgrade")
            writer.string(upgrade)
            writer.text("\r\n")
        } else if additions.close {
            writer.name("connection")
            writer.text("close\r\n")
        } else if additions.keepAlive {
            writer.name("connection")
            writer.text("keep-alive\r\n")
        }
        if let webSocket = additions.webSocket {
            writer.webSocketName(isResponse ? "Accept" : "Key", lower: isResponse ? "accept" : "key")
            writer.string(webSocket)
            writer.text("\r\n")
            if additions.addsWebSocketVersion {
                writer.webSocketName("Version", lower: "version")
                writer.text("13\r\n")
            }
        }
        writer.text("\r\n")
    }

    private static func phrase(_ status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 103: "Early Hints"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}

/// Appends to memory whose size was computed beforehand.
private struct RawWriter {
    private let target: UnsafeMutableRawBufferPointer
    private let form: NameForm
    private(set) var count = 0

    init(_ target: UnsafeMutableRawBufferPointer, _ form: NameForm) {
        self.target = target
        self.form = form
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        self.target[self.count] = byte
        self.count += 1
    }

    @inline(__always)
    mutating func raw(_ source: UnsafeRawBufferPointer) {
        guard !source.isEmpty else { return }
        UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...]).copyMemory(from: source)
        self.count += source.count
    }

    @inline(__always)
    mutating func text(_ text: StaticString) {
        self.raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { self.raw(UnsafeRawBufferPointer($0)) }
    }

    @inline(__always)
    mutating func value(_ field: HeaderBlock.Field, _ bytes: UnsafeRawBufferPointer) {
        let start = Int(field.valueStart)
        self.raw(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.valueCount)]))
    }

    /// A name given in lower case, and the colon.
    @inline(__always)
    mutating func name(_ text: StaticString) {
        self.formed(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        self.byte(UInt8(ascii: ":"))
        self.byte(UInt8(ascii: " "))
    }

    /// A field of the WebSocket handshake, which nobody writes in train form.
    mutating func webSocketName(_ text: StaticString, lower: StaticString) {
        self.text(self.form == .train ? "Sec-WebSocket-" : "sec-websocket-")
        self.text(self.form == .train ? text : lower)
        self.text(": ")
    }

    /// The field's name, and the colon.
    @inline(__always)
    mutating func name(of field: HeaderBlock.Field, _ bytes: UnsafeRawBufferPointer) {
        if field.spelling != 0 {
            let start = Int(field.spelling) - 1
            self.raw(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.nameCount)]))
        } else if field.name == .other {
            let start = Int(field.nameStart)
            self.formed(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.nameCount)]))
        } else {
            self.formed(
                UnsafeRawBufferPointer(start: field.name.text.utf8Start, count: field.name.text.utf8CodeUnitCount))
        }
        self.byte(UInt8(ascii: ":"))
        self.byte(UInt8(ascii: " "))
    }

    @inline(__always)
    private mutating func formed(_ name: UnsafeRawBufferPointer) {
        guard self.form != .lower else { return self.raw(name) }
        self.form.write(name, to: UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...]))
        self.count += name.count
    }

    @inline(__always)
    mutating func field(_ field: HeaderBlock.Field, _ bytes: UnsafeRawBufferPointer) {
        self.name(of: field, bytes)
        self.value(field, bytes)
        self.byte(UInt8(ascii: "\r"))
        self.byte(UInt8(ascii: "\n"))
    }
}
