/// Brings request paths into the one form in which they are matched, judged and forwarded.
///
/// Two spellings of one path must not be two paths to a rule and one to an application. Percent-escapes of unreserved
/// characters are decoded, the others written with upper-case digits, `.` and `..` segments resolved, repeated slashes
/// made one; the query stays as it is. What applications read in different ways is refused. Authorization compares paths in
/// a form that goes further, `ComparedPath`. Source: RFC 3986 §6.2.2; merging of slashes goes beyond it.
package enum PathNormalization {
    package enum Outcome: Hashable, Sendable {
        /// Normal already.
        case unchanged
        /// The whole target, query included.
        case changed([UInt8])
        /// Cannot be brought into a form that every application reads alike; says why.
        case refused(String)
    }

    /// Normalizes a request target. One that does not begin with a slash (`*`) is normal.
    ///
    /// - Parameter keepsEscapedSlashes: lets `%2F` and `%5C` pass, as data within their segments; else they are refused,
    ///   since many applications decode them before they split the path.
    package static func normalize(_ target: UnsafeRawBufferPointer, keepsEscapedSlashes: Bool) -> Outcome {
        guard let end = self.suspicious(target) else { return .unchanged }
        var path: [UInt8] = []
        path.reserveCapacity(end)
        if let cause = self.decode(target, end, keepsEscapedSlashes: keepsEscapedSlashes, into: &path) {
            return .refused(cause)
        }
        var result: [UInt8] = []
        result.reserveCapacity(target.count)
        if let cause = self.resolve(path, into: &result) { return .refused(cause) }
        result.append(contentsOf: target[end...])
        return result.elementsEqual(target) ? .unchanged : .changed(result)
    }

    /// A path's normal form, for what rules are written with; nil when no request could ever have it.
    package static func normalized(_ path: String, keepsEscapedSlashes: Bool = true) -> String? {
        var path = path
        let outcome = path.withUTF8 {
            self.normalize(UnsafeRawBufferPointer($0), keepsEscapedSlashes: keepsEscapedSlashes)
        }
        return switch outcome {
        case .unchanged: path
        case .changed(let bytes): String(decoding: bytes, as: UTF8.self)
        case .refused: nil
        }
    }

    /// Where the path ends, if anything in it may have to change; nil for the usual path, at the cost of one look at
    /// each byte.
    private static func suspicious(_ target: UnsafeRawBufferPointer) -> Int? {
        guard let first = target.first, first == UInt8(ascii: "/") else { return nil }
        var found = false
        var afterSlash = false
        for index in 0..<target.count {
            let byte = target[index]
            if byte == UInt8(ascii: "?") { return found ? index : nil }
            switch byte {
            case UInt8(ascii: "/"):
                if afterSlash { found = true }
                afterSlash = true
                continue
            case UInt8(ascii: "."): if afterSlash { found = true }
            case UInt8(ascii: "%"), UInt8(ascii: "\\"): found = true
            default: break
            }
            afterSlash = false
        }
        return found ? target.count : nil
    }

    /// Decodes what stands for itself. Returns why the path is refused.
    private static func decode(
        _ target: UnsafeRawBufferPointer, _ end: Int, keepsEscapedSlashes: Bool, into path: inout [UInt8]
    ) -> String? {
        var index = 0
        while index < end {
            let byte = target[index]
            index += 1
            guard byte != UInt8(ascii: "\\") else { return "a backslash in the path" }
            guard byte == UInt8(ascii: "%") else {
                path.append(byte)
                continue
            }
            guard index + 1 < end, let high = self.digit(target[index]), let low = self.digit(target[index + 1]) else {
                return "a % in the path that begins no escape"
            }
            index += 2
            let value = high << 4 | low
            switch value {
            case 0: return "an escaped NUL in the path"
            case UInt8(ascii: "/"), UInt8(ascii: "\\"):
                guard keepsEscapedSlashes else { return "an escaped slash or backslash in the path" }
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                path.append(value)
                continue
            default: break
            }
            path.append(UInt8(ascii: "%"))
            path.append(self.text(high))
            path.append(self.text(low))
        }
        return nil
    }

    /// Resolves dot segments and drops empty ones. Returns why the path is refused.
    private static func resolve(_ path: [UInt8], into result: inout [UInt8]) -> String? {
        var start = 0
        while start < path.count {
            // `start` is at a slash; a segment follows it.
            let segmentStart = start + 1
            let end = path[segmentStart...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
            let segment = path[segmentStart..<end]
            let isLast = end == path.count
            let dots = segment.prefix { $0 == UInt8(ascii: ".") }.count
            if dots == 1 || dots == 2 {
                let rest = segment.dropFirst(dots)
                // With a parameter, escaped or not, it is a dot segment to some and a name to others.
                if rest.first == UInt8(ascii: ";") || rest.starts(with: "%3B".utf8) {
                    return "a dot segment with a parameter in the path"
                }
                if rest.isEmpty {
                    if dots == 2, let slash = result.lastIndex(of: UInt8(ascii: "/")) {
                        result.removeSubrange(slash...)
                    }
                    if isLast { result.append(UInt8(ascii: "/")) }
                    start = end
                    continue
                }
            }
            if !segment.isEmpty || isLast {
                result.append(UInt8(ascii: "/"))
                result.append(contentsOf: segment)
            }
            start = end
        }
        return nil
    }

    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func text(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
    }
}
