/// Reads JSON (RFC 8259) that strangers wrote: no name twice in an object, bounded depth, nothing after the value.
///
/// Foundation's reader takes the last of two equal names; who reads the first would see another document.
package enum StrictJSON: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// As written.
    case number(String)
    case text(String)
    case list([StrictJSON])
    case object([String: StrictJSON])

    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Byte, from zero.
        package let offset: Int
        package let cause: String

        package var description: String { "byte \(self.offset): \(self.cause)" }
    }

    /// The most objects and lists within each other.
    package static let maxDepth = 32

    package init(_ bytes: [UInt8]) throws(Failure) {
        var reader = Reader(bytes: bytes)
        self = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.offset == bytes.count else { throw reader.failure("something follows the document") }
    }

    package var text: String? { if case .text(let text) = self { text } else { nil } }
    package var list: [StrictJSON]? { if case .list(let items) = self { items } else { nil } }
    package var object: [String: StrictJSON]? { if case .object(let fields) = self { fields } else { nil } }
    /// A whole number that 64 bits hold.
    package var integer: Int64? { if case .number(let text) = self { Int64(text) } else { nil } }

    private struct Reader {
        let bytes: [UInt8]
        var offset = 0

        var next: UInt8? { self.offset < self.bytes.count ? self.bytes[self.offset] : nil }

        func failure(_ cause: String) -> Failure { Failure(offset: self.offset, cause: cause) }

        mutating func skipSpace() {
            while let byte = self.next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
                self.offset += 1
            }
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            self.skipSpace()
            guard self.next == UInt8(ascii: character) else { return false }
            self.offset += 1
            return true
        }

        mutating func value(depth: Int) throws(Failure) -> StrictJSON {
            guard depth < StrictJSON.maxDepth else { throw self.failure("nested too deep") }
            self.skipSpace()
            switch self.next {
            case UInt8(ascii: "{")?: return try self.object(depth: depth)
            case UInt8(ascii: "[")?: return try self.list(depth: depth)
            case UInt8(ascii: "\"")?: return .text(try self.string())
            case UInt8(ascii: "t")?: return try self.word("true", .boolean(true))
            case UInt8(ascii: "f")?: return try self.word("false", .boolean(false))
            case UInt8(ascii: "n")?: return try self.word("null", .null)
            case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): return try self.number()
            case nil: throw self.failure("it ends in the middle")
            default: throw self.failure("no value begins so")
            }
        }

        private mutating func object(depth: Int) throws(Failure) -> StrictJSON {
            self.offset += 1
            var fields: [String: StrictJSON] = [:]
            if self.take("}") { return .object(fields) }
            while true {
                self.skipSpace()
                guard self.next == UInt8(ascii: "\"") else { throw self.failure("a name in quotes is missing") }
                let name = try self.string()
                guard fields[name] == nil else { throw self.failure("\"\(name.prefix(64))\" stands twice") }
                guard self.take(":") else { throw self.failure("a ':' is missing") }
                fields[name] = try self.value(depth: depth + 1)
                if self.take("}") { return .object(fields) }
                guard self.take(",") else { throw self.failure("a ',' or '}' is missing") }
            }
        }

        private mutating func list(depth: Int) throws(Failure) -> StrictJSON {
            self.offset += 1
            var items: [StrictJSON] = []
            if self.take("]") { return .list(items) }
            while true {
                items.append(try self.value(depth: depth + 1))
                if self.take("]") { return .list(items) }
                guard self.take(",") else { throw self.failure("a ',' or ']' is missing") }
            }
        }

        private mutating func word(_ text: String, _ value: StrictJSON) throws(Failure) -> StrictJSON {
            guard self.bytes[self.offset...].starts(with: text.utf8) else { throw self.failure("no value begins so") }
            self.offset += text.utf8.count
            return value
        }

        private mutating func number() throws(Failure) -> StrictJSON {
            let start = self.offset
            func digits(_ reader: inout Reader) throws(Failure) {
                let first = reader.offset
                while let byte = reader.next, (0x30...0x39).contains(byte) { reader.offset += 1 }
                guard reader.offset > first else { throw reader.failure("a digit is missing") }
            }
            if self.next == UInt8(ascii: "-") { self.offset += 1 }
            if self.next == UInt8(ascii: "0") { self.offset += 1 } else { try digits(&self) }
            if self.next == UInt8(ascii: ".") {
                self.offset += 1
                try digits(&self)
            }
            if self.next == UInt8(ascii: "e") || self.next == UInt8(ascii: "E") {
                self.offset += 1
                if self.next == UInt8(ascii: "+") || self.next == UInt8(ascii: "-") { self.offset += 1 }
                try digits(&self)
            }
            return .number(String(decoding: self.bytes[start..<self.offset], as: UTF8.self))
        }

        private mutating func string() throws(Failure) -> String {
            self.offset += 1
            var text: [UInt8] = []
            while let byte = self.next {
                self.offset += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else {
                        throw self.failure("a text is not UTF-8")
                    }
                    return string
                case UInt8(ascii: "\\"): try self.escape(into: &text)
                case 0..<0x20: throw self.failure("a control character stands in a text")
                default: text.append(byte)
                }
            }
            throw self.failure("a text does not end")
        }

        private mutating func escape(into text: inout [UInt8]) throws(Failure) {
            guard let byte = self.next else { throw self.failure("a text does not end") }
            self.offset += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0c)
            case UInt8(ascii: "n"): text.append(0x0a)
            case UInt8(ascii: "r"): text.append(0x0d)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var code = try self.hex()
                if (0xd800..<0xdc00).contains(code) {
                    guard self.bytes[self.offset...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else {
                        throw self.failure("half a surrogate pair")
                    }
                    self.offset += 2
                    let low = try self.hex()
                    guard (0xdc00..<0xe000).contains(low) else { throw self.failure("half a surrogate pair") }
                    code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
                }
                guard let scalar = Unicode.Scalar(code) else { throw self.failure("half a surrogate pair") }
                text.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
            default: throw self.failure("there is no such escape")
            }
        }

        private mutating func hex() throws(Failure) -> UInt32 {
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80
                else { throw self.failure("four hex digits are missing") }
                code = code << 4 | UInt32(digit)
                self.offset += 1
            }
            return code
        }
    }
}
