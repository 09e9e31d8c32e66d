/// What a caller of the API may do; each includes those before it.
package enum APIRole: String, Hashable, Sendable, RequestWord, Comparable {
    /// Reads configuration, status, metrics.
    case viewer
    /// Also applies and deletes what routes and shapes traffic.
    case `operator`
    /// Also tokens, the audit log, and the resources that decide who is trusted and who may call.
    case admin

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .operator: 1
        case .admin: 2
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
