/// Finds what someone probably meant to write.
package enum Suggestion {
    /// The candidate nearest to `word`, when one is near enough to be worth naming.
    package static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let lowered = Array(word.lowercased().utf8.prefix(80))
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = Self.distance(lowered, Array(candidate.lowercased().utf8))
            if distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, min(lowered.count, best.candidate.utf8.count) / 3) else { return nil }
        return best.candidate
    }

    /// `Did you mean X? ` and the whole choice, for a remedy.
    package static func remedy(for word: String, among candidates: [String], noun: String) -> String {
        let choice = "\(noun): \(candidates.joined(separator: ", "))."
        guard let nearest = Self.nearest(to: word, among: candidates) else { return choice }
        return "Did you mean `\(nearest)`? \(choice)"
    }

    /// Edits that turn one into the other, swapped neighbours counting as one.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for i in left.indices {
            var current = [i + 1]
            current.reserveCapacity(right.count + 1)
            for j in right.indices {
                var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, beforePrevious[j - 1] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
