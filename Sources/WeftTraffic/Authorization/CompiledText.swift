internal import WeftModel

/// A `TextPattern` that is held against bytes where they lie.
enum CompiledText: Sendable {
    case any
    case exact([UInt8])
    case prefix([UInt8])
    case suffix([UInt8])

    init(_ pattern: TextPattern) {
        self =
            switch pattern {
            case .any: .any
            case .exact(let text): .exact(Array(text.utf8))
            case .prefix(let text): .prefix(Array(text.utf8))
            case .suffix(let text): .suffix(Array(text.utf8))
            }
    }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .any: true
        case .exact(let bytes): bytes.count == text.count && Self.equal(bytes, text, at: 0)
        case .prefix(let bytes): bytes.count <= text.count && Self.equal(bytes, text, at: 0)
        case .suffix(let bytes): bytes.count <= text.count && Self.equal(bytes, text, at: text.count - bytes.count)
        }
    }

    /// Whether a pattern of paths that matches also does without the path's parameters: only its end may have stood in one.
    func endsAlike(_ plain: UnsafeRawBufferPointer) -> Bool {
        guard case .suffix(let bytes) = self, !bytes.contains(UInt8(ascii: ";")) else { return true }
        return self.matches(plain)
    }

    private static func equal(_ bytes: [UInt8], _ text: UnsafeRawBufferPointer, at start: Int) -> Bool {
        for index in 0..<bytes.count where bytes[index] != text[start + index] { return false }
        return true
    }
}

/// Which rules name a text, found by the text: all patterns that match it in two passes over its bytes, however many
/// there are.
struct TextIndex: Sendable {
    private var exact = ByteTable()
    private var prefixes = ByteTable()
    /// Backwards.
    private var suffixes = ByteTable()
    /// Whether any prefix, any suffix, is so long.
    private var prefixLengths: [Bool] = []
    private var suffixLengths: [Bool] = []
    private var lists: [[Int32]] = []

    /// Adds a rule under a pattern; false for `any`, which no text leads to.
    mutating func add(_ rule: Int32, under pattern: CompiledText) -> Bool {
        let list: Int
        switch pattern {
        case .any: return false
        case .exact(let text): list = self.exact.value(for: text, orInsert: self.lists.count)
        case .prefix(let text):
            list = self.prefixes.value(for: text, orInsert: self.lists.count)
            Self.note(text.count, in: &self.prefixLengths)
        case .suffix(let text):
            list = self.suffixes.value(for: text.reversed(), orInsert: self.lists.count)
            Self.note(text.count, in: &self.suffixLengths)
        }
        if list == self.lists.count { self.lists.append([]) }
        if self.lists[list].last != rule { self.lists[list].append(rule) }
        return true
    }

    private static func note(_ length: Int, in lengths: inout [Bool]) {
        while lengths.count <= length { lengths.append(false) }
        lengths[length] = true
    }

    /// Shows `body` every rule one of whose patterns matches, some more than once, until it answers true. Answers whether
    /// it did.
    func first(of text: UnsafeRawBufferPointer, where body: (Int32) -> Bool) -> Bool {
        var hash = ByteTable.seed
        var length = 0
        while true {
            if length < self.prefixLengths.count, self.prefixLengths[length],
                let list = self.prefixes.value(hash, text, count: length)
            {
                for rule in self.lists[list] where body(rule) { return true }
            }
            if length == text.count { break }
            hash = ByteTable.step(hash, text[length])
            length += 1
        }
        if let list = self.exact.value(hash, text, count: text.count) {
            for rule in self.lists[list] where body(rule) { return true }
        }
        return self.suffixLengths.isEmpty ? false : self.firstSuffix(of: text, where: body)
    }

    private func firstSuffix(of text: UnsafeRawBufferPointer, where body: (Int32) -> Bool) -> Bool {
        let longest = min(text.count, self.suffixLengths.count - 1)
        return withUnsafeTemporaryAllocation(byteCount: max(1, longest), alignment: 1) { reversed in
            var hash = ByteTable.seed
            for length in 0...longest {
                if self.suffixLengths[length],
                    let list = self.suffixes.value(hash, UnsafeRawBufferPointer(reversed), count: length)
                {
                    for rule in self.lists[list] where body(rule) { return true }
                }
                if length == longest { break }
                reversed[length] = text[text.count - 1 - length]
                hash = ByteTable.step(hash, reversed[length])
            }
            return false
        }
    }
}
