/// What a regular expression says, before it is compiled.
indirect enum PatternNode {
    case empty
    case bytes(ByteSet)
    case start
    case end
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `most` nil is without bound.
    case repeated(PatternNode, least: Int, most: Int?)
}

/// Reads the text of a regular expression.
struct PatternParser {
    private static let maxTextBytes = 1024
    private static let maxDepth = 64
    private static let maxRepeat = 1000

    private let text: [UInt8]
    private var position = 0
    private var depth = 0
    private var ignoresCase = false

    static func parse(_ text: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(text: Array(text.utf8))
        guard parser.text.count <= Self.maxTextBytes else {
            throw PatternError(offset: Self.maxTextBytes, cause: "the expression is longer than 1024 bytes")
        }
        if parser.take("(?i)") { parser.ignoresCase = true }
        let node = try parser.choice()
        guard parser.position == parser.text.count else {
            throw PatternError(offset: parser.position, cause: "`)` without `(`")
        }
        return node
    }

    private init(text: [UInt8]) { self.text = text }

    private var next: UInt8? { self.position < self.text.count ? self.text[self.position] : nil }

    private func fail(_ cause: String, at offset: Int? = nil) -> PatternError {
        PatternError(offset: offset ?? self.position, cause: cause)
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard self.text[self.position...].starts(with: word) else { return false }
        self.position += word.count
        return true
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        self.depth += 1
        defer { self.depth -= 1 }
        guard self.depth <= Self.maxDepth else { throw self.fail("groups are nested deeper than 64") }
        var branches = [try self.sequence()]
        while self.take("|") { branches.append(try self.sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let byte = self.next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            parts.append(try self.repetition())
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repetition() throws(PatternError) -> PatternNode {
        let start = self.position
        var node = try self.atom()
        var repetitions = 0
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "*"):
                self.position += 1
                node = .repeated(node, least: 0, most: nil)
            case UInt8(ascii: "+"):
                self.position += 1
                node = .repeated(node, least: 1, most: nil)
            case UInt8(ascii: "?"):
                self.position += 1
                // After another repetition it only makes that one lazy.
                if repetitions == 0 { node = .repeated(node, least: 0, most: 1) }
            case UInt8(ascii: "{"):
                let (least, most) = try self.bounds()
                node = .repeated(node, least: least, most: most)
            default:
                return node
            }
            repetitions += 1
            if repetitions > 2 { throw self.fail("too many repetition signs in a row", at: start) }
        }
        return node
    }

