package import WeftModel

/// How specific a match is: compared from the first number on, the larger goes first.
package struct RouteRank: Hashable, Sendable {
    fileprivate let numbers: [Int]

    /// Source: Gateway API HTTPRoute precedence. Regular expressions, whose place it leaves open, stand after exact paths
    /// and before prefixes, the longest first.
    package init(_ match: RouteMatch) {
        let (kind, length) =
            switch match.path {
            case .exact(let path): (2, path.utf8.count)
            case .regularExpression(let expression): (1, expression.utf8.count)
            case .prefix(let path): (0, path.utf8.count)
            }
        self.numbers = [
            kind, length, match.method == nil ? 0 : 1, match.headers.count, match.queryParameters.count,
        ]
    }

    /// Source: Gateway API GRPCRoute precedence. Of names of equal length the exact one goes before the expression.
    package init(_ match: GRPCRouteMatch) {
        func isExact(_ match: StringMatch?) -> Int { if case .exact = match { 1 } else { 0 } }
        let (service, method) = match.specificity
        self.numbers = [service, method, match.headers.count, isExact(match.service), isExact(match.method)]
    }
}

/// Which of two matches is tried first: the more specific, else that of the older route, else the first in its route.
package struct RoutePrecedence: Comparable, Sendable {
    private let rank: RouteRank
    private let route: Metadata
    private let rule: Int
    private let match: Int

    /// `rule` and `match` are positions in their lists.
    package init(_ rank: RouteRank, route: Metadata, rule: Int, match: Int) {
        self.rank = rank
        self.route = route
        self.rule = rule
        self.match = match
    }

    package init(_ match: RouteMatch, route: Metadata, rule: Int, match position: Int) {
        self.init(RouteRank(match), route: route, rule: rule, match: position)
    }

    /// Whether `left` is tried before `right`.
    package static func < (left: Self, right: Self) -> Bool {
        for (mine, theirs) in zip(left.rank.numbers, right.rank.numbers) where mine != theirs { return mine > theirs }
        if left.route.precedes(right.route) { return true }
        if right.route.precedes(left.route) { return false }
        return (left.rule, left.match) < (right.rule, right.match)
    }

    package static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }
}
