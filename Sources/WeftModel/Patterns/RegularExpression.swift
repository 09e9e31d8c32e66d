/// A regular expression that matches whole values in time linear in their length, whatever the expression.
///
/// RE2's syntax without captures' meaning: literals, `.`, classes (`[a-z]`, `[^…]`, `\d \w \s` and their negations),
/// groups (`(…)`, `(?:…)`), `|`, `* + ? {m,n}` (greedy and lazy are the same here), `^` and `$` at the ends, and a leading
/// `(?i)`. Works on bytes: a character outside ASCII is its UTF-8, and `.` takes one byte, any but a line feed.
/// Look-around and back-references cannot be had in linear time and are refused. At most 1024 bytes of text and 4096
/// instructions. Compiled to a deterministic automaton where that stays below 256 states, else run as a set of states.
package struct RegularExpression: Hashable, Sendable {
    /// As written.
    package let text: String
    private let program: PatternProgram
    private let automaton: PatternAutomaton?

    /// Throws the place and cause of what cannot be honoured.
    package init(_ text: String) throws(PatternError) {
        self.text = text
        self.program = try PatternProgram(parsing: text)
        self.automaton = PatternAutomaton(self.program)
    }

    /// Whether the whole of `value` matches.
    package func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        self.automaton?.matches(value) ?? self.program.matches(value)
    }

    /// Whether the whole of `value` matches.
    package func matches(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { self.matches(UnsafeRawBufferPointer($0)) }
    }

    /// The bytes with which every match begins.
    package var literalPrefix: [UInt8] { self.program.literalPrefix }

    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.text) }
}

/// Why a text is not a regular expression that can be honoured.
package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the text, in bytes from 0.
    package var offset: Int
    package var cause: String

    package init(offset: Int, cause: String) {
        self.offset = offset
        self.cause = cause
    }

    package var description: String { "\(self.cause) at byte \(self.offset)" }
}

/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var low: (UInt64, UInt64) = (0, 0)
    private var high: (UInt64, UInt64) = (0, 0)

    init() {}

    init(_ range: ClosedRange<UInt8>) { self.insert(range) }

    static let all = ByteSet(0...255)

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        return switch byte >> 6 {
        case 0: self.low.0 & bit != 0
        case 1: self.low.1 & bit != 0
        case 2: self.high.0 & bit != 0
        default: self.high.1 & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: self.low.0 |= bit
        case 1: self.low.1 |= bit
        case 2: self.high.0 |= bit
        default: self.high.1 |= bit
        }
    }

    mutating func insert(_ range: ClosedRange<UInt8>) { for byte in range { self.insert(byte) } }

    mutating func formUnion(_ other: ByteSet) {
        self.low = (self.low.0 | other.low.0, self.low.1 | other.low.1)
        self.high = (self.high.0 | other.high.0, self.high.1 | other.high.1)
    }

    var inverted: ByteSet {
        var result = self
        result.low = (~self.low.0, ~self.low.1)
        result.high = (~self.high.0, ~self.high.1)
        return result
    }

    /// With both cases of each ASCII letter that is in it.
    var ignoringCase: ByteSet {
        var result = self
        for letter in UInt8(ascii: "a")...UInt8(ascii: "z") {
            if self.contains(letter) { result.insert(letter - 32) }
            if self.contains(letter - 32) { result.insert(letter) }
        }
        return result
    }

    /// The only byte in it, if there is exactly one.
    var single: UInt8? {
        let count =
            self.low.0.nonzeroBitCount + self.low.1.nonzeroBitCount + self.high.0.nonzeroBitCount
            + self.high.1.nonzeroBitCount
        guard count == 1 else { return nil }
        return (0...255).first { self.contains($0) }
    }

    static func == (left: Self, right: Self) -> Bool { left.low == right.low && left.high == right.high }

    func hash(into hasher: inout Hasher) {
        hasher.combine(self.low.0)
        hasher.combine(self.low.1)
        hasher.combine(self.high.0)
        hasher.combine(self.high.1)
    }
}
