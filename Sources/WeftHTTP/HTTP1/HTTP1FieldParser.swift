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
    /// What `Keep-Alive` says of how long an unused connection is kept.
    var keepAliveSeconds: Int?
    /// `Connection` says that `Upgrade` holds for this hop.
    var saysUpgrade = false
    /// The first protocol of `Upgrade` that may pass, as bytes of the head.
    var upgrade: UnsafeRawBufferPointer?
    /// The request's `Host`, as bytes of the head.
    var host: UnsafeRawBufferPointer?
    /// `Connection` named fields besides those that are always removed.
    private var namesFields = false
    /// Of a request, fields that two readers could choose from are refused when they come twice.
    private let isRequest: Bool
    private var seen = Singletons()
    /// `Content-Length` as it was written, for whoever appends the field.
    var contentLengthName: UnsafeRawBufferPointer?

    init(limits: HTTPLimits, isRequest: Bool = false) {
        self.limits = limits
        self.isRequest = isRequest
    }

    /// Fields of a request that have one value (RFC 9110 §5.3): which of two an application takes, nobody knows.
    private struct Singletons: OptionSet {
        let rawValue: UInt8

        static let authorization = Singletons(rawValue: 1)
        static let contentType = Singletons(rawValue: 2)
        static let webSocketKey = Singletons(rawValue: 4)
        static let webSocketVersion = Singletons(rawValue: 8)

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ name: FieldName) {
            self =
                switch name {
                case .authorization: .authorization
                case .contentType: .contentType
                case .webSocketKey: .webSocketKey
                case .webSocketVersion: .webSocketVersion
                default: []
                }
        }
    }

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
            if FieldName.isAliasOfProtected(name) {
                guard TokenTable.shared.isToken(name) else { throw .malformed("a field name is no token") }
                return
            }
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
            var chosen = self.upgrade
            try FieldSyntax.forEachMember(of: value) { token throws(MessageRefusal) in
                if chosen == nil, UpgradeRules.isAllowed(token) { chosen = token }
            }
            self.upgrade = chosen
        case .keepAlive: try self.takeKeepAlive(value)
        case .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .http2Settings: break
        case .method, .scheme, .authority, .path, .connectProtocol, .status:
            throw .malformed("a field name is no token")
        default:
            if self.isRequest {
                let singleton = Singletons(known)
                guard self.seen.isDisjoint(with: singleton) else { throw .malformed("two fields \(known.text)") }
                self.seen.formUnion(singleton)
            }
            block.append(interned: known, name: name, value: value)
            block.keepSpellingOfLast(name)
        }
    }

    private mutating func takeKeepAlive(_ value: UnsafeRawBufferPointer) throws(MessageRefusal) {
        let parameter: StaticString = "timeout="
        var seconds = self.keepAliveSeconds
        try FieldSyntax.forEachMember(of: value) { member throws(MessageRefusal) in
            let count = parameter.utf8CodeUnitCount
            guard member.count > count,
                FieldSyntax.equals(UnsafeRawBufferPointer(rebasing: member[..<count]), anyCase: parameter)
            else { return }
            seconds = Int(decimal: UnsafeRawBufferPointer(rebasing: member[count...])) ?? seconds
        }
        self.keepAliveSeconds = seconds
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

    /// Removes what `Connection` names, except fields that a peer must not be able to make a proxy drop: all that are well
    /// known, whose hop-by-hop ones never get into the block, and those that say who the caller is.
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
                    guard block.fields[index].name == .other,
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

    /// Fields whose loss would change who the caller seems to be, or what a call is.
    private static func isIdentity(_ option: UnsafeRawBufferPointer) -> Bool {
        for prefix in ["x-forwarded-", "x-weft-", "grpc-"] as [StaticString]
        where option.count > prefix.utf8CodeUnitCount {
            let head = UnsafeRawBufferPointer(rebasing: option[..<prefix.utf8CodeUnitCount])
            if FieldSyntax.equals(head, anyCase: prefix) { return true }
        }
        return false
    }
}

extension MessageRefusal {
    /// 400.
    static func malformed(_ cause: String) -> MessageRefusal { MessageRefusal(status: 400, cause: cause) }
}
