// swift-format-ignore-file
// Made by scripts/generate-reason-pages from docs/reasons.

extension ReasonPages {
    static let texts: [String: String] =
        part1
            .merging(part2) { first, _ in first }
            .merging(part3) { first, _ in first }
}