    /// `{m}`, `{m,}` or `{m,n}`.
    private mutating func bounds() throws(PatternError) -> (Int, Int?) {
        let start = self.position
        self.position += 1
        guard let least = self.number() else {
            throw self.fail("a literal `{` is written `\\{`", at: start)
        }
        var most: Int? = least
        if self.take(",") { most = self.number() }
        guard self.take("}") else { throw self.fail("`{` without `}`", at: start) }
        guard least <= Self.maxRepeat, most ?? 0 <= Self.maxRepeat else {
            throw self.fail("a repetition count above 1000", at: start)
        }
        if let most, most < least { throw self.fail("a repetition whose upper bound is below its lower", at: start) }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let start = self.position
        var value = 0
        while let byte = self.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            value = min(1_000_000, value * 10 + Int(byte - UInt8(ascii: "0")))
            self.position += 1
        }
        return self.position == start ? nil : value
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        let start = self.position
        let byte = self.text[start]
        self.position += 1
        switch byte {
        case UInt8(ascii: "."):
            var set = ByteSet()
            set.insert(UInt8(ascii: "\n"))
            return .bytes(set.inverted)
        case UInt8(ascii: "^"): return .start
        case UInt8(ascii: "$"): return .end
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw self.fail("nothing to repeat", at: start)
        case UInt8(ascii: "["): return .bytes(try self.characterClass(start))
        case UInt8(ascii: "\\"): return .bytes(try self.escape(start))
        case UInt8(ascii: "("):
            if self.take("?") {
                if self.take("P<")
                    || (self.take("<") && self.next != UInt8(ascii: "=") && self.next != UInt8(ascii: "!"))
                {
                    while let byte = self.next, byte != UInt8(ascii: ">") { self.position += 1 }
                    guard self.take(">") else { throw self.fail("a group's name without `>`", at: start) }
                } else if !self.take(":") {
                    throw self.fail("look-around and inline flags are not supported", at: start)
                }
            }
            let inner = try self.choice()
            guard self.take(")") else { throw self.fail("`(` without `)`", at: start) }
            return inner
        default: return .bytes(self.literal(byte))
        }
    }

    private func literal(_ byte: UInt8) -> ByteSet {
        let set = ByteSet(byte...byte)
        return self.ignoresCase ? set.ignoringCase : set
    }

    private mutating func escape(_ start: Int) throws(PatternError) -> ByteSet {
        guard let byte = self.next else { throw self.fail("`\\` at the end", at: start) }
        self.position += 1
        switch byte {
        case UInt8(ascii: "d"): return Self.digits
        case UInt8(ascii: "D"): return Self.digits.inverted
        case UInt8(ascii: "w"): return Self.wordBytes
        case UInt8(ascii: "W"): return Self.wordBytes.inverted
        case UInt8(ascii: "s"): return Self.spaces
        case UInt8(ascii: "S"): return Self.spaces.inverted
        case UInt8(ascii: "n"): return self.literal(0x0a)
        case UInt8(ascii: "r"): return self.literal(0x0d)
        case UInt8(ascii: "t"): return self.literal(0x09)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            throw self.fail("back-references are not supported", at: start)
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            throw self.fail("unknown escape", at: start)
        default: return self.literal(byte)
        }
    }

    private mutating func characterClass(_ start: Int) throws(PatternError) -> ByteSet {
        var set = ByteSet()
        let negated = self.take("^")
        var first = true
        while let byte = self.next, first || byte != UInt8(ascii: "]") {
            first = false
            let (low, members) = try self.classMember(byte)
            guard let low else {
                set.formUnion(members)
                continue
            }
            if self.next == UInt8(ascii: "-"), self.position + 1 < self.text.count,
                self.text[self.position + 1] != UInt8(ascii: "]")
            {
                self.position += 1
                guard let (high, _) = try self.next.map({ byte throws(PatternError) in try self.classMember(byte) }),
                    let high, low <= high
                else { throw self.fail("a range in a class that runs backwards", at: start) }
                set.insert(low...high)
            } else {
                set.insert(low)
            }
        }
        guard self.take("]") else { throw self.fail("`[` without `]`", at: start) }
        if self.ignoresCase { set = set.ignoringCase }
        return negated ? set.inverted : set
    }

    /// One byte, or a named set such as `\d`.
    private mutating func classMember(_ byte: UInt8) throws(PatternError) -> (UInt8?, ByteSet) {
        let start = self.position
        self.position += 1
        if byte == UInt8(ascii: "[") && self.next == UInt8(ascii: ":") {
            throw self.fail("named classes such as [:alpha:] are not supported", at: start)
        }
        guard byte == UInt8(ascii: "\\") else {
            if byte >= 0x80 { throw self.fail("classes hold ASCII only", at: start) }
            return (byte, ByteSet())
        }
        let keptCase = self.ignoresCase
        self.ignoresCase = false
        defer { self.ignoresCase = keptCase }
        let set = try self.escape(start)
        return (set.single, set)
    }

    private static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    private static let wordBytes = {
        var set = Self.digits
        set.insert(UInt8(ascii: "a")...UInt8(ascii: "z"))
        set.insert(UInt8(ascii: "A")...UInt8(ascii: "Z"))
        set.insert(UInt8(ascii: "_"))
        return set
    }()
    private static let spaces = {
        var set = ByteSet(0x09...0x0a)
        set.insert(0x0c...0x0d)
        set.insert(0x20)
        return set
    }()
}
