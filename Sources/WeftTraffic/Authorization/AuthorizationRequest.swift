internal import WeftMessage
internal import WeftModel

/// A request as rules look at it.
struct AuthorizationRequest {
    let head: RequestHead
    /// In the canonical form, without the query.
    let path: UnsafeRawBufferPointer
    /// The same without the parameters of its segments; nil where it has none.
    private(set) var plainPath: UnsafeRawBufferPointer?
    /// As it is forwarded; nil where that is the canonical form.
    private(set) var sentPath: UnsafeRawBufferPointer?
    let query: UnsafeRawBufferPointer
    let claims: TokenClaims?

    private init(
        _ head: RequestHead, path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer, claims: TokenClaims?
    ) {
        self.head = head
        self.path = path
        self.query = query
        self.claims = claims
    }

    /// Calls `body` with the request, its target taken apart. A path without escapes and parameters is looked at where it
    /// lies.
    static func with<Result>(
        _ head: RequestHead, claims: TokenClaims?, _ body: (AuthorizationRequest) -> Result
    ) -> Result {
        guard let index = head.headers.firstIndex(of: .path) else {
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            return body(AuthorizationRequest(head, path: none, query: none, claims: claims))
        }
        return head.headers.withValue(at: index) { target in
            var end = 0
            var isEscaped = false
            var hasParameters = false
            look: while end < target.count {
                switch target[end] {
                case UInt8(ascii: "?"), UInt8(ascii: "#"): break look
                case UInt8(ascii: "%"): isEscaped = true
                case UInt8(ascii: ";"): hasParameters = true
                default: break
                }
                end += 1
            }
            let path = UnsafeRawBufferPointer(rebasing: target[..<end])
            let query = UnsafeRawBufferPointer(rebasing: target[min(target.count, end + 1)...])
            guard isEscaped || hasParameters else {
                return body(AuthorizationRequest(head, path: path, query: query, claims: claims))
            }
            return withUnsafeTemporaryAllocation(byteCount: 2 * end, alignment: 1) { buffer in
                var used = 0
                var canonical = path
                if isEscaped {
                    used = ComparedPath.canonical(path, into: buffer)
                    canonical = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<used])
                }
                var request = AuthorizationRequest(head, path: canonical, query: query, claims: claims)
                if isEscaped { request.sentPath = path }
                if canonical.contains(UInt8(ascii: ";")) {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[used...])
                    let count = ComparedPath.withoutParameters(canonical, into: rest)
                    request.plainPath = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(rest)[..<count])
                }
                return body(request)
            }
        }
    }

    /// Whether the method is one of these. Case counts in HTTP, and many applications write methods in capitals before they
    /// look: with `anyCase` it is no difference.
    func hasMethod(among methods: [[UInt8]], anyCase: Bool) -> Bool {
        guard let index = self.head.headers.firstIndex(of: .method) else { return false }
        return self.head.headers.withValue(at: index) { method in
            methods.contains { Self.isSame(method, $0, anyCase: anyCase) }
        }
    }

    func hasMethod(_ method: [UInt8], anyCase: Bool) -> Bool {
        guard let index = self.head.headers.firstIndex(of: .method) else { return false }
        return self.head.headers.withValue(at: index) { Self.isSame($0, method, anyCase: anyCase) }
    }

    private static func isSame(_ method: UnsafeRawBufferPointer, _ other: [UInt8], anyCase: Bool) -> Bool {
        guard method.count == other.count else { return false }
        if method.elementsEqual(other) { return true }
        return anyCase && method.elementsEqual(other) { Self.capital($0) == Self.capital($1) }
    }

    static func capital(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte ^ 0x20 : byte
    }
}
