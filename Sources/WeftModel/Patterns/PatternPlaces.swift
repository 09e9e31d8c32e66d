/// A program without its empty moves: the places where it takes a byte, and what follows each of them.
///
/// Source: Glushkov's construction.
struct PatternPlaces {
    /// How many moves are followed to find out, at most.
    private static let maxMoves = 1_000_000

    /// What each place takes.
    private(set) var sets: [ByteSet] = []
    /// The places that may take the next byte, by place; each once.
    private(set) var following: [[Int32]] = []
    /// Whether a value may end behind the place.
    private(set) var mayEnd: [Bool] = []
    /// The places that may take the first byte.
    private(set) var first: [Int32] = []
    private(set) var matchesEmpty = false

    var count: Int { self.sets.count }

    init(_ program: PatternProgram) throws(PatternError) {
        var number: [Int32] = []
        for instruction in program.instructions {
            number.append(Int32(self.sets.count))
            if case .take(let set) = instruction { self.sets.append(set) }
        }
        let hasEnd = program.instructions.contains { if case .atEnd = $0 { true } else { false } }
        var reached = PatternProgram.Places(capacity: program.instructions.count)
        var moves = 0

        /// What is reached from an instruction: the places behind which a byte may come, and whether a value may end there.
        func reach(_ index: Int, atStart: Bool) throws(PatternError) -> (places: [Int32], mayEnd: Bool) {
            func run(atEnd: Bool) throws(PatternError) {
                reached.removeAll()
                program.reach(index, atStart: atStart, atEnd: atEnd, into: &reached)
                moves += reached.list.count
                guard moves <= Self.maxMoves else { throw .tooLarge }
            }
            try run(atEnd: false)
            var places: [Int32] = []
            for index in reached.list {
                if case .take = program.instructions[index] { places.append(number[index]) }
            }
            // At the end of a value `$` holds.
            if hasEnd { try run(atEnd: true) }
            return (places, program.accepts(reached))
        }
        (self.first, self.matchesEmpty) = try reach(0, atStart: true)
        self.following.reserveCapacity(self.sets.count)
        for (index, instruction) in program.instructions.enumerated() {
            guard case .take = instruction else { continue }
            let next = try reach(index + 1, atStart: false)
            self.following.append(next.places)
            self.mayEnd.append(next.mayEnd)
        }
    }
}

/// Bytes that no place tells apart are one class.
struct ByteClasses: Sendable {
    /// By byte.
    private(set) var of: [UInt8] = Array(repeating: 0, count: 256)
    /// A byte of each class.
    private(set) var representatives: [UInt8] = []

    var count: Int { self.representatives.count }

    init(_ sets: [ByteSet]) {
        let distinct = Array(Set(sets))
        var known: [[Bool]: UInt8] = [:]
        for byte in UInt8.min...UInt8.max {
            let signature = distinct.map { $0.contains(byte) }
            if let number = known[signature] {
                self.of[Int(byte)] = number
            } else {
                let number = UInt8(truncatingIfNeeded: self.representatives.count)
                known[signature] = number
                self.representatives.append(byte)
                self.of[Int(byte)] = number
            }
        }
    }
}
