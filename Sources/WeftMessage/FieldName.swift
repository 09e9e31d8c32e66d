/// The names a proxy meets often or cares about, interned; every other name is `.other`.
package enum FieldName: UInt8, Sendable, CaseIterable {
    case other
    case method
    case scheme
    case authority
    case path
    case connectProtocol
    case status
    case accept
    case acceptEncoding
    case acceptLanguage
    case age
    case allow
    case authorization
    case b3
    case cacheControl
    case connection
    case contentEncoding
    case contentLength
    case contentType
    case cookie
    case date
    case etag
    case expect
    case forwarded
    case from
    case grpcAcceptEncoding
    case grpcEncoding
    case grpcMessage
    case grpcPreviousAttempts
    case grpcRetryPushback
    case grpcStatus
    case grpcTimeout
    case host
    case http2Settings
    case idempotencyKey
    case ifModifiedSince
    case ifNoneMatch
    case keepAlive
    case lastModified
    case location
    case maxForwards
    case origin
    case proxyAuthenticate
    case proxyAuthorization
    case proxyConnection
    case proxyStatus
    case range
    case referer
    case retryAfter
    case webSocketAccept
    case webSocketKey
    case webSocketVersion
    case server
    case setCookie
    case te
    case traceparent
    case tracestate
    case trailer
    case transferEncoding
    case upgrade
    case userAgent
    case vary
    case via
    case wwwAuthenticate
    case xB3Flags
    case xB3ParentSpanID
    case xB3Sampled
    case xB3SpanID
    case xB3TraceID
    case xEnvoyExpectedTimeout
    case xForwardedClientCert
    case xForwardedFor
    case xForwardedHost
    case xForwardedProto
    case xRequestID
    case weftAttempt
    case weftCase
    case weftDeadline
    case weftPeer
    case weftReason
    case weftUpgradeRefused

    /// The name in lower case; empty for `.other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .method: ":method"
        case .scheme: ":scheme"
        case .authority: ":authority"
        case .path: ":path"
        case .connectProtocol: ":protocol"
        case .status: ":status"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .acceptLanguage: "accept-language"
        case .age: "age"
        case .allow: "allow"
        case .authorization: "authorization"
        case .b3: "b3"
        case .cacheControl: "cache-control"
        case .connection: "connection"
        case .contentEncoding: "content-encoding"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .cookie: "cookie"
        case .date: "date"
        case .etag: "etag"
        case .expect: "expect"
        case .forwarded: "forwarded"
        case .from: "from"
        case .grpcAcceptEncoding: "grpc-accept-encoding"
        case .grpcEncoding: "grpc-encoding"
        case .grpcMessage: "grpc-message"
        case .grpcPreviousAttempts: "grpc-previous-rpc-attempts"
        case .grpcRetryPushback: "grpc-retry-pushback-ms"
        case .grpcStatus: "grpc-status"
        case .grpcTimeout: "grpc-timeout"
        case .host: "host"
        case .http2Settings: "http2-settings"
        case .idempotencyKey: "idempotency-key"
        case .ifModifiedSince: "if-modified-since"
        case .ifNoneMatch: "if-none-match"
        case .keepAlive: "keep-alive"
        case .lastModified: "last-modified"
        case .location: "location"
        case .maxForwards: "max-forwards"
        case .origin: "origin"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .proxyConnection: "proxy-connection"
        case .proxyStatus: "proxy-status"
        case .range: "range"
        case .referer: "referer"
        case .retryAfter: "retry-after"
        case .webSocketAccept: "sec-websocket-accept"
        case .webSocketKey: "sec-websocket-key"
        case .webSocketVersion: "sec-websocket-version"
        case .server: "server"
        case .setCookie: "set-cookie"
        case .te: "te"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .userAgent: "user-agent"
        case .vary: "vary"
        case .via: "via"
        case .wwwAuthenticate: "www-authenticate"
        case .xB3Flags: "x-b3-flags"
        case .xB3ParentSpanID: "x-b3-parentspanid"
        case .xB3Sampled: "x-b3-sampled"
        case .xB3SpanID: "x-b3-spanid"
        case .xB3TraceID: "x-b3-traceid"
        case .xEnvoyExpectedTimeout: "x-envoy-expected-rq-timeout-ms"
        case .xForwardedClientCert: "x-forwarded-client-cert"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedHost: "x-forwarded-host"
        case .xForwardedProto: "x-forwarded-proto"
        case .xRequestID: "x-request-id"
        case .weftAttempt: "x-weft-attempt"
        case .weftCase: "x-weft-case"
        case .weftDeadline: "x-weft-deadline-ms"
        case .weftPeer: "x-weft-peer"
        case .weftReason: "x-weft-reason"
        case .weftUpgradeRefused: "x-weft-upgrade-refused"
        }
    }

    /// Whether this is a pseudo-header field.
    package var isPseudo: Bool {
        switch self {
        case .method, .scheme, .authority, .path, .connectProtocol, .status: true
        default: false
        }
    }

    /// Interns a name given in lower case.
    package init(_ name: String) {
        var name = name
        self = name.withUTF8 { FieldName(lowercased: UnsafeRawBufferPointer($0)) }
    }

    /// Interns a name given in lower case.
    package init(lowercased name: UnsafeRawBufferPointer) {
        self.init(anyCase: name)
    }

    /// Interns a name in whatever case; `.other` when it is not well known.
    package init(anyCase name: UnsafeRawBufferPointer) {
        self = .other
        guard name.count > 1, name.count < FieldNameIndex.longest else { return }
        let index = FieldNameIndex.shared
        var slot = FieldNameIndex.slot(of: name)
        while true {
            let candidate = index.slots[slot]
            if candidate == 0 { return }
            let entry = index.texts[Int(candidate)]
            if entry.count == name.count, FieldNameIndex.matches(name, entry) {
                self = unsafeBitCast(candidate, to: FieldName.self)
                return
            }
            slot = (slot + 1) & (FieldNameIndex.slotCount - 1)
        }
    }
}

