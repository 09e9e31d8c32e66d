internal import WeftMessage
internal import WeftModel

/// A request as rules look at it.
struct AuthorizationRequest {
    let head: RequestHead
    /// Without the query.
    let path: UnsafeRawBufferPointer
    let query: UnsafeRawBufferPointer
    let claims: TokenClaims?

    /// Calls `body` with the request, its target taken apart.
    static func with<Result>(
        _ head: RequestHead, claims: TokenClaims?, _ body: (AuthorizationRequest) -> Result
    ) -> Result {
        guard let index = head.headers.firstIndex(of: .path) else {
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            return body(AuthorizationRequest(head: head, path: none, query: none, claims: claims))
        }
        return head.headers.withValue(at: index) { target in
            var end = 0
            while end < target.count, target[end] != UInt8(ascii: "?"), target[end] != UInt8(ascii: "#") { end += 1 }
            return body(
                AuthorizationRequest(
                    head: head, path: UnsafeRawBufferPointer(rebasing: target[..<end]),
                    query: UnsafeRawBufferPointer(rebasing: target[min(target.count, end + 1)...]), claims: claims))
        }
    }

    /// Whether the method is one of these.
    func hasMethod(among methods: [[UInt8]]) -> Bool {
        guard let index = self.head.headers.firstIndex(of: .method) else { return false }
        return self.head.headers.withValue(at: index) { method in
            methods.contains { $0.count == method.count && $0.elementsEqual(method) }
        }
    }
}

/// The name of a header that a rule looks at.
struct AuthorizationHeader: Hashable, Sendable {
    let name: FieldName
    /// In lower case.
    let text: [UInt8]

    init(_ text: String) {
        self.name = text == "host" ? .authority : FieldName(text)
        self.text = Array(text.utf8)
    }

    /// Calls `body` with the value: of a repeated header all of them joined, with `,`, of cookies with `; `; nil where it is
    /// not there.
    func withValue<Result>(in headers: HeaderBlock, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard let first = self.index(in: headers, from: 0) else { return body(nil) }
        guard var next = self.index(in: headers, from: first + 1) else { return headers.withValue(at: first, body) }
        var joined = headers.withValue(at: first) { Array($0) }
        while true {
            joined.append(contentsOf: self.name == .cookie ? [UInt8(ascii: ";"), 0x20] : [UInt8(ascii: ",")])
            headers.withValue(at: next) { joined.append(contentsOf: $0) }
            guard let further = self.index(in: headers, from: next + 1) else { break }
            next = further
        }
        return joined.withUnsafeBytes { body($0) }
    }

    /// The first field of this name from `start`.
    func index(in headers: HeaderBlock, from start: Int) -> Int? {
        if self.name != .other { return headers.firstIndex(of: self.name, from: start) }
        for index in start..<max(start, headers.fields.count)
        where headers.fields[index].name == .other && Int(headers.fields[index].nameCount) == self.text.count {
            if headers.withName(at: index, { $0.elementsEqual(self.text) }) { return index }
        }
        return nil
    }
}

/// One rule without its sources, ready to be held against requests.
final class CompiledRule: Sendable {
    struct Operation: Sendable {
        let methods: [[UInt8]]
        let notMethods: [[UInt8]]
        let paths: [CompiledText]
        let notPaths: [CompiledText]

        init(_ operation: AuthorizationOperation) {
            self.methods = operation.methods.map { Array($0.utf8) }
            self.notMethods = operation.notMethods.map { Array($0.utf8) }
            self.paths = operation.paths.map(CompiledText.init)
            self.notPaths = operation.notPaths.map(CompiledText.init)
        }

        func matches(_ request: AuthorizationRequest) -> Bool {
            if !self.methods.isEmpty, !request.hasMethod(among: self.methods) { return false }
            if !self.notMethods.isEmpty, request.hasMethod(among: self.notMethods) { return false }
            let path = request.path
            if !self.paths.isEmpty, !self.paths.contains(where: { $0.matches(path) }) { return false }
            return !self.notPaths.contains { $0.matches(path) }
        }
    }

    struct Condition: Sendable {
        enum Subject: Sendable {
            case header(AuthorizationHeader)
            case claim([String])
        }

        let subject: Subject
        let values: [CompiledText]
        let notValues: [CompiledText]
        /// What is not there holds: nothing but `notValues` is asked for.
        private let holdsWhereAbsent: Bool

