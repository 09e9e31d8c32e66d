internal import WeftMessage

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Byte rules shared by the codecs (RFC 9110 §5.5, RFC 9113 §8.2.1).
enum FieldSyntax {
    /// Whether a value holds only visible bytes, spaces, tabs and bytes above 0x7f.
    @inline(__always)
    static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        while index + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let deletes = word ^ (ones &* 0x7f)
            // Sets a top bit where a byte is below 0x20 or equals 0x7f; it may err towards a closer look.
            let suspects = ((word &- ones &* 0x20) & ~word | (deletes &- ones) & ~deletes) & tops
            if suspects != 0 {
                for byte in UnsafeRawBufferPointer(rebasing: bytes[index..<index + 8]) where !Self.isValueByte(byte) {
                    return false
                }
            }
            index += 8
        }
        while index < bytes.count {
            if !Self.isValueByte(bytes[index]) { return false }
            index += 1
        }
        return true
    }

    @inline(__always)
    private static func isValueByte(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Without optional white space at either end.
    @inline(__always)
    static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        var end = bytes.count
        while start < end, Self.isSpace(bytes[start]) { start += 1 }
        while end > start, Self.isSpace(bytes[end - 1]) { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Where `byte` first occurs from `start`.
    @inline(__always)
    static func find(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = memchr(base + start, Int32(byte), bytes.count - start)
        else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Compares with a text in lower case, ASCII letters folded.
    static func equals(_ bytes: UnsafeRawBufferPointer, anyCase text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let folded = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            if folded != text.utf8Start[index] { return false }
        }
        return true
    }

    /// Calls `body` with each member of a comma-separated list, trimmed; empty members too.
    static func forEachMember(
        of list: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(MessageRefusal) -> Void
    ) throws(MessageRefusal) {
        var start = 0
        while true {
            let end = Self.find(UInt8(ascii: ","), in: list, from: start) ?? list.count
            try body(Self.trimmed(UnsafeRawBufferPointer(rebasing: list[start..<end])))
            guard end < list.count else { return }
            start = end + 1
        }
    }

    /// Whether this can be the authority of a target: host and optional port, without user information.
    static func isAuthority(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return false }
        var colon: Int?
        var bracket: Int?
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "%"):
                continue
            case UInt8(ascii: "["):
                guard index == 0 else { return false }
            case UInt8(ascii: "]"):
                guard bytes[0] == UInt8(ascii: "["), bracket == nil else { return false }
                bracket = index
                colon = nil
            case UInt8(ascii: ":"):
                let inBrackets = bytes[0] == UInt8(ascii: "[") && bracket == nil
                guard colon == nil || inBrackets else { return false }
                colon = index
            default: return false
            }
        }
        if bytes[0] == UInt8(ascii: "[") {
            guard let bracket else { return false }
            guard bracket + 1 == bytes.count || colon == bracket + 1 else { return false }
        }
        guard let colon else { return true }
        guard colon > 0, colon + 1 < bytes.count, bytes.count - colon <= 6 else { return false }
        var port = 0
        for byte in bytes[(colon + 1)...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return false }
            port = port * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return port <= 65_535
    }

    /// Whether every byte may stand in a request target: visible ASCII, and no fragment.
    static func isTarget(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return false }
        for byte in bytes where byte <= 0x20 || byte >= 0x7f || byte == UInt8(ascii: "#") { return false }
        return true
    }
}
