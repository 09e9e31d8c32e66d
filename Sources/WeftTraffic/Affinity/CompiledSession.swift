internal import WeftMessage
internal import WeftModel

/// A route's sessions made ready: reads what a request says of its session, and writes it for the caller to bring again.
///
/// Stateless: a session is its value, 16 hexadecimal digits each for backend and endpoint, by hashes that give no address
/// away, and, where it ends by itself, for when it began. A value that none of the route's backends answers to, or that
/// is too old, is no session. Whoever forges one chooses an endpoint of the route, and nothing else.
/// Source: GEP-1619.
struct CompiledSession: Sendable {
    private enum Carrier: Sendable {
        case cookie([UInt8])
        case header(FieldName, String)
    }

    /// How far another proxy's clock may be ahead, in seconds.
    private static let clockSkew: Int64 = 60

    private let carrier: Carrier
    /// What sessions call the backends, in the route's order.
    private let backends: [UInt64]
    /// In seconds; nil has no end.
    private let timeout: Int64?
    /// The cookie before and behind its value.
    private let before: String
    private let behind: String

    /// - Parameters:
    ///   - clusters: the route's backends, in its order.
    ///   - path: where the cookie counts. Sessions of different paths are different sessions.
    init(_ session: SessionPersistence, clusters: [String], path: String) {
        switch session.carrier {
        case .cookie: self.carrier = .cookie(Array(session.name.utf8))
        case .header:
            let text = session.name.lowercased()
            self.carrier = .header(FieldName(text), text)
        }
        self.backends = clusters.map { AffinityHash.of("\(path) \($0)") }
        self.timeout = session.absoluteTimeout.map { max(1, ($0.wholeNanoseconds + 999_999_999) / 1_000_000_000) }
        self.before = "\(session.name)="
        let age = session.isPermanent ? self.timeout.map { "; Max-Age=\($0)" } : nil
        self.behind = "; Path=\(path); HttpOnly; SameSite=Lax\(age ?? "")"
    }

    /// The path of a cookie for the requests that a match takes: the one matched, of an expression the elements that every
    /// match begins with.
    static func path(of match: PathMatch, literalPrefix: [UInt8]?) -> String {
        let path: String
        switch match {
        case .exact(let exact): path = exact
        // A cookie for `/v2/` would not come back to `/v2`.
        case .prefix(let prefix): path = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        case .regularExpression:
            let known = String(decoding: literalPrefix ?? [], as: UTF8.self)
            path = known.lastIndex(of: "/").map { String(known[..<$0]) } ?? ""
        }
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: ";") }
        return path.hasPrefix("/") && isPlain ? path : "/"
    }

    /// The session that a request belongs to; nil without one. Of several the first counts that is one of this route.
    func pin(in head: borrowing RequestHead, unixSeconds: Int64) -> SessionPin? {
        switch self.carrier {
        case .cookie(let name):
            return Cookies.first(of: name, in: head.headers) { self.pin($0, unixSeconds: unixSeconds) }
        case .header(let name, let text):
            let index = name == .other ? head.headers.firstIndex(of: text) : head.headers.firstIndex(of: name)
            return index.flatMap { head.headers.withValue(at: $0) { self.pin($0, unixSeconds: unixSeconds) } }
        }
    }

    private func pin(_ value: UnsafeRawBufferPointer, unixSeconds: Int64) -> SessionPin? {
        func number(_ index: Int) -> UInt64? {
            Cookies.number(UnsafeRawBufferPointer(rebasing: value[(16 * index)..<(16 * index + 16)]))
        }
        guard value.count == 32 || value.count == 48, let key = number(0), let endpoint = number(1),
            let backend = self.backends.firstIndex(of: key)
        else { return nil }
        var since: Int64 = 0
        if value.count == 48 {
            guard let began = number(2).flatMap(Int64.init(exactly:)) else { return nil }
            since = began
        }
        if let timeout = self.timeout {
            guard value.count == 48, since <= unixSeconds + Self.clockSkew, unixSeconds - since < timeout else {
                return nil
            }
        }
        return SessionPin(backend: backend, endpoint: endpoint, since: since)
    }

    /// Tells the caller of its session: a header each time, so that whoever keeps the latest answer has it; a cookie only
    /// when the session is new.
    func write(_ pin: SessionPin, isNew: Bool, to headers: inout HeaderBlock) {
        switch self.carrier {
        case .cookie:
            if isNew { headers.append(.setCookie, self.before + self.text(pin) + self.behind) }
        case .header(let name, let text):
            if name == .other { headers.set(text, self.text(pin)) } else { headers.set(name, self.text(pin)) }
        }
    }

    private func text(_ pin: SessionPin) -> String {
        let text = Cookies.text(self.backends[pin.backend]) + Cookies.text(pin.endpoint)
        return self.timeout == nil ? text : text + Cookies.text(UInt64(max(0, pin.since)))
    }
}
