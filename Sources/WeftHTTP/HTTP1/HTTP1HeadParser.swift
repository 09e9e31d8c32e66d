internal import WeftMessage

/// Finds and reads HTTP/1 heads (RFC 9112 §2–§5), refusing whatever another parser might read differently.
struct HTTP1HeadParser {
    let limits: HTTPLimits

    /// What a request head says about its message and the connection.
    struct Request {
        var method: HTTPMethod
        var framing: BodyFraming
        /// False for HTTP/1.0.
        var isHTTP11: Bool
        var keepsAlive: Bool
        var expectsContinue: Bool
        /// What the connection becomes when the answer says so.
        var tunnel = Tunnel.none
    }

    /// A request after which the connection may carry bytes of another protocol.
    enum Tunnel: Equatable {
        case none
        /// CONNECT.
        case connect
        /// An upgrade; the accept value where it is to WebSocket.
        case upgrade(accept: String?)
    }

    /// What a response head says about its message and the connection.
    struct Response {
        var status: Int
        var framing: BodyFraming
        var keepsAlive: Bool
        /// How long the server says it keeps an unused connection.
        var keepAliveSeconds: Int?
        /// What a 101 switches to.
        var upgrade: String?
    }

    /// The length of the head with its empty line, or nil when more bytes are needed; `scanned` remembers how far it
    /// has looked, so that a head which comes byte by byte is not looked through again and again.
    func headLength(_ bytes: UnsafeRawBufferPointer, scanned: inout Int) throws(MessageRefusal) -> Int? {
        var position = max(scanned, 0)
        while let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: position) {
            guard lineFeed > 0, bytes[lineFeed - 1] == UInt8(ascii: "\r") else {
                throw .malformed("a line ends with a bare LF")
            }
            if lineFeed >= 3, bytes[lineFeed - 2] == UInt8(ascii: "\n") {
                guard lineFeed < self.limits.maxHeaderBytes else { throw self.tooLarge(bytes) }
                return lineFeed + 1
            }
            position = lineFeed + 1
        }
        scanned = bytes.count
        guard bytes.count < self.limits.maxHeaderBytes else { throw self.tooLarge(bytes) }
        if position == 0, bytes.count > self.limits.maxStartLineBytes { throw self.tooLarge(bytes) }
        return nil
    }

    /// 414 when it is the start line that does not fit, 431 otherwise.
    private func tooLarge(_ bytes: UnsafeRawBufferPointer) -> MessageRefusal {
        let lineEnd = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: 0) ?? bytes.count
        return lineEnd > self.limits.maxStartLineBytes
            ? MessageRefusal(status: 414, cause: "start line above \(self.limits.maxStartLineBytes) bytes")
            : MessageRefusal(status: 431, cause: "head above \(self.limits.maxHeaderBytes) bytes")
    }

    // MARK: Requests

    /// Reads a whole request head, empty line included, into `block`.
    func request(
        _ bytes: UnsafeRawBufferPointer, scheme: StaticString, into block: inout HeaderBlock
    ) throws(MessageRefusal) -> Request {
        guard let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: 0), lineFeed > 0 else {
            throw .malformed("no request line")
        }
        guard lineFeed <= self.limits.maxStartLineBytes else {
            throw MessageRefusal(status: 414, cause: "start line above \(self.limits.maxStartLineBytes) bytes")
        }
        let line = UnsafeRawBufferPointer(rebasing: bytes[..<(lineFeed - 1)])
        guard let first = FieldSyntax.find(UInt8(ascii: " "), in: line, from: 0),
            let second = FieldSyntax.find(UInt8(ascii: " "), in: line, from: first + 1)
        else { throw .malformed("the request line has not three parts") }
        let methodBytes = UnsafeRawBufferPointer(rebasing: line[..<first])
        let target = UnsafeRawBufferPointer(rebasing: line[(first + 1)..<second])
        let version = UnsafeRawBufferPointer(rebasing: line[(second + 1)...])
        guard TokenTable.shared.isToken(methodBytes) else { throw .malformed("the method is no token") }
        guard FieldSyntax.isTarget(target) else { throw .malformed("a byte that no target may hold") }
        let isHTTP11 = try Self.isVersion11(version)
        let method = HTTPMethod(methodBytes)

        block.append(.method, value: methodBytes)
        var parts = try Self.split(target, method: method)
        if let targetScheme = parts.scheme {
            block.append(.scheme, value: targetScheme)
        } else if method != .connect {
            block.append(
                .scheme, value: UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount))
        }
        let authorityIndex = block.count
        block.append(.authority, value: UnsafeRawBufferPointer(start: nil, count: 0))
        if method != .connect {
            if parts.path.isEmpty {
                block.append(.path, method == .options ? "*" : "/")
            } else if parts.path[0] == UInt8(ascii: "?") {
                block.append(.path, "/" + String(decoding: parts.path, as: UTF8.self))
            } else {
                block.append(.path, value: parts.path)
            }
        }

        var fields = HTTP1FieldParser(limits: self.limits, isRequest: true)
        try fields.parse(bytes, from: lineFeed + 1, into: &block)
        guard let host = fields.host ?? (isHTTP11 ? nil : parts.authority) else { throw .malformed("no Host field") }
        guard FieldSyntax.isAuthority(host) else { throw .malformed("Host is no authority") }
        if parts.authority == nil { parts.authority = host }
        if let authority = parts.authority { block.setValue(at: authorityIndex, to: authority) }

        var framing = BodyFraming.none
        if fields.hasTransferEncoding {
            guard isHTTP11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
            guard fields.contentLength == nil else { throw .malformed("Transfer-Encoding with Content-Length") }
            guard fields.isChunked else { throw .malformed("no usable transfer coding") }
            framing = .chunked
        } else if let length = fields.contentLength {
            framing = length == 0 ? .none : .length(length)
            block.append(.contentLength, length)
            if let name = fields.contentLengthName { block.keepSpellingOfLast(name) }
        }
        if method == .connect, framing != .none { throw .malformed("CONNECT with a body") }
        var request = Request(
            method: method, framing: framing, isHTTP11: isHTTP11,
            keepsAlive: isHTTP11 ? !fields.saysClose : fields.saysKeepAlive && !fields.saysClose,
            expectsContinue: fields.expectsContinue && isHTTP11 && framing != .none)
        if method == .connect {
            request.tunnel = .connect
        } else if isHTTP11, method == .get, framing == .none, fields.saysUpgrade, let token = fields.upgrade {
            request.tunnel = try Self.takeUpgrade(to: token, &block)
        }
        return request
    }

    /// An upgrade becomes `:protocol`, as in extended CONNECT (RFC 8441); what belongs to this hop alone is taken out.
    private static func takeUpgrade(
        to token: UnsafeRawBufferPointer, _ block: inout HeaderBlock
    ) throws(MessageRefusal) -> Tunnel {
        guard FieldSyntax.equals(token, anyCase: "websocket") else {
            block.prepend(.connectProtocol, value: token)
            return .upgrade(accept: nil)
        }
        guard let index = block.firstIndex(of: .webSocketKey),
            let accept = block.withValue(at: index, { WebSocketHandshake.accept(forKey: $0) })
        else { throw .malformed("a WebSocket handshake without a usable key") }
        guard let version = block.firstIndex(of: .webSocketVersion),
            block.withValue(at: version, { FieldSyntax.equals($0, anyCase: "13") })
        else { throw MessageRefusal(status: 426, cause: "a WebSocket version other than 13") }
        block.remove(.webSocketKey)
        block.append(.connectProtocol, "websocket")
        return .upgrade(accept: accept)
    }

    private struct Target {
        var scheme: UnsafeRawBufferPointer?
        var authority: UnsafeRawBufferPointer?
        var path: UnsafeRawBufferPointer
    }

    private static func split(_ target: UnsafeRawBufferPointer, method: HTTPMethod) throws(MessageRefusal) -> Target {
        if method == .connect {
            guard FieldSyntax.isAuthority(target), FieldSyntax.find(UInt8(ascii: ":"), in: target, from: 0) != nil
            else {
                throw .malformed("CONNECT without host and port")
            }
            return Target(authority: target, path: target)
        }
        if target[0] == UInt8(ascii: "/") { return Target(path: target) }
        if target.count == 1, target[0] == UInt8(ascii: "*"), method == .options { return Target(path: target) }
        for scheme in ["http", "https"] as [StaticString] {
            let count = scheme.utf8CodeUnitCount
            guard target.count > count + 3, target[count] == UInt8(ascii: ":"), target[count + 1] == UInt8(ascii: "/"),
                target[count + 2] == UInt8(ascii: "/"),
                FieldSyntax.equals(UnsafeRawBufferPointer(rebasing: target[..<count]), anyCase: scheme)
            else { continue }
            let start = count + 3
            let end = target[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.count
            let authority = UnsafeRawBufferPointer(rebasing: target[start..<end])
            guard FieldSyntax.isAuthority(authority) else { throw .malformed("the target has no usable authority") }
            return Target(
                scheme: UnsafeRawBufferPointer(start: scheme.utf8Start, count: count), authority: authority,
                path: UnsafeRawBufferPointer(rebasing: target[end...]))
        }
        throw .malformed("a target of no known form")
    }

    private static func isVersion11(_ version: UnsafeRawBufferPointer) throws(MessageRefusal) -> Bool {
        let prefix: StaticString = "HTTP/"
        guard version.count == 8, version[6] == UInt8(ascii: "."),
            UnsafeRawBufferPointer(rebasing: version[..<5]).elementsEqual(
                UnsafeRawBufferPointer(start: prefix.utf8Start, count: 5)),
            version[5] >= UInt8(ascii: "0"), version[5] <= UInt8(ascii: "9"),
            version[7] >= UInt8(ascii: "0"), version[7] <= UInt8(ascii: "9")
        else { throw .malformed("no HTTP version") }
        guard version[5] == UInt8(ascii: "1"), version[7] <= UInt8(ascii: "1") else {
            throw MessageRefusal(status: 505, cause: "an HTTP version other than 1.0 and 1.1")
        }
        return version[7] == UInt8(ascii: "1")
    }

    // MARK: Responses

    /// Reads a whole response head to a request of `method` into `block`.
    func response(
        _ bytes: UnsafeRawBufferPointer, method: HTTPMethod, into block: inout HeaderBlock
    ) throws(MessageRefusal) -> Response {
        guard let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: 0), lineFeed > 0 else {
            throw .malformed("no status line")
        }
        let line = UnsafeRawBufferPointer(rebasing: bytes[..<(lineFeed - 1)])
        guard line.count >= 12, line[8] == UInt8(ascii: " "), line.count == 12 || line[12] == UInt8(ascii: " "),
            FieldSyntax.isValue(line)
        else { throw .malformed("the status line is malformed") }
        let isHTTP11 = try Self.isVersion11(UnsafeRawBufferPointer(rebasing: line[..<8]))
        let statusBytes = UnsafeRawBufferPointer(rebasing: line[9..<12])
        guard let status = Int(decimal: statusBytes), status >= 100, status <= 599 else {
            throw .malformed("a status outside 100–599")
        }
        block.append(.status, value: statusBytes)
        var fields = HTTP1FieldParser(limits: self.limits)
        try fields.parse(bytes, from: lineFeed + 1, into: &block)
        if fields.hasTransferEncoding {
            guard isHTTP11 else { throw .malformed("Transfer-Encoding in HTTP/1.0") }
            guard fields.contentLength == nil else { throw .malformed("Transfer-Encoding with Content-Length") }
            guard fields.isChunked else { throw .malformed("no usable transfer coding") }
        }
        let hasNoContent = status < 200 || status == 204
        if let length = fields.contentLength, !hasNoContent {
            block.append(.contentLength, length)
            if let name = fields.contentLengthName { block.keepSpellingOfLast(name) }
        }
        let framing: BodyFraming
        if hasNoContent || status == 304 || method == .head || method == .connect && status < 300 {
            framing = .none
        } else if fields.isChunked {
            framing = .chunked
        } else if let length = fields.contentLength {
            framing = length == 0 ? .none : .length(length)
        } else {
            framing = .untilClose
        }
        let keepsAlive = isHTTP11 ? !fields.saysClose : fields.saysKeepAlive && !fields.saysClose
        return Response(
            status: status, framing: framing, keepsAlive: keepsAlive && framing != .untilClose,
            keepAliveSeconds: fields.keepAliveSeconds,
            upgrade: status == 101 && fields.saysUpgrade
                ? fields.upgrade.map { String(decoding: $0, as: UTF8.self) } : nil)
    }
}
