package import WeftModel

/// Which of two matches is tried first.
///
/// Source: Gateway API HTTPRoute precedence. Regular expressions, whose place it leaves open, stand after exact paths and
/// before prefixes, the longest first.
package struct RoutePrecedence: Comparable, Sendable {
    private let pathKind: Int
    private let pathLength: Int
    private let hasMethod: Bool
    private let headers: Int
    private let queryParameters: Int
    private let route: Metadata
    private let rule: Int
    private let match: Int

    /// `rule` and `match` are positions in their lists.
    package init(_ routeMatch: RouteMatch, route: Metadata, rule: Int, match: Int) {
        (self.pathKind, self.pathLength) =
            switch routeMatch.path {
            case .exact(let path): (0, path.utf8.count)
            case .regularExpression(let expression): (1, expression.utf8.count)
            case .prefix(let path): (2, path.utf8.count)
            }
        self.hasMethod = routeMatch.method != nil
        self.headers = routeMatch.headers.count
        self.queryParameters = routeMatch.queryParameters.count
        self.route = route
        self.rule = rule
        self.match = match
    }

    /// Whether `left` is tried before `right`.
    package static func < (left: Self, right: Self) -> Bool {
        if left.pathKind != right.pathKind { return left.pathKind < right.pathKind }
        if left.pathLength != right.pathLength { return left.pathLength > right.pathLength }
        if left.hasMethod != right.hasMethod { return left.hasMethod }
        if left.headers != right.headers { return left.headers > right.headers }
        if left.queryParameters != right.queryParameters { return left.queryParameters > right.queryParameters }
        if left.route.precedes(right.route) { return true }
        if right.route.precedes(left.route) { return false }
        return (left.rule, left.match) < (right.rule, right.match)
    }

    package static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }
}
