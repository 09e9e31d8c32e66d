/// What became of a route, for one of its parents.
///
/// Source: Gateway API `RouteParentStatus`.
package struct RouteParentStatus: Hashable, Sendable, Codable {
    /// `name.namespace`, with `:port` where the reference names one.
    package var parent: String
    /// In the order Accepted, ResolvedRefs.
    package var conditions: [Condition]

    package init(parent: String, conditions: [Condition]) {
        self.parent = parent
        self.conditions = conditions
    }

    package struct Condition: Hashable, Sendable, Codable {
        package var type: ConditionType
        package var isTrue: Bool
        package var reason: Reason
        /// In words; empty where the reason says all.
        package var message: String

        package init(_ type: ConditionType, _ isTrue: Bool, _ reason: Reason, _ message: String = "") {
            self.type = type
            self.isTrue = isTrue
            self.reason = reason
            self.message = message
        }
    }

    package enum ConditionType: String, Hashable, Sendable, Codable, CaseIterable {
        /// The route takes calls of the parent.
        case accepted = "Accepted"
        /// Everything it refers to is there and may be used.
        case resolvedRefs = "ResolvedRefs"
    }

    package enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
        case accepted = "Accepted"
        /// There is no such Service, or it has no such port.
        case noMatchingParent = "NoMatchingParent"
        /// A route of a kind that goes before it holds the same port.
        case conflicted = "Conflicted"
        case resolvedRefs = "ResolvedRefs"
        case refNotPermitted = "RefNotPermitted"
        case backendNotFound = "BackendNotFound"
        /// The port speaks what the route's kind cannot carry.
        case unsupportedProtocol = "UnsupportedProtocol"
    }

    /// Whether nothing is wrong.
    package var isWell: Bool { self.conditions.allSatisfy(\.isTrue) }
}
