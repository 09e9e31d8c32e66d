internal import WeftMessage

/// Reads the field lines of an HTTP/1 head or trailer section (RFC 9112 §5), strictly.
///
/// Connection-specific fields are interpreted and left out; all others are appended to the block.
struct HTTP1FieldParser {
    let limits: HTTPLimits

    var contentLength: Int?
    var isChunked = false
    var hasTransferEncoding = false
    var saysClose = false
    var saysKeepAlive = false
    var expectsContinue = false
    /// `Connection` says that `Upgrade` holds for this hop.
    var saysUpgrade = false
    /// The first protocol that `Upgrade` names, as bytes of the head.
    var upgrade: UnsafeRawBufferPointer?
    /// The request's `Host`, as bytes of the head.
    var host: UnsafeRawBufferPointer?
    /// `Connection` named fields besides those that are always removed.
    private var namesFields = false
    /// `Content-Length` as it was written, for whoever appends the field.
    var contentLengthName: UnsafeRawBufferPointer?

    init(limits: HTTPLimits) { self.limits = limits }

    /// Reads lines from `start` up to the empty line that ends `bytes`.
    ///
    /// - Throws: 400, 417, 431 or 501. For a response the caller makes a protocol error of it.
    mutating func parse(
        _ bytes: UnsafeRawBufferPointer, from start: Int, into block: inout HeaderBlock
    ) throws(MessageRefusal) {
        let firstField = block.count
        var position = start
        var isFirst = true
        while position < bytes.count - 2 {
            guard let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: position),
                lineFeed > position, bytes[lineFeed - 1] == UInt8(ascii: "\r")
            else { throw .malformed("a line does not end with CR LF") }
            let line = UnsafeRawBufferPointer(rebasing: bytes[position..<lineFeed - 1])
            position = lineFeed + 1
            guard let colon = FieldSyntax.find(UInt8(ascii: ":"), in: line, from: 0) else {
                throw .malformed("a field line without colon")
            }
            let name = UnsafeRawBufferPointer(rebasing: line[..<colon])
            let value = FieldSyntax.trimmed(UnsafeRawBufferPointer(rebasing: line[(colon + 1)...]))
            guard FieldSyntax.isValue(value) else { throw .malformed("a control character in a field value") }
            if isFirst {
                isFirst = false
                block.takeForm(fromFirst: name)
            }
            try self.take(name, value, into: &block)
            guard block.count - firstField <= self.limits.maxFields else {
                throw MessageRefusal(status: 431, cause: "more than \(self.limits.maxFields) fields")
            }
        }
        if self.namesFields { try self.removeNamedFields(bytes, from: start, in: &block, firstField: firstField) }
    }

    private mutating func take(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, into block: inout HeaderBlock
    ) throws(MessageRefusal) {
        let known = FieldName(anyCase: name)
        switch known {
        case .other:
            guard block.append(foldingName: name, value: value) else { throw .malformed("a field name is no token") }
            block.keepSpellingOfLast(name)
        case .contentLength:
            try self.takeContentLength(value)
            self.contentLengthName = name
        case .transferEncoding: try self.takeTransferEncoding(value)
        case .connection: try self.takeConnection(value)
        case .host:
            guard self.host == nil else { throw .malformed("more than one Host field") }
            self.host = value
        case .expect:
            guard FieldSyntax.equals(value, anyCase: "100-continue") else {
                throw MessageRefusal(status: 417, cause: "unknown expectation")
            }
            self.expectsContinue = true
        case .te:
            var wantsTrailers = false
            try FieldSyntax.forEachMember(of: value) { member throws(MessageRefusal) in
                if FieldSyntax.equals(member, anyCase: "trailers") { wantsTrailers = true }
            }
            if wantsTrailers, !block.contains(.te) {
                block.append(.te, "trailers")
                block.keepSpellingOfLast(name)
            }
        case .upgrade:
            guard self.upgrade == nil else { return }
            let end = FieldSyntax.find(UInt8(ascii: ","), in: value, from: 0) ?? value.count
            self.upgrade = FieldSyntax.trimmed(UnsafeRawBufferPointer(rebasing: value[..<end]))
        case .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .http2Settings: break
        case .method, .scheme, .authority, .path, .connectProtocol, .status:
            throw .malformed("a field name is no token")
        default:
            block.append(interned: known, name: name, value: value)
            block.keepSpellingOfLast(name)
        }
    }

    private mutating func takeContentLength(_ value: UnsafeRawBufferPointer) throws(MessageRefusal) {
        var length = self.contentLength
        try FieldSyntax.forEachMember(of: value) { member throws(MessageRefusal) in
            guard let number = Int(decimal: member) else { throw .malformed("Content-Length is not a number") }
            guard length == nil || length == number else { throw .malformed("Content-Length values differ") }
            length = number
        }
        self.contentLength = length
    }

    private mutating func takeTransferEncoding(_ value: UnsafeRawBufferPointer) throws(MessageRefusal) {
        self.hasTransferEncoding = true
        var chunked = self.isChunked
        try FieldSyntax.forEachMember(of: value) { member throws(MessageRefusal) in
            guard !chunked else { throw .malformed("chunked is not the last transfer coding") }
            guard FieldSyntax.equals(member, anyCase: "chunked") else {
                throw MessageRefusal(status: 501, cause: "unknown transfer coding")
            }
            chunked = true
        }
        self.isChunked = chunked
    }

    private mutating func takeConnection(_ value: UnsafeRawBufferPointer) throws(MessageRefusal) {
        var (close, keepAlive, others) = (self.saysClose, self.saysKeepAlive, self.namesFields)
        var upgrade = self.saysUpgrade
        try FieldSyntax.forEachMember(of: value) { option throws(MessageRefusal) in
            if option.isEmpty { return }
            if FieldSyntax.equals(option, anyCase: "close") {
                close = true
            } else if FieldSyntax.equals(option, anyCase: "keep-alive") {
                keepAlive = true
            } else if FieldSyntax.equals(option, anyCase: "upgrade") {
                upgrade = true
            } else if !FieldSyntax.equals(option, anyCase: "te") {
                guard TokenTable.shared.isToken(option) else { throw .malformed("a Connection option is no token") }
                others = true
            }
        }
        (self.saysClose, self.saysKeepAlive, self.namesFields) = (close, keepAlive, others)
        self.saysUpgrade = upgrade
    }

    /// Removes what `Connection` names, except fields that a peer must not be able to make a proxy drop.
    private func removeNamedFields(
        _ bytes: UnsafeRawBufferPointer, from start: Int, in block: inout HeaderBlock, firstField: Int
    ) throws(MessageRefusal) {
        var position = start
        while position < bytes.count - 2,
            let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: position)
        {
            let line = UnsafeRawBufferPointer(rebasing: bytes[position..<lineFeed - 1])
            position = lineFeed + 1
            guard let colon = FieldSyntax.find(UInt8(ascii: ":"), in: line, from: 0),
                FieldName(anyCase: UnsafeRawBufferPointer(rebasing: line[..<colon])) == .connection
            else { continue }
            let options = UnsafeRawBufferPointer(rebasing: line[(colon + 1)...])
            try FieldSyntax.forEachMember(of: options) { option throws(MessageRefusal) in
                for index in stride(from: block.count - 1, through: firstField, by: -1) {
                    let known = block.fields[index].name
                    guard !known.isProtectedFromConnection,
                        block.withName(at: index, { Self.folds(option, to: $0) }), !Self.isIdentity(option)
                    else { continue }
                    block.remove(at: index)
                }
            }
        }
    }

    private static func folds(_ option: UnsafeRawBufferPointer, to name: UnsafeRawBufferPointer) -> Bool {
        guard option.count == name.count else { return false }
        for index in 0..<option.count where TokenTable.shared.folded[Int(option[index])] != name[index] { return false }
        return true
    }

    /// Fields whose loss would change who the caller seems to be.
    private static func isIdentity(_ option: UnsafeRawBufferPointer) -> Bool {
        for prefix in ["x-forwarded-", "x-weft-"] as [StaticString] where option.count > prefix.utf8CodeUnitCount {
            let head = UnsafeRawBufferPointer(rebasing: option[..<prefix.utf8CodeUnitCount])
            if FieldSyntax.equals(head, anyCase: prefix) { return true }
        }
        return false
    }
}

extension FieldName {
    /// End-to-end or security fields, which a `Connection` option cannot remove.
    var isProtectedFromConnection: Bool {
        switch self {
        case .host, .authority, .method, .path, .scheme, .contentLength, .contentType, .contentEncoding, .authorization,
            .cookie, .setCookie, .xForwardedClientCert, .xForwardedFor, .xForwardedHost, .xForwardedProto, .forwarded,
            .weftAttempt, .weftCase, .weftDeadline, .weftPeer, .weftReason, .xRequestID, .traceparent, .tracestate, .te,
            .via:
            true
        default: false
        }
    }
}

extension MessageRefusal {
    /// 400.
    static func malformed(_ cause: String) -> MessageRefusal { MessageRefusal(status: 400, cause: cause) }
}