        init(_ condition: AuthorizationCondition) {
            self.subject =
                switch condition.subject {
                case .header(let name): .header(AuthorizationHeader(name))
                case .claim(let path): .claim(path)
                }
            self.values = condition.values.map(CompiledText.init)
            self.notValues = condition.notValues.map(CompiledText.init)
            self.holdsWhereAbsent = self.values.isEmpty && !self.notValues.isEmpty
        }

        func matches(_ request: AuthorizationRequest) -> Bool {
            switch self.subject {
            case .header(let header):
                return header.withValue(in: request.head.headers) { value in
                    guard let value else { return self.holdsWhereAbsent }
                    return (self.values.isEmpty || self.values.contains { $0.matches(value) })
                        && !self.notValues.contains { $0.matches(value) }
                }
            case .claim(let path):
                guard let texts = request.claims?.texts(at: path), !texts.isEmpty else { return self.holdsWhereAbsent }
                let holds = self.values.isEmpty || texts.contains { Self.matches($0, self.values) }
                return holds && !texts.contains { Self.matches($0, self.notValues) }
            }
        }

        private static func matches(_ text: String, _ patterns: [CompiledText]) -> Bool {
            var text = text
            return text.withUTF8 { bytes in patterns.contains { $0.matches(UnsafeRawBufferPointer(bytes)) } }
        }
    }

    /// Among all rules of the table, as they are counted.
    let number: Int
    let policy: Int
    /// The place of its sources among the table's; nil: everybody.
    let sources: Int?
    let scope: [CompiledScope]
    let operations: [Operation]
    let conditions: [Condition]

    init(_ rule: AuthorizationRule, number: Int, policy: Int, sources: Int?, scope: [CompiledScope]) {
        self.number = number
        self.policy = policy
        self.sources = sources
        self.scope = scope
        self.operations = rule.to.map(Operation.init)
        self.conditions = rule.when.map(Condition.init)
    }

    /// Nothing of it depends on the request.
    var isUnconditional: Bool { self.scope.isEmpty && self.operations.isEmpty && self.conditions.isEmpty }

    /// Whether all but the sources hold.
    func matches(_ request: AuthorizationRequest) -> Bool {
        if !self.operations.isEmpty {
            var isAsked = false
            for operation in self.operations where operation.matches(request) {
                isAsked = true
                break
            }
            if !isAsked { return false }
        }
        for condition in self.conditions where !condition.matches(request) { return false }
        return CompiledScope.matches(self.scope, request)
    }
}

/// One of the matches that a policy's routes have.
struct CompiledScope: Sendable {
    private enum Path: Sendable {
        case exact([UInt8])
        /// By whole elements, without the slash at its end.
        case elements([UInt8])
        case expression(literal: [UInt8])
    }

    private let path: Path
    private let match: CompiledMatch

    init(_ match: RouteMatch, _ expressions: inout ExpressionCache) {
        self.match = CompiledMatch(match, &expressions)
        switch match.path {
        case .exact(let path): self.path = .exact(Array(path.utf8))
        case .prefix(let prefix):
            var prefix = Array(prefix.utf8)
            while prefix.last == UInt8(ascii: "/") { prefix.removeLast() }
            self.path = .elements(prefix)
        case .regularExpression: self.path = .expression(literal: self.match.literalPrefix ?? [])
        }
    }

    /// What every path of it looks like, for finding it.
    var pattern: CompiledText {
        switch self.path {
        case .exact(let path): .exact(path)
        case .elements(let prefix): .prefix(prefix)
        case .expression(let literal): .prefix(literal)
        }
    }

    func matches(_ request: AuthorizationRequest) -> Bool {
        let path = request.path
        switch self.path {
        case .exact(let exact): guard exact.count == path.count, exact.elementsEqual(path) else { return false }
        case .elements(let prefix):
            guard path.count >= prefix.count, path[..<prefix.count].elementsEqual(prefix),
                path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/") || prefix.isEmpty
            else { return false }
        case .expression: break
        }
        return self.match.matches(path: path, query: request.query, head: request.head)
    }

    /// Whether a request is within: one matches, or there are none.
    static func matches(_ scopes: [CompiledScope], _ request: AuthorizationRequest) -> Bool {
        if scopes.isEmpty { return true }
        for scope in scopes where scope.matches(request) { return true }
        return false
    }
}
