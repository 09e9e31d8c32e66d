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
        var cause: String
        init(_ cause: String) { self.cause = cause }
    }

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
                    guard block.withValue(at: index, { TokenTable.shared.isToken($0) }) else {
                        throw Malformed("the scheme is no token")
                    }
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
                    throw Malformed("unknown expectation")
                }
                expectsContinue = true
                drops = true
            case .proxyAuthorization, .proxyAuthenticate: drops = true
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

    /// `host` stands in for a missing authority, and must say the same as a present one.
    private static func mergeHost(_ index: Int, hasAuthority: Bool, in block: inout HeaderBlock) throws(Malformed) {
        let text = block.withValue(at: index) { Array($0) }
        if hasAuthority, let authority = block.firstIndex(of: .authority) {
            guard block.withValue(at: authority, { $0.elementsEqual(text) }) else {
                throw Malformed("host and authority differ")
            }
            block.remove(at: index)
            return
        }
        guard text.withUnsafeBytes({ FieldSyntax.isAuthority($0) }) else { throw Malformed("the host is malformed") }
        block.remove(at: index)
        text.withUnsafeBytes { block.prepend(.authority, value: $0) }
    }

    /// Checks a response's fields; its status and content-length.
    static func response(_ block: borrowing HeaderBlock) throws(Malformed) -> (status: Int, contentLength: Int?) {
        var status: Int?
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
            default: break
            }
        }
        guard let status else { throw Malformed("no status") }
        return (status, contentLength)
    }
}
