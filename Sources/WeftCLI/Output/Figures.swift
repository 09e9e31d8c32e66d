internal import Foundation

/// Numbers as people read them.
package enum Figures {
    /// Rates and latencies: three significant digits at most, `-` for nil.
    package static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "-" }
        let magnitude = abs(value)
        if magnitude >= 100 || value == 0 { return String(format: "%.0f", value) }
        return String(format: magnitude >= 10 ? "%.1f" : "%.2f", value)
    }

    /// A ratio in percent; 99.99 is not rounded to 100.
    package static func percent(_ ratio: Double?) -> String {
        guard let ratio, ratio.isFinite else { return "-" }
        if ratio >= 1 { return "100%" }
        return String(format: "%.2f%%", (ratio * 10_000).rounded(.down) / 100)
    }

    /// Milliseconds with their unit.
    package static func milliseconds(_ value: Double?) -> String {
        value.map { "\(self.number($0)) ms" } ?? "-"
    }

    /// `1 resource`, `2 resources`.
    package static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    /// How long ago something was; nothing is in the future, even after the clock was set back.
    package static func span(since seconds: Int64, now: Int64) -> String { self.span(seconds: max(0, now - seconds)) }

    /// A span of time in its largest two units: `3d4h`, `2m5s`, `12s`. Negative spans begin with `-`.
    package static func span(seconds: Int64) -> String {
        if seconds < 0 { return "-" + self.span(seconds: -seconds) }
        let units: [(Int64, String)] = [(86400, "d"), (3600, "h"), (60, "m"), (1, "s")]
        guard let first = units.firstIndex(where: { seconds >= $0.0 }) else { return "0s" }
        var text = "\(seconds / units[first].0)\(units[first].1)"
        if first + 1 < units.count {
            let rest = seconds % units[first].0 / units[first + 1].0
            if rest > 0 { text += "\(rest)\(units[first + 1].1)" }
        }
        return text
    }
}
