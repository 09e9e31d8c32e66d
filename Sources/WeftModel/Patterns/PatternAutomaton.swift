/// A program's sets of places, each made one state: one table step for each byte.
struct PatternAutomaton: Sendable {
    private static let maxStates = 2048
    /// Of the table: 128 KiB.
    private static let maxEntries = 65_536
    /// Places looked at while it is built: what needs more is not worth waiting for.
    private static let maxWork = 8_000_000

    private let classes: ByteClasses
    /// The state after `state * classes + class`; state 0 never matches.
    private var next: [UInt16] = []
    /// Whether a value may end in this state.
    private var accepting: [Bool] = []

    private struct State: Hashable {
        /// Who may take the next byte, in order.
        var places: [Int32]
        /// Whether the value may end here.
        var accepts: Bool
    }

    /// Nil when the program needs too many states.
    init?(_ places: PatternPlaces) {
        self.classes = ByteClasses(places.sets)
        let start = State(places: places.first.sorted(), accepts: places.matchesEmpty)
        var states = [State(places: [], accepts: false), start]
        var numbers: [State: UInt16] = [states[0]: 0]
        if numbers[start] == nil { numbers[start] = 1 }
        let limit = min(Self.maxStates, Self.maxEntries / self.classes.count)
        var work = 0
        // When each place was reached last, by number of the table's entry.
        var reached = Array(repeating: -1, count: places.count)
        var open = 0
        while open < states.count {
            let state = states[open]
            for representative in self.classes.representatives {
                var after = State(places: [], accepts: false)
                for place in state.places where places.sets[Int(place)].contains(representative) {
                    if places.mayEnd[Int(place)] { after.accepts = true }
                    work += places.following[Int(place)].count
                    for follower in places.following[Int(place)] where reached[Int(follower)] != self.next.count {
                        reached[Int(follower)] = self.next.count
                        after.places.append(follower)
                    }
                }
                work += state.places.count + after.places.count
                guard work <= Self.maxWork else { return nil }
                after.places.sort()
                if let known = numbers[after] {
                    self.next.append(known)
                } else {
                    guard states.count < limit else { return nil }
                    let fresh = UInt16(states.count)
                    numbers[after] = fresh
                    states.append(after)
                    self.next.append(fresh)
                }
            }
            self.accepting.append(state.accepts)
            open += 1
        }
    }

    /// Adds one to `steps` for each byte looked at.
    func matches(_ value: UnsafeRawBufferPointer, steps: inout Int) -> Bool {
        var state = 1
        for byte in value {
            steps += 1
            state = Int(self.next[state * self.classes.count + Int(self.classes.of[Int(byte)])])
            if state == 0 { return false }
        }
        return self.accepting[state]
    }
}
