package import WeftMessage
internal import WeftModel

/// A local reply as it goes on the wire.
package struct RenderedReply: Sendable {
    package var head: ResponseHead
    /// Empty when the head is all: a gRPC reply (trailers-only), or the answer to HEAD.
    package var body: [UInt8]
}

/// Writes the responses a proxy makes itself, in what the caller understands.
///
/// A gRPC caller gets a trailers-only response with `grpc-status` and `grpc-message`; one whose `accept` prefers JSON gets
/// an object with `status`, `reason` and `detail`; all others a line of text. Each carries `x-weft-reason`, and the request's
/// `x-request-id`.
package enum LocalReplyRenderer {
    /// `request` is the head that is answered.
    ///
    /// - Parameter atBorder: the caller is outside the mesh, and gets `Proxy-Status` too.
    package static func render(
        _ reply: LocalReply, for request: borrowing RequestHead, atBorder: Bool = false
    ) -> RenderedReply {
        var reply = reply
        if atBorder, let detail = reply.publicDetail { reply.detail = detail }
        var rendered = Self.render(reply, as: request)
        if let challenge = reply.challenge { rendered.head.headers.append(.wwwAuthenticate, challenge) }
        if atBorder { rendered.head.headers.append(.proxyStatus, ProxyStatus.value(for: reply)) }
        return rendered
    }

    private static func render(_ reply: LocalReply, as request: borrowing RequestHead) -> RenderedReply {
        if let location = reply.location {
            var head = ResponseHead(status: reply.status)
            head.headers.append(.location, location)
            head.headers.append(.contentLength, 0)
            Self.copyID(of: request, to: &head.headers)
            reply.edits?.apply(to: &head.headers)
            return RenderedReply(head: head, body: [])
        }
        if request.isGRPC { return Self.trailersOnly(reply, to: request) }
        let isJSON = Self.prefersJSON(request.headers)
        let body = Array((isJSON ? Self.json(reply) : Self.text(reply)).utf8)
        var head = ResponseHead(status: reply.status)
        head.headers.append(.contentType, isJSON ? "application/json" : "text/plain; charset=utf-8")
        head.headers.append(.contentLength, body.count)
        head.headers.append(.weftReason, reply.reason.rawValue)
        Self.copyID(of: request, to: &head.headers)
        if let seconds = reply.retryAfterSeconds { head.headers.append(.retryAfter, seconds) }
        if let limit = reply.rateLimit { Self.append(limit, to: &head.headers) }
        return RenderedReply(head: head, body: request.method == .head ? [] : body)
    }

    private static func trailersOnly(_ reply: LocalReply, to request: borrowing RequestHead) -> RenderedReply {
        var head = ResponseHead(status: 200)
        head.headers.append(.contentType, "application/grpc")
        head.headers.append(.grpcStatus, reply.grpcStatus)
        head.headers.append(.grpcMessage, Self.percentEncoded(Self.sentence(reply)))
        head.headers.append(.weftReason, reply.reason.rawValue)
        Self.copyID(of: request, to: &head.headers)
        if let seconds = reply.retryAfterSeconds { head.headers.append(.grpcRetryPushback, seconds * 1000) }
        if let limit = reply.rateLimit { Self.append(limit, to: &head.headers) }
        return RenderedReply(head: head, body: [])
    }

    /// By it the request is found in records, logs and traces.
    private static func copyID(of request: borrowing RequestHead, to headers: inout HeaderBlock) {
        guard let index = request.headers.firstIndex(of: .xRequestID) else { return }
        request.headers.withValue(at: index) { headers.append(.xRequestID, value: $0) }
    }

    /// Ends a gRPC response that has begun: the status that a reply would have carried.
    package static func trailers(_ reply: LocalReply) -> HeaderBlock {
        var trailers = HeaderBlock()
        trailers.append(.grpcStatus, reply.grpcStatus)
        trailers.append(.grpcMessage, Self.percentEncoded(Self.sentence(reply)))
        return trailers
    }

    /// Source: draft-ietf-httpapi-ratelimit-headers, structured fields.
    private static func append(_ limit: RateLimitNotice, to headers: inout HeaderBlock) {
        headers.append("ratelimit-policy", "\"\(limit.name)\";q=\(limit.quota);w=\(limit.windowSeconds)")
        headers.append("ratelimit", "\"\(limit.name)\";r=\(limit.remaining);t=\(limit.resetSeconds)")
    }

    private static func sentence(_ reply: LocalReply) -> String {
        reply.detail.isEmpty ? reply.reason.rawValue : "\(reply.reason.rawValue): \(reply.detail)"
    }

    private static func text(_ reply: LocalReply) -> String { "weft: \(Self.sentence(reply))\n" }

    private static func json(_ reply: LocalReply) -> String {
        var text = "{\"status\":\(reply.status),\"reason\":\"\(reply.reason.rawValue)\""
        if !reply.detail.isEmpty { text += ",\"detail\":\(Self.quoted(reply.detail))" }
        return text + "}\n"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default:
                if scalar.value < 0x20 {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    /// As `grpc-message` wants it: all but printable ASCII, and `%`, as `%XX`.
    package static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "%") {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether JSON is named in `accept`, with no lower quality than text.
    private static func prefersJSON(_ headers: HeaderBlock) -> Bool {
        var json = 0.0
        var text = 0.0
        for accept in headers.values(of: "accept") {
            for range in accept.split(separator: ",") {
                let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
                guard let type = parts.first else { continue }
                let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
                switch type {
                case "application/json", "application/problem+json", "application/*": json = max(json, quality)
                case "text/plain", "text/*", "text/html": text = max(text, quality)
                default: continue
                }
            }
        }
        return json > 0 && json >= text
    }
}
