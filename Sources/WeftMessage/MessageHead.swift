/// The head of a request, whichever HTTP version carried it.
///
/// Its fields are those of HTTP/2: `:method`, `:scheme`, `:authority`, `:path` come first, `host` is `:authority`, and no
/// connection-specific field is left. An upgrade has `:protocol` besides, and the method GET whichever way it came:
/// codecs write it as extended CONNECT in HTTP/2 and as `Upgrade` in HTTP/1.1. It is accepted by the status 101, and
/// nothing else.
package struct RequestHead: Sendable, Equatable {
    package var method: HTTPMethod
    /// All fields, pseudo-header fields first.
    package var headers: HeaderBlock

    package init(method: HTTPMethod, headers: HeaderBlock) {
        self.method = method
        self.headers = headers
    }

    package init(
        method: HTTPMethod, scheme: String = "http", authority: String, path: String,
        headers: HeaderBlock = HeaderBlock()
    ) {
        self.method = method
        var block = HeaderBlock(reservingBytes: 256, fields: headers.count + 4)
        block.append(.method, method.text)
        block.append(.scheme, scheme)
        block.append(.authority, authority)
        block.append(.path, path)
        block.nameForm = headers.nameForm
        for index in 0..<headers.count {
            headers.withName(at: index) { name in
                headers.withValue(at: index) { block.append(name: name, value: $0) }
            }
            headers.withSpelling(at: index) { block.keepSpellingOfLast($0) }
        }
        self.headers = block
    }

    /// The path with its query, `*` for OPTIONS, empty for CONNECT.
    package var path: String { self.headers[.path] ?? "" }
    package var authority: String { self.headers[.authority] ?? "" }

    /// Whether the request is gRPC: its content type begins with `application/grpc`, gRPC-Web excluded.
    package var isGRPC: Bool {
        guard let index = self.headers.firstIndex(of: .contentType) else { return false }
        return self.headers.withValue(at: index) { value in
            let prefix: StaticString = "application/grpc"
            let count = prefix.utf8CodeUnitCount
            guard value.count >= count,
                UnsafeRawBufferPointer(rebasing: value[..<count])
                    .elementsEqual(UnsafeRawBufferPointer(start: prefix.utf8Start, count: count))
            else { return false }
            return value.count == count || value[count] != UInt8(ascii: "-")
        }
    }
}

/// The head of a response. Its fields begin with `:status`.
package struct ResponseHead: Sendable, Equatable {
    /// 100–599.
    package var status: Int
    /// All fields, `:status` first.
    package var headers: HeaderBlock

    package init(status: Int, headers: HeaderBlock) {
        self.status = status
        self.headers = headers
    }

    /// A head with only a status.
    package init(status: Int) {
        self.status = status
        self.headers = HeaderBlock(reservingBytes: 256, fields: 8)
        self.headers.append(.status, status)
    }
}

/// A request method.
package enum HTTPMethod: Sendable, Hashable {
    case get, head, post, put, delete, connect, options, trace, patch
    /// Any other token, as written.
    case other(String)

    package init(_ bytes: UnsafeRawBufferPointer) {
        func isText(_ text: StaticString) -> Bool {
            bytes.elementsEqual(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        }
        switch bytes.count {
        case 3 where isText("GET"): self = .get
        case 3 where isText("PUT"): self = .put
        case 4 where isText("POST"): self = .post
        case 4 where isText("HEAD"): self = .head
        case 5 where isText("PATCH"): self = .patch
        case 6 where isText("DELETE"): self = .delete
        case 7 where isText("OPTIONS"): self = .options
        default: self.init(String(decoding: bytes, as: UTF8.self))
        }
    }

    package init(_ text: String) {
        self =
            switch text {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "DELETE": .delete
            case "CONNECT": .connect
            case "OPTIONS": .options
            case "TRACE": .trace
            case "PATCH": .patch
            default: .other(text)
            }
    }

    package var text: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other(let text): text
        }
    }

    /// Whether repeating the request has the effect of making it once (RFC 9110 §9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .connect, .patch, .other: false
        }
    }
}
