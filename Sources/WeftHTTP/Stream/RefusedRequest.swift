internal import WeftMessage

/// As much of a refused request as can be told: for logs and records, never to act on. Texts are empty where nothing is
/// known, and hold whatever bytes were sent, but for the id.
package struct RefusedRequest: Hashable, Sendable {
    package var method = ""
    /// What the request line or `Host` says.
    package var authority = ""
    /// With its query.
    package var path = ""
    /// The caller's `x-request-id`, where it is one that a response may repeat.
    package var id = ""

    /// Nobody knows how long what is refused would have been.
    private static let longest = 8192
    private static let longestID = 128

    package init() {}

    /// Of the beginning of an HTTP/1 head, malformed or not whole.
    init(head bytes: UnsafeRawBufferPointer) {
        let bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.longest))
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        guard let line = lines.popFirst() else { return }
        let parts = Self.withoutReturn(line).split(
            separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1, !parts[0].isEmpty, parts[0].allSatisfy({ TokenTable.shared.folded[Int($0)] != 0 }) else {
            return
        }
        self.method = String(decoding: parts[0], as: UTF8.self)
        self.take(target: parts[1])
        for line in lines {
            let line = Self.withoutReturn(line)
            guard !line.isEmpty else { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = line[line.index(after: colon)...].drop { FieldSyntax.isSpace($0) }
            if name == "host", self.authority.isEmpty { self.authority = String(decoding: value, as: UTF8.self) }
            if name == "x-request-id", self.id.isEmpty { self.take(id: UnsafeRawBufferPointer(rebasing: value)) }
        }
    }

    /// Of the fields of an HTTP/2 request, as far as they were read.
    init(_ block: borrowing HeaderBlock) {
        self.method = block[.method] ?? ""
        self.authority = block[.authority] ?? ""
        self.path = block[.path] ?? ""
        if let index = block.firstIndex(of: .xRequestID) { block.withValue(at: index) { self.take(id: $0) } }
    }

    /// A form with scheme and authority is taken apart; what is none of the known ones counts as a path.
    private mutating func take(target: UnsafeRawBufferPointer.SubSequence) {
        let text = String(decoding: target, as: UTF8.self)
        guard self.method != "CONNECT" else { return self.authority = text }
        guard !text.utf8.starts(with: "/".utf8), let mark = text.firstRange(of: "://") else { return self.path = text }
        let rest = text[mark.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        self.authority = String(rest[..<end])
        self.path = String(rest[end...])
    }

    private mutating func take(id: UnsafeRawBufferPointer) {
        var end = id.count
        while end > 0, FieldSyntax.isSpace(id[end - 1]) { end -= 1 }
        guard (1...Self.longestID).contains(end), id[..<end].allSatisfy({ (0x21...0x7e).contains($0) }) else { return }
        self.id = String(decoding: id[..<end], as: UTF8.self)
    }

    private static func withoutReturn(_ line: UnsafeRawBufferPointer.SubSequence) -> UnsafeRawBufferPointer.SubSequence
    {
        line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    }
}
