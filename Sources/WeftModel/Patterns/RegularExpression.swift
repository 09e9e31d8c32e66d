/// A regular expression that matches whole values in time linear in their length, whatever the expression.
///
/// RE2's syntax without captures' meaning: literals, `.`, classes (`[a-z]`, `[^…]`, `\d \w \s` and their negations),
/// groups (`(…)`, `(?:…)`), `|`, `* + ? {m,n}` (greedy and lazy are the same here), `^` and `$` at the ends, and a leading
/// `(?i)`. Works on bytes: a character outside ASCII is its UTF-8, and `.` takes one byte, any but a line feed.
/// Look-around and back-references cannot be had in linear time and are refused.
///
/// At most 1024 bytes of text and 4096 instructions. Compiled to a deterministic automaton where that stays small, which
/// takes a step for each byte; else it may hold at most 128 characters, repetitions counted out, and takes at most
/// `maxSteps` for each byte, some nanoseconds each.
package struct RegularExpression: Hashable, Sendable {
    /// As written.
    package let text: String
    /// The bytes with which every match begins.
    package let literalPrefix: [UInt8]
    private let machine: Machine

    private enum Machine: Sendable {
        case automaton(PatternAutomaton)
        case bits(PatternBits)
    }

    /// For each byte of a value, at most.
    package static let maxSteps = PatternBits.maxSteps

    /// Throws the place and cause of what cannot be honoured.
    package init(_ text: String) throws(PatternError) {
        self.text = text
        let program = try PatternProgram(parsing: text)
        self.literalPrefix = program.literalPrefix
        let places = try PatternPlaces(program)
        if let automaton = PatternAutomaton(places) {
            self.machine = .automaton(automaton)
        } else if let bits = PatternBits(places) {
            self.machine = .bits(bits)
        } else {
            throw .tooLarge
        }
    }

    /// Whether the whole of `value` matches.
    package func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        var steps = 0
        return self.matches(value, steps: &steps)
    }

    /// The same, adding the work to `steps`.
    package func matches(_ value: UnsafeRawBufferPointer, steps: inout Int) -> Bool {
        switch self.machine {
        case .automaton(let automaton): automaton.matches(value, steps: &steps)
        case .bits(let bits): bits.matches(value, steps: &steps)
        }
    }

    /// Whether the whole of `value` matches.
    package func matches(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { self.matches(UnsafeRawBufferPointer($0)) }
    }

    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.text) }
}

/// Why a text is not a regular expression that can be honoured.
package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the text, in bytes from 0.
    package var offset: Int
    package var cause: String
    /// What to write instead; nil where the cause says it.
    package var remedy: String?

    package init(offset: Int, cause: String, remedy: String? = nil) {
        self.offset = offset
        self.cause = cause
        self.remedy = remedy
    }

    /// An expression that would take too long to match, whatever the value.
    static let tooLarge = PatternError(
        offset: 0, cause: "the expression stands for more than can be matched in a short time",
        remedy: """
            Write smaller repetition counts, or nothing without bound, such as .*, before them: an expression that is in \
            many places at once may hold 128 characters, repetitions counted out.
            """)

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