/// A hash table of the well-known names, built once.
private struct FieldNameIndex: @unchecked Sendable {
    // Unchecked because of the pointers; nothing is written after the initializer.
    static let shared = FieldNameIndex()
    static let slotCount = 512
    static let longest = 40

    /// Raw values by hash, open addressing; 0 is free.
    let slots: UnsafePointer<UInt8>
    /// Names by raw value.
    let texts: UnsafePointer<UnsafeRawBufferPointer>

    private init() {
        let slots = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.slotCount)
        slots.initialize(repeating: 0, count: Self.slotCount)
        let texts = UnsafeMutablePointer<UnsafeRawBufferPointer>.allocate(capacity: FieldName.allCases.count)
        for name in FieldName.allCases {
            let text = UnsafeRawBufferPointer(start: name.text.utf8Start, count: name.text.utf8CodeUnitCount)
            (texts + Int(name.rawValue)).initialize(to: text)
            guard name != .other else { continue }
            var slot = Self.slot(of: text)
            while slots[slot] != 0 { slot = (slot + 1) & (Self.slotCount - 1) }
            slots[slot] = name.rawValue
        }
        self.slots = UnsafePointer(slots)
        self.texts = UnsafePointer(texts)
    }

    @inline(__always)
    static func slot(of name: UnsafeRawBufferPointer) -> Int {
        let first = Int(name[0] | 0x20)
        let middle = Int(name[name.count / 2] | 0x20)
        let last = Int(name[name.count - 1] | 0x20)
        return (name.count &* 37 &+ first &* 5 &+ middle &* 11 &+ last &* 67) & (self.slotCount - 1)
    }

    /// Compares bytes; only the letters A–Z are folded, since folding by a bit would take CR for a hyphen.
    @inline(__always)
    static func matches(_ name: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < text.count {
            let byte = name[index]
            if byte != text[index] {
                guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z"), byte | 0x20 == text[index] else {
                    return false
                }
            }
            index += 1
        }
        return true
    }
}
