package import WeftModel

/// Reads JSON that strangers wrote: strictly (RFC 8259), to a bounded depth, and no object may name a member twice.
///
/// Two readers of a token must not see two tokens, so nothing is repaired and nothing overwritten.
package struct JSONReader {
    /// What is wrong, and at which byte.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Objects and arrays within one another.
    package static let maxDepth = 16

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Reads one value and nothing after it. The caller bounds the size.
    package static func read(_ bytes: [UInt8]) throws(Malformed) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.malformed("something follows the value") }
        return value
    }

    private func malformed(_ cause: String) -> Malformed {
        Malformed(description: "\(cause), at byte \(self.position)")
    }

    private var next: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    private mutating func skipSpace() {
        while let byte = self.next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { self.position += 1 }
    }

    private mutating func value(depth: Int) throws(Malformed) -> JSONValue {
        self.skipSpace()
        switch self.next {
        case UInt8(ascii: "{"): return try self.object(depth: depth + 1)
        case UInt8(ascii: "["): return try self.array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .boolean(true))
        case UInt8(ascii: "f"): return try self.word("false", .boolean(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case .some: return try self.number()
        case nil: throw self.malformed("a value is missing")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Malformed) -> JSONValue {
        let word = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard self.bytes[self.position...].starts(with: word) else { throw self.malformed("not a value") }
        self.position += word.count
        return value
    }

    private mutating func object(depth: Int) throws(Malformed) -> JSONValue {
        guard depth <= Self.maxDepth else { throw self.malformed("nested more than \(Self.maxDepth) deep") }
        self.position += 1
        var members: [String: JSONValue] = [:]
        self.skipSpace()
        if self.next == UInt8(ascii: "}") {
            self.position += 1
            return .object(members)
        }
        while true {
            self.skipSpace()
            guard self.next == UInt8(ascii: "\"") else { throw self.malformed("a member's name is missing") }
            let name = try self.string()
            self.skipSpace()
            guard self.next == UInt8(ascii: ":") else { throw self.malformed("`:` is missing") }
            self.position += 1
            let value = try self.value(depth: depth)
            guard members.updateValue(value, forKey: name) == nil else {
                throw self.malformed("a member is there twice")
            }
            self.skipSpace()
            switch self.next {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "}"):
                self.position += 1
                return .object(members)
            default: throw self.malformed("an object does not end")
            }
        }
    }

    private mutating func array(depth: Int) throws(Malformed) -> JSONValue {
        guard depth <= Self.maxDepth else { throw self.malformed("nested more than \(Self.maxDepth) deep") }
        self.position += 1
        var elements: [JSONValue] = []
        self.skipSpace()
        if self.next == UInt8(ascii: "]") {
            self.position += 1
            return .array(elements)
        }
        while true {
            elements.append(try self.value(depth: depth))
            self.skipSpace()
            switch self.next {
            case UInt8(ascii: ","): self.position += 1
            case UInt8(ascii: "]"):
                self.position += 1
                return .array(elements)
            default: throw self.malformed("an array does not end")
            }
        }
    }

    private mutating func number() throws(Malformed) -> JSONValue {
        let start = self.position
        if self.next == UInt8(ascii: "-") { self.position += 1 }
        let first = self.next
        let whole = self.digits()
        guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { throw self.malformed("not a value") }
        if self.next == UInt8(ascii: ".") {
            self.position += 1
            guard self.digits() > 0 else { throw self.malformed("a number does not end") }
        }
        if self.next == UInt8(ascii: "e") || self.next == UInt8(ascii: "E") {
            self.position += 1
            if self.next == UInt8(ascii: "+") || self.next == UInt8(ascii: "-") { self.position += 1 }
            guard self.digits() > 0 else { throw self.malformed("a number does not end") }
        }
        return .number(String(decoding: self.bytes[start..<self.position], as: UTF8.self))
    }

    private mutating func digits() -> Int {
        let start = self.position
        while let byte = self.next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { self.position += 1 }
        return self.position - start
    }

    private mutating func string() throws(Malformed) -> String {
        self.position += 1
        var text: [UInt8] = []
        while let byte = self.next {
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw self.malformed("a text is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try self.escape(into: &text)
            case ..<0x20: throw self.malformed("a control character in a text")
            default: text.append(byte)
            }
        }
        throw self.malformed("a text does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(Malformed) {
        guard let byte = self.next else { throw self.malformed("a text does not end") }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try self.hexDigits()
            if (0xd800..<0xdc00).contains(code) {
                guard self.bytes[self.position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
                    throw self.malformed("half a surrogate pair")
                }
                self.position += 2
                let low = try self.hexDigits()
                guard (0xdc00..<0xe000).contains(low) else { throw self.malformed("half a surrogate pair") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw self.malformed("half a surrogate pair") }
            text.append(contentsOf: String(Character(scalar)).utf8)
        default: throw self.malformed("an unknown escape")
        }
    }

    private mutating func hexDigits() throws(Malformed) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.malformed("an escape does not end")
            }
            code = code << 4 | UInt32(digit)
            self.position += 1
        }
        return code
    }
}
