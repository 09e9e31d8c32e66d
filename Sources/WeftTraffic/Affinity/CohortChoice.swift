/// Which side of a split a user belongs to: a function of the user and the weights, the same in every proxy.
///
/// Each side scores every user by weight and hash, and the highest score has the user. Raising one side's weight therefore
/// only moves users to it, and lowering it only moves users away: nobody changes between two other sides, and whoever is
/// on a growing canary stays there. Source: weighted rendezvous hashing.
struct CohortChoice: Sendable {
    private let seeds: [UInt64]
    private let weights: [Double]

    /// Sides are known by their names, so that their order does not matter.
    init(names: [String], weights: [Int]) {
        self.seeds = names.map { AffinityHash.of($0) }
        self.weights = weights.map { Double(max(0, $0)) }
    }

    /// The side with the user of this hash; nil when no weight is above zero.
    func pick(_ hash: UInt64) -> Int? {
        var best: Int?
        var bestScore = 0.0
        for (index, seed) in self.seeds.enumerated() where self.weights[index] > 0 {
            // In (0, 1): its logarithm is negative and finite.
            let fraction = AffinityHash.fraction(AffinityHash.mix(hash ^ seed)) + 0x1p-54
            let score = self.weights[index] / -Arithmetic.log(fraction)
            if best == nil || score > bestScore {
                best = index
                bestScore = score
            }
        }
        return best
    }
}
