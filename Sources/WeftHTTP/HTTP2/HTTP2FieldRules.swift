internal import WeftMessage

/// What makes a decoded header block a request or a response head (RFC 9113 §8).
enum HTTP2FieldRules {
    struct Request {
        var method: HTTPMethod
        var contentLength: Int?
        var expectsContinue: Bool
        /// CONNECT, or an upgrade: bytes both ways once it is accepted.
        var tunnel = HTTP2Stream.Tunnel.none
    }

    struct Malformed: Error {
        /// What it is answered with; 400 is a reset of the stream instead.
        var status = 400
        var cause: String

        init(_ cause: String) { self.cause = cause }

        init(status: Int, cause: String) {
            self.status = status
            self.cause = cause
        }
    }

    struct Response {
        var status: Int
        var contentLength: Int?
        /// It has a field that only sidecars say to each other, and only of an upgrade.
        var hasPeerField = false
    }

    /// The status of an upgrade refused with success; `x-weft-upgrade-refused` says which success it was.
    static let upgradeRefused = 501

    /// Checks a request's fields and brings them into the form of `RequestHead`.
    static func request(_ block: inout HeaderBlock) throws(Malformed) -> Request {
        var seen: UInt64 = 0
        var pseudoEnded = false
        var contentLength: Int?
        var expectsContinue = false
        var host: Int?
        var method: HTTPMethod?
        var hasAuthority = false
        var pathIndex: Int?
        var drops = false
        /// `content-type` and `authorization`: which of two an application believes is anyone's guess.
        var singletons: (contentType: Bool, authorization: Bool) = (false, false)
        for index in 0..<block.count {
            let name = block.fields[index].name
            if name.isPseudo {
                guard !pseudoEnded else { throw Malformed("a pseudo-header field after others") }
                guard seen & (1 << UInt64(name.rawValue)) == 0 else {
                    throw Malformed("a repeated pseudo-header field")
                }
                seen |= 1 << UInt64(name.rawValue)
                switch name {
                case .method:
                    guard block.withValue(at: index, { TokenTable.shared.isToken($0) }) else {
                        throw Malformed("the method is no token")
                    }
                    method = block.withValue(at: index) { HTTPMethod($0) }
                case .scheme:
                    try Self.checkScheme(index, in: &block)
                case .authority:
                    guard block.withValue(at: index, { FieldSyntax.isAuthority($0) }) else {
                        throw Malformed("the authority is malformed")
                    }
                    hasAuthority = true
                case .path: pathIndex = index
                case .connectProtocol:
                    guard block.withValue(at: index, { UpgradeRules.isAllowed($0) }) else {
                        throw Malformed("a protocol that no stream can carry")
                    }
                default: throw Malformed("a pseudo-header field that no request has")
                }
                continue
            }
            pseudoEnded = true
            switch name {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings:
                throw Malformed("a connection-specific field")
            case .te:
                guard block.withValue(at: index, { FieldSyntax.equals($0, anyCase: "trailers") }) else {
                    throw Malformed("te other than trailers")
                }
            case .host:
                guard host == nil else { throw Malformed("more than one host field") }
                host = index
            case .contentLength:
                guard contentLength == nil, let length = block.withValue(at: index, { Int(decimal: $0) }) else {
                    throw Malformed("content-length is malformed")
                }
                contentLength = length
            case .expect:
                guard block.withValue(at: index, { FieldSyntax.equals($0, anyCase: "100-continue") }) else {
                    throw Malformed(status: 417, cause: "unknown expectation")
                }
                expectsContinue = true
                drops = true
            case .contentType:
                guard !singletons.contentType else { throw Malformed("more than one content-type field") }
                singletons.contentType = true
            case .authorization:
                guard !singletons.authorization else { throw Malformed("more than one authorization field") }
                singletons.authorization = true
            case .proxyAuthorization, .proxyAuthenticate, .weftUpgradeRefused: drops = true
            default: break
            }
        }
        guard let method else { throw Malformed("no method") }
        let isUpgrade = seen & (1 << UInt64(FieldName.connectProtocol.rawValue)) != 0
        guard !isUpgrade || method == .connect && contentLength == nil else {
            throw Malformed("a protocol without CONNECT, or with a length")
        }
        if method == .connect, !isUpgrade {
            guard contentLength == nil else { throw Malformed("CONNECT with a length") }
            guard hasAuthority, pathIndex == nil, seen & (1 << UInt64(FieldName.scheme.rawValue)) == 0 else {
                throw Malformed("CONNECT with other pseudo-header fields than its authority")
            }
            guard let authority = block.firstIndex(of: .authority),
                block.withValue(at: authority, { Self.hasPort($0) })
            else { throw Malformed("CONNECT without a port") }
        } else {
            guard let pathIndex, seen & (1 << UInt64(FieldName.scheme.rawValue)) != 0 else {
                throw Malformed("no path or scheme")
            }
            let isPath = block.withValue(at: pathIndex) { path in
                guard FieldSyntax.isTarget(path) else { return false }
                return path[0] == UInt8(ascii: "/")
                    || path.count == 1 && path[0] == UInt8(ascii: "*") && method == .options
            }
            guard isPath else { throw Malformed("the path is malformed") }
        }
        if let host { try Self.mergeHost(host, hasAuthority: hasAuthority, in: &block) }
        guard hasAuthority || host != nil else { throw Malformed("no authority") }
        if drops {
            block.remove(.expect)
            block.remove(.proxyAuthorization)
            block.remove(.proxyAuthenticate)
            block.remove(.weftUpgradeRefused)
        }
        if isUpgrade {
            // The form in which requests are matched and forwarded, whichever way they came.
            block.set(.method, "GET")
            return Request(method: .get, contentLength: nil, expectsContinue: false, tunnel: .upgrade)
        }
        return Request(
            method: method, contentLength: contentLength, expectsContinue: expectsContinue && method != .connect,
            tunnel: method == .connect ? .connect : .none)
    }

