internal import WeftMessage

/// Moments as HTTP writes them, in whole seconds since 1970.
///
/// All three forms that RFC 9110 (5.6.7) obliges recipients to read: `Sun, 06 Nov 1994 08:49:37 GMT`,
/// `Sunday, 06-Nov-94 08:49:37 GMT`, `Sun Nov  6 08:49:37 1994`.
package enum HTTPDate {
    /// Nil for what is no moment. `now` tells the century of two-digit years: never more than 50 years ahead.
    package static func seconds(_ text: UnsafeRawBufferPointer, now: Int64) -> Int64? {
        var words = Words(text: text)
        guard let first = words.next() else { return nil }
        let day: Int64
        let month: Int64
        var year: Int64
        var clock: Slice<UnsafeRawBufferPointer>?
        if first.last == UInt8(ascii: ",") {
            guard let word = words.next() else { return nil }
            if word.count > 2 {
                // 06-Nov-94
                guard word.count == 9, let number = Self.number(word.prefix(2)),
                    let name = Self.month(word.dropFirst(3)),
                    let short = Self.number(word.suffix(2)), word[word.startIndex + 2] == UInt8(ascii: "-"),
                    word[word.startIndex + 6] == UInt8(ascii: "-")
                else { return nil }
                (day, month) = (number, name)
                let thisYear = 1970 + now / 31_556_952
                year = thisYear / 100 * 100 + short
                if year > thisYear + 50 { year -= 100 }
            } else {
                guard let number = Self.number(word), let name = words.next().flatMap(Self.month),
                    let long = words.next().flatMap({ $0.count == 4 ? Self.number($0) : nil })
                else { return nil }
                (day, month, year) = (number, name, long)
            }
            clock = words.next()
            guard let zone = words.next(), zone.elementsEqual("GMT".utf8) else { return nil }
        } else {
            guard let name = words.next().flatMap(Self.month), let number = words.next().flatMap(Self.number) else {
                return nil
            }
            clock = words.next()
            guard let long = words.next().flatMap({ $0.count == 4 ? Self.number($0) : nil }) else { return nil }
            (day, month, year) = (number, name, long)
        }
        guard words.next() == nil, let clock, let time = Self.time(clock), (1...31).contains(day), year >= 1970 else {
            return nil
        }
        // Days since 1970, counting years from March so that leap days come last.
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let days = shifted / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * 86_400 + time
    }

    /// Runs of bytes between spaces.
    private struct Words {
        let text: UnsafeRawBufferPointer
        var position = 0

        init(text: UnsafeRawBufferPointer) { self.text = text }

        mutating func next() -> Slice<UnsafeRawBufferPointer>? {
            while self.position < self.text.count, self.text[self.position] == UInt8(ascii: " ") { self.position += 1 }
            let start = self.position
            while self.position < self.text.count, self.text[self.position] != UInt8(ascii: " ") { self.position += 1 }
            return start == self.position ? nil : self.text[start..<self.position]
        }
    }

    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int64? {
        guard (1...4).contains(bytes.count) else { return nil }
        return Int(decimal: UnsafeRawBufferPointer(rebasing: bytes)).map(Int64.init)
    }

    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    private static func month(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int64? {
        guard bytes.count >= 3 else { return nil }
        let names = UnsafeBufferPointer(start: Self.months.utf8Start, count: 36)
        for month in 0..<12 where bytes.prefix(3).elementsEqual(names[(month * 3)..<(month * 3 + 3)]) {
            return Int64(month + 1)
        }
        return nil
    }

    /// `08:49:37`
    private static func time(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int64? {
        let start = bytes.startIndex
        guard bytes.count == 8, bytes[start + 2] == UInt8(ascii: ":"), bytes[start + 5] == UInt8(ascii: ":"),
            let hour = self.number(bytes[start..<(start + 2)]),
            let minute = self.number(bytes[(start + 3)..<(start + 5)]),
            let second = self.number(bytes[(start + 6)..<(start + 8)]), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }
}
