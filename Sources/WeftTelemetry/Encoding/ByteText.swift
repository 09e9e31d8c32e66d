/// Appends text to bytes without making strings in between.
extension [UInt8] {
    mutating func append(text: some StringProtocol) { self.append(contentsOf: text.utf8) }

    mutating func append(text: StaticString) {
        self.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(number: some BinaryInteger) {
        guard number >= 0, let value = UInt64(exactly: number) else { return self.append(text: "\(number)") }
        if value < 10 { return self.append(UInt8(ascii: "0") + UInt8(value)) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            var rest = value
            while rest > 0 {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            self.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start...]))
        }
    }

    /// A decimal of at least `digits` digits, zeros in front.
    mutating func append(number: Int, digits: Int) {
        var limit = 1
        for _ in 1..<Swift.max(1, digits) { limit *= 10 }
        while limit > 1, number < limit {
            self.append(UInt8(ascii: "0"))
            limit /= 10
        }
        self.append(number: number)
    }

    /// A JSON string with its quotes. Nothing in it is taken for the end of a line by anybody: what some readers count as
    /// one, U+0085 and U+2028 among them, is escaped with the rest.
    mutating func append(json text: String) {
        self.append(UInt8(ascii: "\""))
        var text = text
        let isPlain = text.withUTF8 { bytes in
            guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
            else {
                return false
            }
            self.append(contentsOf: bytes)
            return true
        }
        if !isPlain { self.append(escaping: text) }
        self.append(UInt8(ascii: "\""))
    }

    private mutating func append(escaping text: String) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5c:
                self.append(UInt8(ascii: "\\"))
                self.append(UInt8(truncatingIfNeeded: scalar.value))
            case 0x0a: self.append(text: "\\n" as StaticString)
            case 0x0d: self.append(text: "\\r" as StaticString)
            case 0x09: self.append(text: "\\t" as StaticString)
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
                self.append(text: "\\u" as StaticString)
                for shift in [12, 8, 4, 0] as [UInt32] {
                    self.append(hexDigit: UInt8(truncatingIfNeeded: scalar.value >> shift & 15))
                }
            default: self.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
            }
        }
    }

    private mutating func append(hexDigit value: UInt8) {
        self.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}
