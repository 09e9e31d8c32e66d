/// The trace of a request that its caller had sampled.
package struct SampledTrace: Hashable, Sendable {
    /// The trace's number, its first and its last 64 bits.
    package let high: UInt64
    package let low: UInt64

    /// Reads a `traceparent` of W3C Trace Context; nil for one that is malformed or not sampled.
    package init?(traceparent: UnsafeRawBufferPointer) {
        let dash = UInt8(ascii: "-")
        guard traceparent.count >= 55, traceparent[2] == dash, traceparent[35] == dash, traceparent[52] == dash,
            let version = Self.hex(traceparent, 0..<2), version != 0xff,
            version == 0 ? traceparent.count == 55 : traceparent.count == 55 || traceparent[55] == dash,
            let high = Self.hex(traceparent, 3..<19), let low = Self.hex(traceparent, 19..<35), high != 0 || low != 0,
            Self.hex(traceparent, 36..<52) != nil, let flags = Self.hex(traceparent, 53..<55), flags & 1 == 1
        else { return nil }
        self.high = high
        self.low = low
    }

    /// 32 lower-case hex digits.
    package var text: String {
        func hex(_ number: UInt64) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return hex(self.high) + hex(self.low)
    }

    /// Nil for anything but lower-case digits, at most 16.
    private static func hex(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        var number: UInt64 = 0
        for index in range {
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            number = number << 4 | UInt64(digit)
        }
        return number
    }
}

/// One observation of a histogram's bucket that has a trace to look at.
package struct Exemplar: Hashable, Sendable {
    package let trace: SampledTrace
    package let value: Double
    /// Seconds since 1970.
    package let at: Double

    package init(trace: SampledTrace, value: Double, at: Double) {
        self.trace = trace
        self.value = value
        self.at = at
    }
}
