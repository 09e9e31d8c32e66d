/// Durations as people write them: `250ms`, `2s`, `1.5s`, `5m`, `1h`, `2d`; a bare `0` is zero.
package enum DurationText {
    /// Nil for anything else, and for negative values.
    package static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        for (unit, seconds) in [("ms", 0.001), ("us", 0.000_001), ("s", 1.0), ("m", 60), ("h", 3600), ("d", 86400)] {
            guard text.hasSuffix(unit) else { continue }
            let number = text.dropLast(unit.count)
            guard let first = number.first, first.isASCII, first.isNumber else { continue }
            guard let value = Double(number), value.isFinite, value * seconds <= 1e10 else { return nil }
            return .nanoseconds(Int64((value * seconds * 1e9).rounded()))
        }
        return nil
    }

    /// What `parse` reads back: the largest unit that divides it.
    package static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if seconds == 0 && attoseconds == 0 { return "0" }
        if attoseconds != 0 {
            let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
            return microseconds % 1000 == 0 ? "\(microseconds / 1000)ms" : "\(microseconds)us"
        }
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }
}
