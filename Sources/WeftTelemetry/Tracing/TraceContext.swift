/// The 128 bits that all spans of one trace share; never all zero.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// Two draws of a generator; the one value that is no identifier becomes another.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = high == 0 && low == 0 ? 1 : low
    }

    /// 32 digits, lower case.
    package var description: String { Hex.text(self.high) + Hex.text(self.low) }
}

/// One span's place in its trace, as it travels from process to process.
///
/// Sources: W3C Trace Context levels 1 and 2, and B3. Parsing is strict, as W3C asks: what is malformed is no context,
/// and a new trace begins.
package struct TraceContext: Hashable, Sendable {
    package var trace: TraceID
    /// Of the span that whoever reads this is a child of; never zero.
    package var span: UInt64
    package var isSampled: Bool
    /// The trace's identifier is random in its lower 56 bits (level 2, flag `02`).
    package var isRandom: Bool

    package init(trace: TraceID, span: UInt64, isSampled: Bool, isRandom: Bool = false) {
        self.trace = trace
        self.span = span == 0 ? 1 : span
        self.isSampled = isSampled
        self.isRandom = isRandom
    }

    /// The same trace, seen from a span of ours.
    package func child(_ span: UInt64) -> TraceContext {
        TraceContext(trace: self.trace, span: span, isSampled: self.isSampled, isRandom: self.isRandom)
    }

    /// W3C's flags: bit 0 sampled, bit 1 random; others are sent as zero.
    package var flags: UInt8 { (self.isSampled ? 1 : 0) | (self.isRandom ? 2 : 0) }

    // MARK: W3C

    /// Bytes of a `traceparent`.
    package static let traceparentCount = 55

    /// Reads a `traceparent`; of a version above 00 what that version shares with it.
    package init?(traceparent text: UnsafeRawBufferPointer) {
        guard text.count >= Self.traceparentCount, text[2] == Hex.dash, text[35] == Hex.dash, text[52] == Hex.dash,
            let version = Hex.byte(text, at: 0), version != 0xff,
            version == 0 ? text.count == Self.traceparentCount : text.count == 55 || text[55] == Hex.dash,
            let high = Hex.word(text, at: 3), let low = Hex.word(text, at: 19), let span = Hex.word(text, at: 36),
            let flags = Hex.byte(text, at: 53), high | low != 0, span != 0
        else { return nil }
        self.init(
            trace: TraceID(high: high, low: low), span: span, isSampled: flags & 1 != 0, isRandom: flags & 2 != 0)
    }

    /// Calls `body` with the `traceparent` of version 00.
    package func withTraceparent<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.traceparentCount) { text in
            Hex.write(0 as UInt8, to: text, at: 0)
            text[2] = Hex.dash
            Hex.write(self.trace.high, to: text, at: 3)
            Hex.write(self.trace.low, to: text, at: 19)
            text[35] = Hex.dash
            Hex.write(self.span, to: text, at: 36)
            text[52] = Hex.dash
            Hex.write(self.flags, to: text, at: 53)
            return try body(UnsafeRawBufferPointer(text))
        }
    }

    package var traceparent: String { self.withTraceparent { String(decoding: $0, as: UTF8.self) } }
}

/// Hexadecimal digits in lower case, the only ones that these formats know.
enum Hex {
    static let dash = UInt8(ascii: "-")

    /// Sixteen digits from `start`; nil when one is none. The text must be long enough.
    static func word(_ text: UnsafeRawBufferPointer, at start: Int) -> UInt64? {
        var word: UInt64 = 0
        var wrong: UInt8 = 0
        for index in start..<(start + 16) {
            let value = Self.value(text[index])
            wrong |= value
            word = word << 4 | UInt64(value & 15)
        }
        return wrong & 0xf0 == 0 ? word : nil
    }

    static func byte(_ text: UnsafeRawBufferPointer, at start: Int) -> UInt8? {
        let (high, low) = (Self.value(text[start]), Self.value(text[start + 1]))
        return (high | low) & 0xf0 == 0 ? high << 4 | low : nil
    }

    /// A digit's value; 0xff for any other byte.
    @inline(__always)
    private static func value(_ byte: UInt8) -> UInt8 {
        let digit = byte &- UInt8(ascii: "0")
        let letter = byte &- UInt8(ascii: "a")
        return digit < 10 ? digit : letter < 6 ? letter &+ 10 : 0xff
    }

    static func write(_ word: UInt64, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        var rest = word
        for index in stride(from: start + 15, through: start, by: -1) {
            text[index] = Self.digit(UInt8(truncatingIfNeeded: rest & 15))
            rest >>= 4
        }
    }

    static func write(_ byte: UInt8, to text: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        text[start] = Self.digit(byte >> 4)
        text[start + 1] = Self.digit(byte & 15)
    }

    @inline(__always)
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }

    static func text(_ word: UInt64) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { text in
            Self.write(word, to: text, at: 0)
            return String(decoding: text, as: UTF8.self)
        }
    }
}
