internal import WeftModel

/// Lines of JSON that wait, in memory that stays: a line costs little more than copying its texts. Whoever writes makes room
/// first; what does not fit is left out.
package struct JSONLines: ~Copyable {
    private var room: UnsafeMutableRawBufferPointer
    package private(set) var count = 0
    /// Nothing comes before the next member.
    private var isFirst = true
    /// The last second that was written down, since 1970, and how: most lines are of the same as the one before.
    private var second: Int64 = -1
    private var secondText: (UInt64, UInt64, UInt32) = (0, 0, 0)

    /// The longest that one byte of a text becomes: `\u0000`.
    static let longest = 6

    package init(capacity: Int = 4096) { self.room = .allocate(byteCount: max(1, capacity), alignment: 8) }

    deinit { self.room.deallocate() }

    package var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self.room[..<self.count]) }

    /// Forgets what was written; memory beyond `capacity` is given back.
    package mutating func removeAll(keeping capacity: Int) {
        self.count = 0
        guard self.room.count > capacity else { return }
        self.room.deallocate()
        self.room = .allocate(byteCount: max(1, capacity), alignment: 8)
    }

    mutating func reserve(_ bytes: Int) {
        guard bytes > self.room.count - self.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(2 * self.room.count, self.count + bytes), alignment: 8)
        larger.copyMemory(from: self.written)
        self.room.deallocate()
        self.room = larger
    }

    // MARK: Members

    /// Opens an object or a list.
    mutating func begin(_ bracket: StaticString) {
        self.put(bracket)
        self.isFirst = true
    }

    /// Between two members or elements.
    @inline(__always)
    mutating func separate() {
        if !self.isFirst { self.put(byte: UInt8(ascii: ",")) }
        self.isFirst = false
    }

    @inline(__always)
    mutating func key(_ name: StaticString) {
        let size = name.utf8CodeUnitCount
        guard size + 4 <= self.room.count - self.count else { return }
        self.separate()
        self.put(byte: UInt8(ascii: "\""))
        self.put(name)
        self.put(byte: UInt8(ascii: "\""))
        self.put(byte: UInt8(ascii: ":"))
    }

    /// Left out where it is empty.
    @inline(__always)
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

    @inline(__always)
    mutating func put(byte: UInt8) {
        guard self.count < self.room.count else { return }
        self.room.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self)
        self.count += 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        self.put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= self.room.count - self.count else { return }
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
        guard digits <= self.room.count - self.count else { return }
        var rest = value
        for place in stride(from: self.count + digits - 1, through: self.count, by: -1) {
            self.room.storeBytes(of: UInt8(ascii: "0") + UInt8(rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
        self.count += digits
    }

    /// The last `digits` digits of a number, with zeros before it.
    @inline(__always)
    mutating func put(digits: Int, of value: Int) {
        guard digits <= self.room.count - self.count else { return }
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
        guard self.room.count - self.count >= 24 else { return }
        let second = time / 1000
        if second != self.second { self.write(second: second) }
        self.room.storeBytes(of: self.secondText.0, toByteOffset: self.count, as: UInt64.self)
        self.room.storeBytes(of: self.secondText.1, toByteOffset: self.count + 8, as: UInt64.self)
        self.room.storeBytes(of: self.secondText.2, toByteOffset: self.count + 16, as: UInt32.self)
        self.count += 20
        self.put(digits: 3, of: Int(time % 1000))
        self.put(byte: UInt8(ascii: "Z"))
    }

    /// Twenty bytes, from the year to the point; written once to see what they are.
    private mutating func write(second time: Int64) {
        let (days, rest) = (Int(time / 86_400), Int(time % 86_400))
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
        let start = self.count
        self.put(digits: 4, of: year)
        self.put("-")
        self.put(digits: 2, of: month)
        self.put("-")
        self.put(digits: 2, of: day)
        self.put("T")
        self.put(digits: 2, of: rest / 3600)
        self.put(":")
        self.put(digits: 2, of: rest / 60 % 60)
        self.put(":")
        self.put(digits: 2, of: rest % 60)
        self.put(".")
        self.secondText.0 = self.room.loadUnaligned(fromByteOffset: start, as: UInt64.self)
        self.secondText.1 = self.room.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
        self.secondText.2 = self.room.loadUnaligned(fromByteOffset: start + 16, as: UInt32.self)
        self.second = time
        self.count = start
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
