/// A program's sets of places, each made one state: one table step for each byte.
struct PatternAutomaton: Sendable {
    private static let maxStates = 256

    /// Which class of equal bytes each byte is in.
    private var classOf: [UInt8]
    private var classCount: Int
    /// The state after `state * classCount + class`; state 0 never matches.
    private var next: [UInt16] = []
    /// Whether a value may end in this state.
    private var accepting: [Bool] = []

    /// Nil when the program needs too many states.
    init?(_ program: PatternProgram) {
        // Bytes that no instruction tells apart share a class.
        var sets: Set<ByteSet> = []
        for case .take(let set) in program.instructions { sets.insert(set) }
        var signatures: [[Bool]: UInt8] = [:]
        var representatives: [UInt8] = []
        let ordered = Array(sets)
        self.classOf = Array(repeating: 0, count: 256)
        for byte in UInt8.min...UInt8.max {
            let signature = ordered.map { $0.contains(byte) }
            if let known = signatures[signature] {
                self.classOf[Int(byte)] = known
            } else {
                let number = UInt8(truncatingIfNeeded: representatives.count)
                signatures[signature] = number
                representatives.append(byte)
                self.classOf[Int(byte)] = number
            }
        }
        self.classCount = representatives.count

        let size = program.instructions.count
        var numbers: [[Int]: UInt16] = [[]: 0]
        var states: [[Int]] = [[]]
        func number(of places: PatternProgram.Places) -> UInt16? {
            let key = places.list.sorted()
            if let known = numbers[key] { return known }
            guard states.count < Self.maxStates else { return nil }
            let fresh = UInt16(states.count)
            numbers[key] = fresh
            states.append(key)
            return fresh
        }
        var start = PatternProgram.Places(capacity: size)
        program.reach(0, atStart: true, atEnd: false, into: &start)
        // The start is a state of its own even where its places come again: only there does `^` hold.
        states.append(start.list.sorted())
        var open = 0
        while open < states.count {
            let places = states[open]
            for representative in representatives {
                var reached = PatternProgram.Places(capacity: size)
                for place in places {
                    guard case .take(let set) = program.instructions[place], set.contains(representative)
                    else { continue }
                    program.reach(place + 1, atStart: false, atEnd: false, into: &reached)
                }
                guard let target = number(of: reached) else { return nil }
                self.next.append(target)
            }
            // At the end of a value `$` holds: what is reached then decides.
            var ending = PatternProgram.Places(capacity: size)
            for place in places { program.reach(place, atStart: open == 1, atEnd: true, into: &ending) }
            self.accepting.append(program.accepts(ending))
            open += 1
        }
    }

    func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        var state = 1
        for byte in value {
            state = Int(self.next[state * self.classCount + Int(self.classOf[Int(byte)])])
            if state == 0 { return false }
        }
        return self.accepting[state]
    }
}
