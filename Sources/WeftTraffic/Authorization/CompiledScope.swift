internal import WeftMessage
internal import WeftModel

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
    /// The names of the match's headers with their spellings, in its order.
    private let headers: [AuthorizationHeader]

    init(_ match: RouteMatch, _ expressions: inout ExpressionCache) {
        self.match = CompiledMatch(match, &expressions)
        self.headers = match.headers.map { AuthorizationHeader($0.name, folding: true) }
        switch match.path {
        case .exact(let path): self.path = .exact(Array(ComparedPath.canonical(path).utf8))
        case .prefix(let prefix):
            var prefix = Array(ComparedPath.canonical(prefix).utf8)
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

    private func matches(
        _ request: AuthorizationRequest, _ path: UnsafeRawBufferPointer, anyReading: Bool
    ) -> Bool {
        switch self.path {
        case .exact(let exact): guard exact.count == path.count, exact.elementsEqual(path) else { return false }
        case .elements(let prefix):
            guard path.count >= prefix.count, path[..<prefix.count].elementsEqual(prefix),
                path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/") || prefix.isEmpty
            else { return false }
        case .expression: break
        }
        return anyReading
            ? self.match.matchesAnyReading(path: path, request, headers: self.headers)
            : self.match.matches(path: path, query: request.query, head: request.head)
    }

    private func matchesAnyReading(_ request: AuthorizationRequest) -> Bool {
        if self.matches(request, request.path, anyReading: true) { return true }
        if let plain = request.plainPath, self.matches(request, plain, anyReading: true) { return true }
        // Expressions may have been written for escapes.
        guard case .expression = self.path, let sent = request.sentPath else { return false }
        return self.matches(request, sent, anyReading: true)
    }

    /// Whether a request is within: one matches, or there are none.
    ///
    /// - Parameter anyReading: by any reading of its method, path, headers and query, which is how policies apply; what
    ///   allows, goes by what is there to the letter.
    static func matches(_ scopes: [CompiledScope], _ request: AuthorizationRequest, anyReading: Bool) -> Bool {
        if scopes.isEmpty { return true }
        return scopes.contains {
            anyReading ? $0.matchesAnyReading(request) : $0.matches(request, request.path, anyReading: false)
        }
    }
}
