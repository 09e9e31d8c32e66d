internal import WeftModel

/// What the patterns of one part of a rule say of a path or a value that applications may read in several ways.
///
/// A rule that denies looks for a reading that it takes and does not exclude; one that allows takes what is there to the
/// letter, and no reading may be excluded.
struct RequestReading {
    let isTaken: Bool
    /// What excludes it; nil where nothing does.
    let exclusion: TextPattern?

    private init(isTaken: Bool, exclusion: TextPattern?) {
        self.isTaken = isTaken
        self.exclusion = exclusion
    }

    /// - Parameters:
    ///   - letter: what is there; nil takes the absent for taken, where nothing is asked for.
    ///   - readings: all ways of reading it.
    private init(
        _ patterns: [TextPattern], not exclusions: [TextPattern], letter: String?, readings: [String],
        _ action: AuthorizationAction
    ) {
        func takes(_ text: String) -> Bool { patterns.isEmpty || patterns.contains { $0.matches(text) } }
        func excluding(_ text: String) -> TextPattern? { exclusions.first { $0.matches(text) } }
        switch action {
        case .allow:
            self.isTaken = letter.map(takes) ?? patterns.isEmpty
            self.exclusion = readings.compactMap(excluding).first
        case .deny:
            let taken = readings.filter(takes)
            self.isTaken = !taken.isEmpty
            self.exclusion = taken.contains { excluding($0) == nil } ? nil : taken.compactMap(excluding).first
        }
    }

    // MARK: Paths

    init(
        _ operation: AuthorizationOperation, _ request: AuthorizationQuestion.Request, _ action: AuthorizationAction
    ) {
        let path = ComparedPath.canonical(request.path)
        let plain = ComparedPath.withoutParameters(path)
        let paths = operation.paths.map(\.compared).filter { pattern in
            // What ends in a parameter ends otherwise for others.
            guard action == .allow, let plain, case .suffix(let end) = pattern, !end.contains(";") else { return true }
            return pattern.matches(plain)
        }
        guard !paths.isEmpty || operation.paths.isEmpty else {
            self.init(isTaken: false, exclusion: nil)
            return
        }
        self.init(
            paths, not: operation.notPaths.map(\.compared), letter: path, readings: [path] + (plain.map { [$0] } ?? []),
            action)
    }

    // MARK: Values

    /// Nil where the header is not there.
    init?(
        _ condition: AuthorizationCondition, header: String, _ request: AuthorizationQuestion.Request,
        _ action: AuthorizationAction
    ) {
        let letter = Self.letter(header, request)
        let readings = Self.readings(header, request)
        let isForbiddenOnly = condition.values.isEmpty && !condition.notValues.isEmpty
        if letter == nil, action == .deny ? readings.isEmpty || isForbiddenOnly : !isForbiddenOnly || readings.isEmpty {
            return nil
        }
        self.init(condition.values, not: condition.notValues, letter: letter, readings: readings, action)
    }

    private static func separator(_ header: String) -> String { header == "cookie" ? "; " : "," }

    /// The value of that very name; nil where it is not there.
    private static func letter(_ header: String, _ request: AuthorizationQuestion.Request) -> String? {
        guard let values = request.headers[header], !values.isEmpty else { return nil }
        return values.joined(separator: self.separator(header))
    }

    /// All that a reader may take for the value; empty where it is not there.
    private static func readings(_ header: String, _ request: AuthorizationQuestion.Request) -> [String] {
        func folded(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }
        let separator = self.separator(header)
        let spelled = request.headers.filter { folded($0.key) == folded(header) }.sorted { $0.key < $1.key }
        let lines = spelled.flatMap(\.value)
        if lines.isEmpty { return [] }
        let elements = lines.flatMap { self.elements(of: $0, isCookie: header == "cookie") }
        let dashed = request.headers[folded(header)].map { [$0.joined(separator: separator)] } ?? []
        return dashed + [lines.joined(separator: separator)] + lines + elements
    }

    private static func elements(of line: String, isCookie: Bool) -> [String] {
        let parts = line.utf8.split { $0 == UInt8(ascii: ",") || isCookie && $0 == UInt8(ascii: ";") }
        return parts.map { part in
            var part = part
            while let first = part.first, first == 0x20 || first == 0x09 { part.removeFirst() }
            while let last = part.last, last == 0x20 || last == 0x09 { part.removeLast() }
            return String(decoding: part, as: UTF8.self)
        }.filter { !$0.isEmpty }
    }

    /// A claim: any of its elements.
    init(_ condition: AuthorizationCondition, claims: [String]) {
        self.isTaken =
            condition.values.isEmpty || condition.values.contains { claims.contains(where: $0.matches) }
        self.exclusion = condition.notValues.first { claims.contains(where: $0.matches) }
    }

    // MARK: Routes

    /// - Parameter anyReading: by any reading of the method, the path, the headers and the query; else by what is there to
    ///   the letter.
    static func matches(_ match: RouteMatch, _ request: AuthorizationQuestion.Request, anyReading: Bool) -> Bool {
        if let method = match.method, method != (anyReading ? request.method.uppercased() : request.method) {
            return false
        }
        let path = ComparedPath.canonical(request.path)
        let others = anyReading ? ComparedPath.withoutParameters(path).map { [$0] } ?? [] : []
        let isPath =
            switch match.path {
            case .exact(let exact): ([path] + others).contains(ComparedPath.canonical(exact))
            case .prefix(let prefix): ([path] + others).contains { self.isBelow(prefix, $0) }
            case .regularExpression(let text):
                ([path] + others + (anyReading ? [request.path] : [])).contains { self.matches(text, $0) }
            }
        guard isPath else { return false }
        for header in match.headers {
            let values =
                anyReading ? self.readings(header.name, request) : self.letter(header.name, request).map { [$0] } ?? []
            if !values.contains(where: { self.matches(header.value, $0) }) { return false }
        }
        for parameter in match.queryParameters {
            let values = request.query[parameter.name] ?? []
            if !values.prefix(anyReading ? .max : 1).contains(where: { self.matches(parameter.value, $0) }) {
                return false
            }
        }
        return true
    }

    private static func isBelow(_ prefix: String, _ path: String) -> Bool {
        let prefix = ComparedPath.canonical(prefix)
        let trimmed = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        return path == trimmed || path.hasPrefix(trimmed + "/")
    }

    private static func matches(_ match: StringMatch, _ value: String) -> Bool {
        switch match {
        case .exact(let exact): return exact == value
        case .regularExpression(let text): return self.matches(text, value)
        case .present: return true
        }
    }

    private static func matches(_ expression: String, _ text: String) -> Bool {
        guard let expression = try? RegularExpression(expression) else { return false }
        return expression.matches(text)
    }
}
