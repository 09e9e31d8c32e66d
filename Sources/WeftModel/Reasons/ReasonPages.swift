/// The pages of `docs/reasons/`, inside the executable.
package enum ReasonPages {
    /// The page as Markdown; empty where there is none.
    package static func page(_ reason: Reason) -> String { Self.texts[reason.rawValue] ?? "" }

    /// What the page says to look at and to change, a point each.
    package static func advice(_ reason: Reason) -> [String] {
        var advice: [String] = []
        var isWanted = false
        for line in Self.page(reason).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") {
                isWanted = line == "## What to look at" || line == "## What to change"
            } else if isWanted, line.hasPrefix("- ") {
                advice.append(String(line.dropFirst(2)))
            } else if isWanted, !line.isEmpty, advice.isEmpty == false, line.hasPrefix("  ") {
                advice[advice.count - 1] += " " + line.drop { $0 == " " }
            } else if isWanted, !line.isEmpty {
                advice.append(String(line))
            }
        }
        return advice
    }
}
