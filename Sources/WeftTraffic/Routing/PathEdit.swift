internal import WeftMessage
internal import WeftModel

/// A path modifier made ready, for the paths that one route takes.
struct PathEdit: Sendable {
    private let replacement: [UInt8]
    /// How many bytes of the path are replaced; nil is all.
    private let matched: Int?

    /// `match` is the route's; behind another than a prefix nothing counts as matched.
    init(_ modifier: PathModifier, match: PathMatch) {
        switch modifier {
        case .full(let path):
            self.replacement = Array(path.utf8)
            self.matched = nil
        case .prefix(let path):
            self.replacement = Self.withoutSlash(path)
            self.matched = if case .prefix(let prefix) = match { Self.withoutSlash(prefix).count } else { 0 }
        }
    }

    /// `/v2/` and `/v2` mean the same elements.
    private static func withoutSlash(_ path: String) -> [UInt8] {
        var bytes = Array(path.utf8)
        if bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return bytes
    }

    /// The new path with the old query. What is no path (`*`, or none) stays.
    func applied(to target: UnsafeRawBufferPointer) -> [UInt8] {
        guard target.first == UInt8(ascii: "/") else { return Array(target) }
        let end = target.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? target.count
        var result = self.replacement
        if let matched = self.matched { result.append(contentsOf: target[min(matched, end)..<end]) }
        if result.first != UInt8(ascii: "/") { result.insert(UInt8(ascii: "/"), at: 0) }
        result.append(contentsOf: target[end...])
        return result
    }
}

/// A rewrite made ready.
struct CompiledRewrite: Sendable {
    private let hostname: String?
    private let path: PathEdit?

    init(_ rewrite: URLRewrite, match: PathMatch) {
        self.hostname = rewrite.hostname
        self.path = rewrite.path.map { PathEdit($0, match: match) }
    }

    func apply(to headers: inout HeaderBlock) {
        if let hostname = self.hostname { headers.set(.authority, hostname) }
        if let edit = self.path, let index = headers.firstIndex(of: .path) {
            let path = headers.withValue(at: index) { edit.applied(to: $0) }
            path.withUnsafeBytes { headers.set(.path, value: $0) }
        }
    }
}

/// A redirect made ready.
struct CompiledRedirect: Sendable {
    let redirect: RequestRedirect
    private let path: PathEdit?

    init(_ redirect: RequestRedirect, match: PathMatch) {
        self.redirect = redirect
        self.path = redirect.path.map { PathEdit($0, match: match) }
    }

    /// The address to ask instead: scheme, host, port unless it is the scheme's own, path and query.
    ///
    /// Source: Gateway API `HTTPRequestRedirectFilter`.
    func location(for headers: HeaderBlock) -> String {
        let scheme = self.redirect.scheme ?? headers[.scheme] ?? "http"
        var location = "\(scheme)://\(self.redirect.hostname ?? String(Self.host(of: headers[.authority] ?? "")))"
        if let port = self.redirect.port, port != (scheme == "https" ? 443 : 80) { location += ":\(port)" }
        guard let index = headers.firstIndex(of: .path) else { return location + "/" }
        return location
            + headers.withValue(at: index) { target in
                String(decoding: self.path?.applied(to: target) ?? Array(target), as: UTF8.self)
            }
    }

    /// Without the port.
    private static func host(of authority: String) -> Substring {
        guard let colon = authority.lastIndex(of: ":"), authority.last != "]" else { return Substring(authority) }
        return authority[..<colon]
    }
}
