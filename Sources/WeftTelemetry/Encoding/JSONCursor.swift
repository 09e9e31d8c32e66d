internal import WeftModel

/// Writes JSON into memory that is large enough already; what does not fit is left out.
///
/// Nothing is made on the heap, so that a line of the log costs little more than copying its texts.
struct JSONCursor: ~Copyable {
    private let room: UnsafeMutableRawBufferPointer
    private var count = 0
    /// Nothing comes before the next member.
    private var isFirst = true

    /// The longest that one byte of a text becomes: `\u0000`.
    static let longest = 6

    init(_ room: UnsafeMutableRawBufferPointer) { self.room = room }

    var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self.room[..<self.count]) }
    private var left: Int { self.room.count - self.count }

    // MARK: Members

    /// Opens an object or a list.
    mutating func begin(_ bracket: StaticString) {
        self.put(bracket)
        self.isFirst = true
    }

    /// Between two members or elements.
    mutating func separate() {
        if !self.isFirst { self.put(byte: UInt8(ascii: ",")) }
        self.isFirst = false
    }

    mutating func key(_ name: StaticString) {
        self.separate()
        self.put(byte: UInt8(ascii: "\""))
        self.put(name)
        self.put(byte: UInt8(ascii: "\""))
        self.put(byte: UInt8(ascii: ":"))
    }

    /// Left out where it is empty.
    mutating func text(_ name: StaticString, _ value: String) {
        guard !value.isEmpty else { return }
        self.key(name)
        self.put(json: value)
    }

    mutating func number(_ name: StaticString, _ value: Int) {
        self.key(name)
        if value < 0 { self.put(byte: UInt8(ascii: "-")) }
        self.put(decimal: UInt64(value.magnitude))
    }

    mutating func flag(_ name: StaticString) {
        self.key(name)
        self.put("true")
    }

    /// Milliseconds with three decimals.
    mutating func milliseconds(_ name: StaticString, _ value: Duration) {
        self.key(name)
        let microseconds = value.wholeNanoseconds / 1000
        if microseconds < 0 { self.put(byte: UInt8(ascii: "-")) }
        self.put(decimal: microseconds.magnitude / 1000)
        self.put(byte: UInt8(ascii: "."))
        self.put(digits: 3, of: Int(microseconds.magnitude % 1000))
    }

    // MARK: Bytes

    mutating func put(byte: UInt8) {
        guard self.left > 0 else { return }
        self.room.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self)
        self.count += 1
    }

    mutating func put(_ text: StaticString) {
        self.put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= self.left else { return }
        UnsafeMutableRawBufferPointer(rebasing: self.room[self.count...]).copyMemory(from: bytes)
        self.count += bytes.count
    }

    mutating func put(decimal value: UInt64) {
        var digits = 1
        var limit: UInt64 = 10
        while value >= limit, digits < 20 {
            digits += 1
            let (next, isLast) = limit.multipliedReportingOverflow(by: 10)
            if isLast { break }
            limit = next
        }
        guard digits <= self.left else { return }
        var rest = value
        for place in stride(from: self.count + digits - 1, through: self.count, by: -1) {
            self.room.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
        self.count += digits
    }

    /// The last `digits` digits of a number, with zeros before it.
    mutating func put(digits: Int, of value: Int) {
        guard digits <= self.left else { return }
        var rest = UInt(value.magnitude)
        for place in stride(from: self.count + digits - 1, through: self.count, by: -1) {
            self.room.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
        self.count += digits
    }

    /// RFC 3339 in UTC with milliseconds.
    mutating func put(millisecondsSince1970 time: Int64) {
        let time = min(max(time, 0), 253_402_300_799_999)
        let (days, rest) = (Int(time / 86_400_000), Int(time % 86_400_000))
        // Civil date from the day number, counting years from March so that leap days come last.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        self.put(digits: 4, of: year)
        self.put("-")
        self.put(digits: 2, of: month)
        self.put("-")
        self.put(digits: 2, of: day)
        self.put("T")
        self.put(digits: 2, of: rest / 3_600_000)
        self.put(":")
        self.put(digits: 2, of: rest / 60_000 % 60)
        self.put(":")
        self.put(digits: 2, of: rest / 1000 % 60)
        self.put(".")
        self.put(digits: 3, of: rest % 1000)
        self.put("Z")
    }

    /// A JSON string with its quotes. Nothing in it is taken for the end of a line by anybody, nor turns the direction in
    /// which a terminal writes: what some readers count as an end, U+0085 and U+2028 among them, and the marks of
    /// bidirectional text are escaped with the rest.
    mutating func put(json text: String) {
        self.put(byte: UInt8(ascii: "\""))
        let isPlain = text.utf8.withContiguousStorageIfAvailable { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            guard Self.isPlain(bytes) else { return false }
            self.put(bytes)
            return true
        }
        if isPlain != true { self.put(escaping: text) }
        self.put(byte: UInt8(ascii: "\""))
    }

    /// Whether none of the bytes must be escaped: printable ASCII but `"` and `\`. Eight are looked at together.
    private static func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        var found: UInt64 = 0
        while index + 8 <= bytes.count {
            let eight = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quotes = eight ^ (ones &* 0x22)
            let slashes = eight ^ (ones &* 0x5c)
            let deletes = eight ^ (ones &* 0x7f)
            // The high bit of a byte is set where it is 0, or where it is below 0x20; or was set before.
            found |= (eight &- ones &* 0x20) | (quotes &- ones) | (slashes &- ones) | (deletes &- ones) | eight
            index += 8
        }
        if found & highs != 0 { return bytes[..<index].allSatisfy(Self.isPlain) && Self.isPlainRest(bytes, index) }
        return Self.isPlainRest(bytes, index)
    }

    private static func isPlainRest(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        var index = start
        while index < bytes.count {
            guard Self.isPlain(bytes[index]) else { return false }
            index += 1
        }
        return true
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func put(escaping text: String) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5c:
                self.put(byte: UInt8(ascii: "\\"))
                self.put(byte: UInt8(truncatingIfNeeded: scalar.value))
            case 0x0a: self.put("\\n")
            case 0x0d: self.put("\\r")
            case 0x09: self.put("\\t")
            case 0..<0x20, 0x7f..<0xa0, 0x61c, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069:
                self.put("\\u")
                for shift in [12, 8, 4, 0] as [UInt32] {
                    self.put(hexDigit: UInt8(truncatingIfNeeded: scalar.value >> shift & 15))
                }
            default:
                if let bytes = UTF8.encode(scalar) { for byte in bytes { self.put(byte: byte) } }
            }
        }
    }

    private mutating func put(hexDigit value: UInt8) {
        self.put(byte: value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}
