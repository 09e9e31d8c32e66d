internal import WeftMessage
internal import WeftModel

/// All of a route's match but the path, ready to be held against a head.
struct CompiledMatch: Sendable {
    private enum Value: Sendable {
        case exact([UInt8])
        case expression(RegularExpression)
        case present
        /// An expression that could not be compiled: matches nothing.
        case never

        init(_ match: StringMatch, problems: inout [String]) {
            switch match {
            case .exact(let text): self = .exact(Array(text.utf8))
            case .present: self = .present
            case .regularExpression(let text):
                do {
                    self = .expression(try RegularExpression(text))
                } catch {
                    problems.append("`\(text)`: \(error)")
                    self = .never
                }
            }
        }

        func matches(_ value: UnsafeRawBufferPointer) -> Bool {
            switch self {
            case .exact(let bytes): bytes.count == value.count && bytes.elementsEqual(value)
            case .expression(let expression): expression.matches(value)
            case .present: true
            case .never: false
            }
        }
    }

    private struct Header: Sendable {
        var name: FieldName
        var text: String
        var value: Value
    }

    private struct Parameter: Sendable {
        var name: [UInt8]
        var value: Value
    }

    private var expression: RegularExpression?
    private var neverMatches = false
    private var method: [UInt8]?
    private var headers: [Header] = []
    private var parameters: [Parameter] = []

    init(_ match: RouteMatch, problems: inout [String]) {
        if case .regularExpression(let text) = match.path {
            do {
                self.expression = try RegularExpression(text)
            } catch {
                problems.append("`\(text)`: \(error)")
                self.neverMatches = true
            }
        }
        self.method = match.method.map { Array($0.utf8) }
        for header in match.headers {
            let name: FieldName = header.name == "host" ? .authority : FieldName(header.name)
            self.headers.append(Header(name: name, text: header.name, value: Value(header.value, problems: &problems)))
        }
        for parameter in match.queryParameters {
            self.parameters.append(
                Parameter(name: Array(parameter.name.utf8), value: Value(parameter.value, problems: &problems)))
        }
    }

    /// What every path that matches begins with, where the path is an expression.
    var literalPrefix: [UInt8]? { self.expression?.literalPrefix }

    /// Whether the rest holds, when the path's literal part does.
    func matches(path: UnsafeRawBufferPointer, query: UnsafeRawBufferPointer, head: borrowing RequestHead) -> Bool {
        if self.neverMatches { return false }
        if let method = self.method {
            guard let index = head.headers.firstIndex(of: .method),
                head.headers.withValue(at: index, { $0.count == method.count && $0.elementsEqual(method) })
            else { return false }
        }
        for header in self.headers where !Self.matches(header, head.headers) { return false }
        for parameter in self.parameters where !Self.matches(parameter, query) { return false }
        if let expression = self.expression { return expression.matches(path) }
        return true
    }

    private static func matches(_ header: Header, _ headers: HeaderBlock) -> Bool {
        func index(from start: Int) -> Int? {
            header.name == .other
                ? headers.firstIndex(of: header.text, from: start) : headers.firstIndex(of: header.name, from: start)
        }
        guard let first = index(from: 0) else { return false }
        guard var next = index(from: first + 1) else {
            return headers.withValue(at: first) { header.value.matches($0) }
        }
        // Repeated: as one list (RFC 9110 §5.3).
        var joined = headers.withValue(at: first) { Array($0) }
        while true {
            joined.append(UInt8(ascii: ","))
            headers.withValue(at: next) { joined.append(contentsOf: $0) }
            guard let further = index(from: next + 1) else { break }
            next = further
        }
        return joined.withUnsafeBytes { header.value.matches($0) }
    }

    private static func matches(_ parameter: Parameter, _ query: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position <= query.count {
            var end = position
            var equals: Int?
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if query[end] == UInt8(ascii: "="), equals == nil { equals = end }
                end += 1
            }
            let nameEnd = equals ?? end
            let name = UnsafeRawBufferPointer(rebasing: query[position..<nameEnd])
            if end > position, PercentCoding.equals(name, parameter.name) {
                let value = UnsafeRawBufferPointer(rebasing: query[min(end, nameEnd + 1)..<end])
                if !PercentCoding.isEncoded(value) { return parameter.value.matches(value) }
                let decoded = PercentCoding.decoded(value)
                return decoded.withUnsafeBytes { parameter.value.matches($0) }
            }
            position = end + 1
        }
        return false
    }
}

/// Percent-encoding as query strings use it: `%41` and `+` for a space.
enum PercentCoding {
    static func isEncoded(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }
    }

    /// Malformed escapes stay as they are.
    static func decoded(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = Self.digit(bytes[index + 1]),
                let low = Self.digit(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
                index += 1
            }
        }
        return result
    }

    static func equals(_ encoded: UnsafeRawBufferPointer, _ plain: [UInt8]) -> Bool {
        Self.isEncoded(encoded)
            ? Self.decoded(encoded) == plain : encoded.count == plain.count && encoded.elementsEqual(plain)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
