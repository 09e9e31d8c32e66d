/// Moments as RFC 3339 writes them, in whole seconds since 1970: `2026-12-01T12:00:00Z`, `2026-12-01T14:00:00+02:00`.
package enum TimestampText {
    /// Nil for what is no moment; fractions of seconds are refused.
    package static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= bytes.count,
                bytes[range].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
        }
        func has(_ position: Int, _ characters: String) -> Bool {
            position < bytes.count && characters.utf8.contains(bytes[position])
        }
        guard bytes.count >= 20, has(4, "-"), has(7, "-"), has(10, "Tt"), has(13, ":"), has(16, ":"),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1970...9999).contains(year),
            (1...12).contains(month), (1...self.days(in: month, of: year)).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var seconds = self.dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        if has(19, "Zz") { return bytes.count == 20 ? seconds : nil }
        guard bytes.count == 25, has(19, "+-"), has(22, ":"), let hours = number(20..<22),
            let minutes = number(23..<25), hours < 24, minutes < 60
        else { return nil }
        let offset = hours * 3600 + minutes * 60
        seconds += bytes[19] == UInt8(ascii: "+") ? -offset : offset
        return seconds >= 0 ? seconds : nil
    }

    /// In UTC; what is before 1970 counts as 1970.
    package static func text(_ seconds: Int64) -> String {
        let seconds = min(max(0, seconds), 253_402_300_799)
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Civil date from the day number, counting years from March so that leap days come last.
        let shifted = days + 719_468
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + shifted / 146_097 * 400 + (month <= 2 ? 1 : 0)
        func padded(_ number: Int64, _ digits: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return shifted / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Field {
    /// A moment, in seconds since 1970.
    package func timestamp() -> Int64? {
        guard let text = self.text(atMost: 64) else { return nil }
        guard let seconds = TimestampText.seconds(text) else {
            self.refuse(
                "\"\(YAMLNode.shortened(text))\" is no moment", remedy: "Write one such as 2026-12-01T12:00:00Z.")
            return nil
        }
        return seconds
    }
}
