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
}
