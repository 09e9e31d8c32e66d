package import WeftMessage
package import WeftModel

/// Takes the hash that an affinity key asks for out of a request; the key made ready.
package struct AffinityReader: Sendable, Hashable {
    private enum Place: Sendable, Hashable {
        case header(FieldName, String)
        case cookie([UInt8])
        case query([UInt8])
        case source
    }

    private let place: Place
    /// The cookie that a caller without it is given, and how long it lasts; nil for other keys.
    package let issuedCookie: StickyCookie?

    package init(_ key: AffinityKey) {
        switch key {
        case .header(let name):
            let text = name.lowercased()
            self.place = .header(text == "host" ? .authority : FieldName(text), text)
            self.issuedCookie = nil
        case .cookie(let name, let ttl):
            self.place = .cookie(Array(name.utf8))
            self.issuedCookie = ttl.map { StickyCookie(name: name, ttl: $0) }
        case .query(let name):
            self.place = .query(Array(name.utf8))
            self.issuedCookie = nil
        case .source:
            self.place = .source
            self.issuedCookie = nil
        }
    }

    /// The hash of what the request has under the key; nil when it has nothing there, or nothing in it.
    ///
    /// - Parameter source: the hash of the caller's address; zero where it is not known.
    package func hash(_ head: borrowing RequestHead, source: UInt64) -> UInt64? {
        switch self.place {
        case .header(let name, let text):
            let index = name == .other ? head.headers.firstIndex(of: text) : head.headers.firstIndex(of: name)
            guard let index else { return nil }
            return head.headers.withValue(at: index) { $0.isEmpty ? nil : AffinityHash.of($0) }
        case .cookie(let name):
            return Cookies.withValue(of: name, in: head.headers) { $0.isEmpty ? nil : AffinityHash.of($0) } ?? nil
        case .query(let name): return self.queryHash(of: name, in: head.headers)
        case .source: return source == 0 ? nil : source
        }
    }

    private func queryHash(of name: [UInt8], in headers: HeaderBlock) -> UInt64? {
        guard let index = headers.firstIndex(of: .path) else { return nil }
        return headers.withValue(at: index) { path -> UInt64? in
            guard var position = path.firstIndex(of: UInt8(ascii: "?")) else { return nil }
            while position < path.count {
                let start = position + 1
                var end = start
                while end < path.count, path[end] != UInt8(ascii: "&") { end += 1 }
                position = end
                let pair = UnsafeRawBufferPointer(rebasing: path[start..<end])
                let nameEnd = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
                guard PercentCoding.equals(UnsafeRawBufferPointer(rebasing: pair[..<nameEnd]), name) else { continue }
                let value = UnsafeRawBufferPointer(rebasing: pair[min(pair.count, nameEnd + 1)...])
                if value.isEmpty { return nil }
                guard PercentCoding.isEncoded(value) else { return AffinityHash.of(value) }
                return PercentCoding.decoded(value).withUnsafeBytes(AffinityHash.of)
            }
            return nil
        }
    }
}
