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

        init(_ match: StringMatch, _ expressions: inout ExpressionCache) {
            switch match {
            case .exact(let text): self = .exact(Array(text.utf8))
            case .present: self = .present
            case .regularExpression(let text): self = expressions.compiled(text).map(Value.expression) ?? .never
            }
        }

        /// What it must be, where that is one thing.
        var exact: [UInt8]? { if case .exact(let bytes) = self { bytes } else { nil } }

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

    init(_ match: RouteMatch, _ expressions: inout ExpressionCache) {
        if case .regularExpression(let text) = match.path {
            self.expression = expressions.compiled(text)
            self.neverMatches = self.expression == nil
        }
        self.method = match.method.map { Array($0.utf8) }
        for header in match.headers {
            let name: FieldName = header.name == "host" ? .authority : FieldName(header.name)
            self.headers.append(Header(name: name, text: header.name, value: Value(header.value, &expressions)))
        }
        for parameter in match.queryParameters {
            self.parameters.append(
                Parameter(name: Array(parameter.name.utf8), value: Value(parameter.value, &expressions)))
        }
    }

    /// What it wants of headers and query parameters.
    var conditions: [Condition] {
        self.headers.map { header in
            let name: StaticString = header.name.text
            let bytes =
                header.name == .other
                ? Array(header.text.utf8)
                : Array(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            return Condition(key: .header(bytes), value: header.value.exact)
        } + self.parameters.map { Condition(key: .parameter($0.name), value: $0.value.exact) }
    }

    /// What stands between the values of a repeated header: `,`, but between cookies, which HTTP/2 may send each in a field of
    /// its own, what HTTP/1.1 has there.
    ///
    /// Source: RFC 9110 §5.3, RFC 9113 §8.2.3.
    private static func separator(isCookie: Bool) -> StaticString { isCookie ? "; " : "," }

    private static func append(_ separator: StaticString, to joined: inout [UInt8]) {
        joined.append(
            contentsOf: UnsafeBufferPointer(start: separator.utf8Start, count: separator.utf8CodeUnitCount))
    }

    /// All values of a header as one list.
    static func joined(_ name: [UInt8], in headers: HeaderBlock) -> [UInt8] {
        var joined: [UInt8] = []
        var isFirst = true
        let separator = self.separator(isCookie: name.elementsEqual("cookie".utf8))
        for index in 0..<headers.count where headers.withName(at: index, { $0.elementsEqual(name) }) {
            if !isFirst { self.append(separator, to: &joined) }
            isFirst = false
            headers.withValue(at: index) { joined.append(contentsOf: $0) }
        }
        return joined
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
        // Repeated: as one list.
        let separator = Self.separator(isCookie: header.name == .cookie)
        var joined = headers.withValue(at: first) { Array($0) }
        while true {
            Self.append(separator, to: &joined)
            headers.withValue(at: next) { joined.append(contentsOf: $0) }
            guard let further = index(from: next + 1) else { break }
            next = further
        }
        return joined.withUnsafeBytes { header.value.matches($0) }
    }

    /// The same by any reading of the method, the headers and the query: whom a policy of a route is about.
    ///
    /// - Parameter headers: the names of the match's headers with their spellings, in its order.
    func matchesAnyReading(
        path: UnsafeRawBufferPointer, _ request: AuthorizationRequest, headers: [AuthorizationHeader]
    ) -> Bool {
        if self.neverMatches { return false }
        if let method = self.method, !request.hasMethod(method, anyCase: true) { return false }
        for (index, header) in self.headers.enumerated()
        where !headers[index].anyReading(in: request.head.headers, header.value.matches) {
            return false
        }
        for parameter in self.parameters where !Self.matches(parameter, request.query, anyOfThem: true) { return false }
        return self.expression?.matches(path) ?? true
    }

    /// The first of a name counts; with `anyOfThem`, each.
    private static func matches(
        _ parameter: Parameter, _ query: UnsafeRawBufferPointer, anyOfThem: Bool = false
    ) -> Bool {
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
                let isMatch = PercentCoding.withDecoded(value) { parameter.value.matches($0) }
                if isMatch || !anyOfThem { return isMatch }
            }
            position = end + 1
        }
        return false
    }
}

/// Compiles each expression of a table once, however many routes hold it.
struct ExpressionCache {
    /// What cannot be honoured, and why.
    private(set) var problems: [String] = []
    private var known: [String: RegularExpression?] = [:]

    /// Nil for what cannot be honoured: it matches nothing.
    mutating func compiled(_ text: String) -> RegularExpression? {
        if let known = self.known[text] { return known }
        do {
            let expression = try RegularExpression(text)
            self.known[text] = expression
            return expression
        } catch {
            self.problems.append("`\(text)`: \(error)")
            self.known[text] = .some(nil)
            return nil
        }
    }
}
