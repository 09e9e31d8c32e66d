internal import WeftMessage

/// What the first bytes of a connection look like.
package enum DetectedProtocol: Hashable, Sendable {
    /// Too few bytes to tell.
    case undecided
    case http1
    case http2
    /// A TLS handshake.
    case tls
    /// Nothing that is read here: bytes to be passed on.
    case bytes
}

/// Tells protocols apart by how a client begins.
///
/// Whatever an application could take for a request has to be found to be HTTP, though the codec will refuse it: what
/// passes as bytes, passes by every rule for requests. Hence a request line counts by its likeness, not by its being
/// correct: a first line that holds a version of HTTP is one, whatever else is in it, lines of a web server's log
/// included. Other protocols begin with a word and a space too, and stay bytes: their lines have neither a path behind a
/// method of HTTP nor a version of HTTP. What is not there yet is not waited for where the beginning looks like bytes;
/// `HiddenRequestSearch` looks on.
package enum ProtocolDetection {
    /// Bytes looked at before a request line counts as one that is merely too long.
    package static let maxBytes = 16_384
    /// Bytes of a word that may still be a method.
    private static let maxMethodBytes = 256

    private static var preface: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }

    /// - Parameter isLast: no more will come, or has come in time: what has not proved itself by now is decided by its
    ///   shape.
    package static func classify(_ bytes: UnsafeRawBufferPointer, isLast: Bool = false) -> DetectedProtocol {
        guard let first = bytes.first else { return isLast ? .bytes : .undecided }
        if first == 22 {
            guard bytes.count > 1 else { return isLast ? .bytes : .undecided }
            if bytes[1] == 3 { return .tls }
        }
        let preface = UnsafeRawBufferPointer(
            start: Self.preface.utf8Start, count: Self.preface.utf8CodeUnitCount)
        if bytes.prefix(preface.count).elementsEqual(preface.prefix(bytes.count)) {
            if bytes.count >= preface.count { return .http2 }
            guard isLast else { return .undecided }
            return bytes.count > 2 ? .http2 : .http1
        }
        return Self.requestLine(bytes, isLast: isLast)
    }

    /// Whether what begins so may be read as requests by an application, should no more be known of it: for bytes that a
    /// tunnel carries to a port whose protocol has not been declared.
    package static func looksLikeHTTP(_ firstBytes: UnsafeRawBufferPointer) -> Bool {
        switch Self.classify(firstBytes, isLast: true) {
        case .http1, .http2: true
        case .undecided, .tls, .bytes: false
        }
    }

    private static func requestLine(_ whole: UnsafeRawBufferPointer, isLast: Bool) -> DetectedProtocol {
        var version = VersionSearch()
        if version.look(whole) == .request { return .http1 }
        // Empty lines before a request are skipped by many (RFC 9112 §2.2), and other blanks by some.
        guard let start = whole.firstIndex(where: { !Self.isSpace($0) && !Self.isLineEnd($0) }) else {
            return isLast || whole.count >= Self.maxBytes ? .http1 : .undecided
        }
        let bytes = UnsafeRawBufferPointer(rebasing: whole[start...])
        let wordEnd = bytes.prefix(Self.maxMethodBytes + 1).firstIndex { TokenTable.shared.folded[Int($0)] == 0 }
        guard let wordEnd else {
            guard bytes.count <= Self.maxMethodBytes else { return .bytes }
            guard isLast else { return .undecided }
            return Self.methods.contains { Self.begins($0, with: bytes) } ? .http1 : .bytes
        }
        guard wordEnd > 0, Self.isSpace(bytes[wordEnd]) else { return .bytes }
        let method = UnsafeRawBufferPointer(rebasing: bytes[..<wordEnd])
        let rest = UnsafeRawBufferPointer(rebasing: bytes[wordEnd...].drop(while: Self.isSpace))
        let hasTarget = Self.isTarget(rest)
        // A method in capital letters and a path: nobody else begins so, and some applications read no further.
        if hasTarget, Self.methods.contains(where: { Self.isCapital(method, $0) }) { return .http1 }
        guard let lineEnd = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: wordEnd) else {
            if whole.count >= Self.maxBytes { return hasTarget ? .http1 : .bytes }
            guard isLast else { return .undecided }
            // Other protocols' clients send their lines whole.
            return hasTarget || Self.methods.contains { FieldSyntax.equals(method, anyCase: $0) } ? .http1 : .bytes
        }
        return Self.endsWithVersion(bytes[wordEnd..<lineEnd]) ? .http1 : .bytes
    }

    // MARK: Parts of a request line

    /// In lower case. CONNECT is left out: a word of other protocols too, which begin with it (NATS, STOMP), while an
    /// application that is no proxy does nothing with it.
    private static var methods: [StaticString] {
        ["get", "head", "post", "put", "delete", "options", "trace", "patch"]
    }

    private static func begins(_ method: StaticString, with bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= method.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] | 0x20 != method.utf8Start[index] { return false }
        return true
    }

    private static func isCapital(_ bytes: UnsafeRawBufferPointer, _ method: StaticString) -> Bool {
        guard bytes.count == method.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] != method.utf8Start[index] & 0xdf { return false }
        return true
    }

    /// A path, or an absolute target.
    private static func isTarget(_ rest: UnsafeRawBufferPointer) -> Bool {
        if rest.first == UInt8(ascii: "/") { return true }
        for scheme in ["http://", "https://"] as [StaticString] where rest.count >= scheme.utf8CodeUnitCount {
            let head = UnsafeRawBufferPointer(rebasing: rest[..<scheme.utf8CodeUnitCount])
            if FieldSyntax.equals(head, anyCase: scheme) { return true }
        }
        return false
    }

    /// Whether the last word of a line begins like `HTTP/1.1`: which digits they are is the codec's concern.
    private static func endsWithVersion(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
        guard let last = line.lastIndex(where: { !Self.isSpace($0) && !Self.isLineEnd($0) }) else { return false }
        let beforeWord = line[...last].lastIndex(where: Self.isSpace) ?? line.startIndex
        let word = UnsafeRawBufferPointer(rebasing: line[(beforeWord + 1)...last])
        let version: StaticString = "http/"
        guard word.count >= version.utf8CodeUnitCount else { return false }
        return FieldSyntax.equals(
            UnsafeRawBufferPointer(rebasing: word[..<version.utf8CodeUnitCount]), anyCase: version)
    }

    /// What separates words for a lenient reader: some decode a line as Latin-1 and split it at all that Unicode calls white
    /// space.
    static func isSpace(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0b, 0x0c, 0x1c...0x1f, 0x85, 0xa0: true
        default: false
        }
    }

    static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0d || byte == 0x0a }
}
