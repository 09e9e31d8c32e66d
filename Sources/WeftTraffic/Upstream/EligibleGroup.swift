/// Endpoints that a pick chooses among freely, with what each algorithm needs to choose in constant or logarithmic time.
///
/// Made anew when eligibility or weights change, not for requests.
struct EligibleGroup {
    /// Picks below this come from this group.
    var upperShare: Double
    /// Places in the balancer's list.
    let places: [Int]
    /// Weights summed up to each place; empty where all are equal.
    private let sums: [Double]

    // Round robin: the endpoint whose turn comes first is at the top of a heap; equal weights need only a cursor.
    private var turns: [(moment: Double, index: Int)] = []
    private var strides: [Double] = []
    private var cursor: Int

    init(
        upperShare: Double, places: [Int], weights: [Double], ordered: Bool, random: inout some RandomNumberGenerator
    ) {
        self.upperShare = upperShare
        self.places = places
        let first = weights.first ?? 1
        if weights.allSatisfy({ $0 == first }) {
            self.sums = []
        } else {
            var sum = 0.0
            self.sums = weights.map {
                sum += $0
                return sum
            }
        }
        // Loops and proxies begin at different places, so that they do not all call the same endpoint first.
        self.cursor = places.isEmpty ? 0 : random.index(below: places.count)
        if ordered, !self.sums.isEmpty {
            self.strides = weights.map { 1 / $0 }
            self.turns = weights.indices.map { index in
                (self.strides[index] * Double(random.next() >> 11) * 0x1p-53, index)
            }
            self.turns.sort { $0.moment < $1.moment }
        }
    }

    var count: Int { self.places.count }

    /// By weight.
    func atRandom(_ random: inout some RandomNumberGenerator) -> Int {
        guard let total = self.sums.last else { return self.places[random.index(below: self.places.count)] }
        let ticket = Double(random.next() >> 11) * 0x1p-53 * total
        var low = 0
        var high = self.sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if self.sums[middle] <= ticket { low = middle + 1 } else { high = middle }
        }
        return self.places[low]
    }

    /// By turns, as often as the weights say.
    mutating func inTurn() -> Int {
        guard !self.turns.isEmpty else {
            self.cursor += 1
            if self.cursor >= self.places.count { self.cursor = 0 }
            return self.places[self.cursor]
        }
        let index = self.turns[0].index
        self.turns[0].moment += self.strides[index]
        // Down to where the heap holds again.
        var hole = 0
        while true {
            let left = 2 * hole + 1
            guard left < self.turns.count else { break }
            let right = left + 1
            let child = right < self.turns.count && self.turns[right].moment < self.turns[left].moment ? right : left
            guard self.turns[child].moment < self.turns[hole].moment else { break }
            self.turns.swapAt(hole, child)
            hole = child
        }
        return self.places[index]
    }
}
