/// The forms in which authorization compares paths, of rules and of requests alike. What is forwarded stays as it is.
///
/// Applications decode escapes before they look at a path: to them `/v1/jobs%3Acancel` is `/v1/jobs:cancel`. The canonical
/// form has visible ASCII as itself, but for `/`, `\` and `%`, which escaped are data. Source: RFC 3986 §2.2 and §6.2.2;
/// decoding of reserved characters goes beyond it.
package enum ComparedPath {
    /// Writes the canonical form of a path without its query. Returns how long it is: `path.count` at most, which the
    /// buffer must have.
    package static func canonical(
        _ path: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        var count = 0
        var index = 0
        while index < path.count {
            let byte = path[index]
            index += 1
            guard byte == UInt8(ascii: "%"), index + 1 < path.count, let high = PathNormalization.digit(path[index]),
                let low = PathNormalization.digit(path[index + 1])
            else {
                buffer[count] = byte
                count += 1
                continue
            }
            index += 2
            let value = high << 4 | low
            if self.standsForItself(value) {
                buffer[count] = value
                count += 1
            } else {
                buffer[count] = UInt8(ascii: "%")
                buffer[count + 1] = PathNormalization.text(high)
                buffer[count + 2] = PathNormalization.text(low)
                count += 3
            }
        }
        return count
    }

    /// Writes a canonical path without the parameters of its segments, from `;` to the next slash: many applications match
    /// without them. Segments that are empty then are dropped. Returns how long it is: `path.count` at most.
    package static func withoutParameters(
        _ path: UnsafeRawBufferPointer, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        var count = 0
        var isParameter = false
        for byte in path {
            if byte == UInt8(ascii: "/") {
                isParameter = false
                if count > 0, buffer[count - 1] == byte { continue }
            } else if byte == UInt8(ascii: ";") {
                isParameter = true
            }
            if isParameter { continue }
            buffer[count] = byte
            count += 1
        }
        return count
    }

    package static func canonical(_ path: String) -> String { self.text(path) { self.canonical($0, into: $1) } }

    /// Nil where there are none.
    package static func withoutParameters(_ path: String) -> String? {
        guard path.utf8.contains(UInt8(ascii: ";")) else { return nil }
        return self.text(path) { self.withoutParameters($0, into: $1) }
    }

    private static func text(
        _ path: String, _ write: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Int
    ) -> String {
        let bytes = Array(path.utf8)
        var result = bytes
        let count = bytes.withUnsafeBytes { bytes in result.withUnsafeMutableBytes { write(bytes, $0) } }
        return String(decoding: result[..<count], as: UTF8.self)
    }

    private static func standsForItself(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "%"): false
        case 0x21...0x7e: true
        default: false
        }
    }
}

extension TextPattern {
    /// A pattern of paths, for canonical ones.
    package var compared: TextPattern {
        switch self {
        case .any: self
        case .exact(let path): .exact(ComparedPath.canonical(path))
        case .prefix(let path): .prefix(ComparedPath.canonical(path))
        case .suffix(let path): .suffix(ComparedPath.canonical(path))
        }
    }
}
