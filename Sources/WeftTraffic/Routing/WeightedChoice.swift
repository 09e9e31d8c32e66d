/// Picks an index by weight, over the sum of the weights.
package struct WeightedChoice: Hashable, Sendable {
    private let weights: [Int]
    private let total: Int

    /// Negative weights count as zero.
    package init(weights: [Int]) {
        self.weights = weights.map { max(0, $0) }
        self.total = self.weights.reduce(0, +)
    }

    /// An index with the share weight/sum; nil when no weight is above zero.
    package func pick(random: inout some RandomNumberGenerator) -> Int? {
        guard self.total > 0 else { return nil }
        if self.weights.count == 1 { return 0 }
        var ticket = random.index(below: self.total)
        for (index, weight) in self.weights.enumerated() {
            ticket -= weight
            if ticket < 0 { return index }
        }
        return nil
    }
}
