/// What one step of the tour found.
package struct StepOutcome: Hashable, Sendable {
    /// What was claimed and whether it held, in order.
    package var claims: [Claim] = []
    /// Further figures worth showing.
    package var figures: [String] = []

    package init() {}

    package struct Claim: Hashable, Sendable {
        package var text: String
        package var holds: Bool
    }

    package var holds: Bool { !self.claims.isEmpty && self.claims.allSatisfy(\.holds) }

    package mutating func claim(_ text: String, _ holds: Bool) { self.claims.append(Claim(text: text, holds: holds)) }
    package mutating func note(_ text: String) { self.figures.append(text) }

    /// Every request of `tally` was answered well.
    package mutating func claimNoFailure(_ tally: TrafficGenerator.Tally, during what: String) {
        self.claim(
            "\(tally.sent) requests \(what), \(tally.failed) failed" + (tally.failed > 0 ? " (\(tally.causes))" : ""),
            tally.sent > 0 && tally.failed == 0)
    }

    /// The step's lines, marked by what held.
    package func rendered(console: Console) -> [String] {
        self.claims.map { claim in
            let mark = claim.holds ? console.styled("  ok   ", .good) : console.styled("  FAIL ", .bad)
            return mark + claim.text
        } + self.figures.map { "       " + console.styled($0, .faint) }
    }
}