    /// http or https: nothing else is carried here. Written in lower case, as rules compare it.
    private static func checkScheme(_ index: Int, in block: inout HeaderBlock) throws(Malformed) {
        let isSecure = block.fields[index].valueCount == 5
        let scheme: StaticString = isSecure ? "https" : "http"
        guard block.withValue(at: index, { FieldSyntax.equals($0, anyCase: scheme) }) else {
            throw Malformed("a scheme other than http and https")
        }
        let text = UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount)
        if !block.withValue(at: index, { $0.elementsEqual(text) }) { block.setValue(at: index, to: text) }
    }

    /// Of an authority that is well formed: whether a port ends it.
    private static func hasPort(_ authority: UnsafeRawBufferPointer) -> Bool {
        guard let colon = authority.lastIndex(of: UInt8(ascii: ":")) else { return false }
        return !authority[colon...].contains(UInt8(ascii: "]"))
    }

    /// Whether two names are the same: the case of letters does not matter in a host (RFC 9110 §4.2.3).
    private static func isSameHost(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 {
            byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
        }
        return one.elementsEqual(other) { folded($0) == folded($1) }
    }

    /// `host` stands in for a missing authority, and must say the same as a present one.
    private static func mergeHost(_ index: Int, hasAuthority: Bool, in block: inout HeaderBlock) throws(Malformed) {
        let text = block.withValue(at: index) { Array($0) }
        if hasAuthority, let authority = block.firstIndex(of: .authority) {
            let same = text.withUnsafeBytes { text in
                block.withValue(at: authority) { Self.isSameHost($0, text) }
            }
            guard same else {
                throw Malformed("host and authority differ")
            }
            block.remove(at: index)
            return
        }
        guard text.withUnsafeBytes({ FieldSyntax.isAuthority($0) }) else { throw Malformed("the host is malformed") }
        block.remove(at: index)
        text.withUnsafeBytes { block.prepend(.authority, value: $0) }
    }

    /// Checks a response's fields.
    static func response(_ block: borrowing HeaderBlock) throws(Malformed) -> Response {
        var status: Int?
        var hasPeerField = false
        var contentLength: Int?
        for index in 0..<block.count {
            let name = block.fields[index].name
            switch name {
            case .status:
                guard index == 0, let code = block.withValue(at: 0, { $0.count == 3 ? Int(decimal: $0) : nil }),
                    code >= 100, code <= 599, code != 101
                else { throw Malformed("the status is malformed") }
                status = code
            case .method, .scheme, .authority, .path, .connectProtocol:
                throw Malformed("a pseudo-header field that no response has")
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings:
                throw Malformed("a connection-specific field")
            case .contentLength:
                guard contentLength == nil, let length = block.withValue(at: index, { Int(decimal: $0) }) else {
                    throw Malformed("content-length is malformed")
                }
                contentLength = length
            case .weftUpgradeRefused: hasPeerField = true
            default: break
            }
        }
        guard let status else { throw Malformed("no status") }
        return Response(status: status, contentLength: contentLength, hasPeerField: hasPeerField)
    }
}
