/// A program run as the set of all places it may be at, a bit for each: for those with too many such sets to number them.
///
/// A byte costs one look at the set's bits, four at a time, however many are set: at most `maxSteps`.
struct PatternBits: Sendable {
    private typealias Bits = SIMD2<UInt64>

    static let maxPlaces = 128
    /// For one byte: one for itself, one for each four places.
    static let maxSteps = 1 + maxPlaces / 4

    private let classes: ByteClasses
    /// The places that take a byte, by its class.
    private var taking: [Bits]
    /// What follows four places: by their number, times 16, plus which of them it is.
    private var following: [Bits]
    private var first: Bits
    private var mayEnd: Bits
    private let matchesEmpty: Bool

    /// Nil when there are more than `maxPlaces`.
    init?(_ places: PatternPlaces) {
        guard places.count <= Self.maxPlaces else { return nil }
        func bits(_ places: some Sequence<Int>) -> Bits {
            places.reduce(into: Bits.zero) { $0[$1 / 64] |= 1 << UInt64($1 % 64) }
        }
        self.classes = ByteClasses(places.sets)
        self.taking = self.classes.representatives.map { byte in
            bits((0..<places.count).filter { places.sets[$0].contains(byte) })
        }
        self.following = Array(repeating: .zero, count: (places.count + 3) / 4 * 16)
        for (place, followers) in places.following.enumerated() {
            let after = bits(followers.map(Int.init))
            for four in 0..<16 where four & 1 << (place % 4) != 0 { self.following[place / 4 * 16 + four] |= after }
        }
        self.first = bits(places.first.map(Int.init))
        self.mayEnd = bits((0..<places.count).filter { places.mayEnd[$0] })
        self.matchesEmpty = places.matchesEmpty
    }

    /// Adds to `steps` what it did, at most `maxSteps` for each byte.
    func matches(_ value: UnsafeRawBufferPointer, steps: inout Int) -> Bool {
        guard let last = value.last else { return self.matchesEmpty }
        return self.following.withUnsafeBufferPointer { following in
            var now = self.first
            for byte in value.dropLast() {
                let taken = now & self.taking[Int(self.classes.of[Int(byte)])]
                steps += 1
                if taken[0] | taken[1] == 0 { return false }
                now = .zero
                Self.follow(taken[0], following, from: 0, into: &now, steps: &steps)
                Self.follow(taken[1], following, from: 16, into: &now, steps: &steps)
            }
            steps += 1
            let taken = now & self.taking[Int(self.classes.of[Int(last)])] & self.mayEnd
            return taken[0] | taken[1] != 0
        }
    }

    /// Adds what follows the places of one word.
    @inline(__always)
    private static func follow(
        _ taken: UInt64, _ following: UnsafeBufferPointer<Bits>, from start: Int, into now: inout Bits, steps: inout Int
    ) {
        var bits = taken
        var four = start
        while bits != 0 {
            now |= following[four * 16 + Int(bits & 15)]
            bits >>= 4
            four += 1
            steps += 1
        }
    }
}
