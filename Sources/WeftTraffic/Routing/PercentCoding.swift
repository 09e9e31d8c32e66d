/// Percent-encoding as query strings use it: `%41` and `+` for a space.
enum PercentCoding {
    static func isEncoded(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
    }

    /// Malformed escapes stay as they are.
    static func decoded(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = Self.digit(bytes[index + 1]),
                let low = Self.digit(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
                index += 1
            }
        }
        return result
    }

    static func equals(_ encoded: UnsafeRawBufferPointer, _ plain: [UInt8]) -> Bool {
        Self.isEncoded(encoded)
            ? Self.decoded(encoded) == plain : encoded.count == plain.count && encoded.elementsEqual(plain)
    }

    /// Calls `body` with the bytes that `encoded` stands for.
    static func withDecoded<Result>(
        _ encoded: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        Self.isEncoded(encoded) ? Self.decoded(encoded).withUnsafeBytes(body) : body(encoded)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The parameters of a query string, as written.
enum QueryParameters {
    /// Calls `body` with name and value of each, undecoded; the value is empty without `=`.
    static func forEach(
        in query: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void
    ) {
        var position = 0
        while position < query.count {
            var end = position
            var equals: Int?
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if query[end] == UInt8(ascii: "="), equals == nil { equals = end }
                end += 1
            }
            let nameEnd = equals ?? end
            if end > position {
                body(
                    UnsafeRawBufferPointer(rebasing: query[position..<nameEnd]),
                    UnsafeRawBufferPointer(rebasing: query[min(end, nameEnd + 1)..<end]))
            }
            position = end + 1
        }
    }
}
