/// Durations as Gateway API writes them: `1h30m`, `500ms`, `0s`.
///
/// Source: GEP-2257, `^([0-9]{1,5}(h|m|s|ms)){1,4}$`.
package enum DurationText {
    /// Nil for what the format does not allow.
    package static func duration(_ text: String) -> Duration? {
        var bytes = Substring(text).utf8[...]
        var total = Duration.zero
        var parts = 0
        while !bytes.isEmpty {
            let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            bytes = bytes.dropFirst(digits.count)
            guard (1...5).contains(digits.count), let number = Int64(Substring(digits)) else { return nil }
            if bytes.starts(with: "ms".utf8) {
                total += .milliseconds(number)
                bytes = bytes.dropFirst(2)
            } else if let unit = bytes.first, let seconds = Self.seconds(unit) {
                total += .seconds(number * seconds)
                bytes = bytes.dropFirst()
            } else {
                return nil
            }
            parts += 1
        }
        return (1...4).contains(parts) ? total : nil
    }

    /// The shortest text for a duration in whole milliseconds; what is finer is cut off.
    package static func text(_ duration: Duration) -> String {
        var milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return "0s" }
        var text = ""
        for (unit, size) in [("h", Int64(3_600_000)), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            let count = milliseconds / size
            if count > 0 { text += "\(count)\(unit)" }
            milliseconds %= size
        }
        return text
    }

    private static func seconds(_ unit: UInt8) -> Int64? {
        switch unit {
        case UInt8(ascii: "h"): 3600
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "s"): 1
        default: nil
        }
    }
}

extension Field {
    /// A duration; zero only where `zero` allows it.
    package func duration(allowsZero: Bool = true) -> Duration? {
        let remedy = "Write numbers of up to five digits with h, m, s or ms, such as 500ms, 2s or 1m30s."
        switch self.node.value {
        case .text(let text):
            guard let duration = DurationText.duration(text) else {
                self.refuse("\"\(YAMLNode.shortened(text))\" is no duration", remedy: remedy)
                return nil
            }
            guard allowsZero || duration > .zero else {
                self.refuse("the duration must be above zero", remedy: "Write a longer one, or remove the field.")
                return nil
            }
            return duration
        case .integer(let number):
            self.refuse("\(number) is no duration: its unit is missing", remedy: "Write \(number)s or \(number)ms.")
        case .null, .boolean, .decimal, .list, .object:
            self.refuse("\(self.node.phrase) is no duration", remedy: remedy)
        }
        return nil
    }
}
