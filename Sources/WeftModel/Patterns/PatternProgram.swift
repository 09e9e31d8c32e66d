/// A regular expression as instructions for a machine that holds a set of places (Thompson's construction).
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Takes one byte of the set, then goes on.
        case take(ByteSet)
        case split(Int, Int)
        case jump(Int)
        case atStart
        case atEnd
        case accept
    }

    private static let maxInstructions = 4096

    private(set) var instructions: [Instruction] = []
    /// The bytes with which every match begins.
    private(set) var literalPrefix: [UInt8] = []

    init(parsing text: String) throws(PatternError) {
        let node = try PatternParser.parse(text)
        try self.compile(node)
        self.instructions.append(.accept)
        for instruction in self.instructions {
            if case .atStart = instruction, self.literalPrefix.isEmpty { continue }
            guard case .take(let set) = instruction, let byte = set.single else { break }
            self.literalPrefix.append(byte)
        }
        // A repetition may jump back into the run of literals, or a choice around it; both begin with a split, which
        // ends the run, except that `x+` takes its first byte before it splits.
    }

    private mutating func emit(_ instruction: Instruction) throws(PatternError) {
        guard self.instructions.count < Self.maxInstructions else {
            throw PatternError(
                offset: 0, cause: "the expression needs more than 4096 instructions",
                remedy: "Write smaller repetition counts.")
        }
        self.instructions.append(instruction)
    }

    private mutating func compile(_ node: PatternNode) throws(PatternError) {
        switch node {
        case .empty: break
        case .bytes(let set): try self.emit(.take(set))
        case .start: try self.emit(.atStart)
        case .end: try self.emit(.atEnd)
        case .sequence(let parts): for part in parts { try self.compile(part) }
        case .choice(let branches):
            var jumps: [Int] = []
            for (index, branch) in branches.enumerated() {
                guard index < branches.count - 1 else {
                    try self.compile(branch)
                    break
                }
                let split = self.instructions.count
                try self.emit(.split(split + 1, 0))
                try self.compile(branch)
                jumps.append(self.instructions.count)
                try self.emit(.jump(0))
                self.instructions[split] = .split(split + 1, self.instructions.count)
            }
            for jump in jumps { self.instructions[jump] = .jump(self.instructions.count) }
        case .repeated(let inner, let least, let most):
            for _ in 0..<least { try self.compile(inner) }
            guard let most else {
                let split = self.instructions.count
                try self.emit(.split(split + 1, 0))
                try self.compile(inner)
                try self.emit(.jump(split))
                self.instructions[split] = .split(split + 1, self.instructions.count)
                return
            }
            var splits: [Int] = []
            for _ in least..<most {
                splits.append(self.instructions.count)
                try self.emit(.split(self.instructions.count + 1, 0))
                try self.compile(inner)
            }
            for split in splits { self.instructions[split] = .split(split + 1, self.instructions.count) }
        }
    }

    // MARK: Moves that take no byte

    /// Places reached, without duplicates, in order of arrival.
    struct Places: Hashable {
        private(set) var list: [Int] = []
        private var member: [Bool]

        init(capacity: Int) { self.member = Array(repeating: false, count: capacity) }

        mutating func insert(_ place: Int) -> Bool {
            if self.member[place] { return false }
            self.member[place] = true
            self.list.append(place)
            return true
        }

        mutating func removeAll() {
            for place in self.list { self.member[place] = false }
            self.list.removeAll(keepingCapacity: true)
        }
    }

    /// Adds `place` and all that is reached from it without taking a byte.
    func reach(_ place: Int, atStart: Bool, atEnd: Bool, into places: inout Places) {
        var open = [place]
        while let place = open.popLast() {
            guard places.insert(place) else { continue }
            switch self.instructions[place] {
            case .jump(let target): open.append(target)
            case .split(let first, let second):
                open.append(second)
                open.append(first)
            case .atStart: if atStart { open.append(place + 1) }
            case .atEnd: if atEnd { open.append(place + 1) }
            case .take, .accept: break
            }
        }
    }

    func accepts(_ places: Places) -> Bool {
        places.list.contains { if case .accept = self.instructions[$0] { true } else { false } }
    }
}
