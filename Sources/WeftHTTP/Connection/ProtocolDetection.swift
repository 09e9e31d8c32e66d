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
/// HTTP/1 has to prove itself by its whole request line: other protocols begin with a word and a space too.
package enum ProtocolDetection {
    /// Bytes looked at before a request line counts as one that is merely too long.
    package static let maxBytes = 16_384

    private static var preface: StaticString { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" }

    /// - Parameter isLast: no more will come, or has come in time: what has not proved itself by now is decided by its
    ///   shape.
    package static func classify(_ bytes: UnsafeRawBufferPointer, isLast: Bool = false) -> DetectedProtocol {
        guard let first = bytes.first else { return isLast ? .bytes : .undecided }
        if first == 22 {
            guard bytes.count > 1 else { return isLast ? .bytes : .undecided }
            return bytes[1] == 3 ? .tls : .bytes
        }
        let preface = UnsafeRawBufferPointer(
            start: Self.preface.utf8Start, count: Self.preface.utf8CodeUnitCount)
        if bytes.prefix(preface.count).elementsEqual(preface.prefix(bytes.count)) {
            return bytes.count >= preface.count ? .http2 : isLast ? .bytes : .undecided
        }
        return Self.requestLine(bytes, isLast: isLast)
    }

    private static func requestLine(_ bytes: UnsafeRawBufferPointer, isLast: Bool) -> DetectedProtocol {
        var position = 0
        // A method as they are in use: capital letters, 20 at most.
        while position < bytes.count, position <= 20 {
            let byte = bytes[position]
            guard byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") || byte == UInt8(ascii: "-") else { break }
            position += 1
        }
        if position == bytes.count, position <= 20 { return isLast ? .bytes : .undecided }
        guard position > 0, position <= 20, bytes[position] == UInt8(ascii: " ") else { return .bytes }
        position += 1
        guard let end = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: position) else {
            if bytes.count >= Self.maxBytes { return .http1 }
            guard isLast else { return .undecided }
            return position < bytes.count && bytes[position] == UInt8(ascii: "/") ? .http1 : .bytes
        }
        var line = UnsafeRawBufferPointer(rebasing: bytes[..<end])
        if line.last == UInt8(ascii: "\r") { line = UnsafeRawBufferPointer(rebasing: line.dropLast()) }
        // " HTTP/1.1": which digits they are is the codec's concern.
        let version: StaticString = " HTTP/"
        guard line.count > 9,
            line[(line.count - 9)..<(line.count - 3)].elementsEqual(
                UnsafeRawBufferPointer(start: version.utf8Start, count: version.utf8CodeUnitCount)),
            line[line.count - 2] == UInt8(ascii: ".")
        else { return .bytes }
        return .http1
    }
}
