/// What became of a route, for one of its parents.
///
/// Source: Gateway API `RouteParentStatus`.
package struct RouteParentStatus: Hashable, Sendable, Codable {
    /// `name.namespace`, with `:port` where the reference names one.
    package var parent: String
    /// The Service of the route's own reference, and what else that names.
    package var reference: Reference
    /// The revision that wrote the route of which this is said; zero before it is stored.
    package var observedRevision: Revision
    /// In the order Accepted, ResolvedRefs.
    package var conditions: [Condition]

    package init(_ parent: RouteParent, observedRevision: Revision = .zero, conditions: [Condition]) {
        if let port = parent.port {
            self.parent = "\(parent.service):\(port)"
        } else {
            self.parent = parent.portName.map { "\(parent.service) (\($0))" } ?? parent.service.description
        }
        self.reference = Reference(
            name: parent.service.name, namespace: parent.service.namespace, port: parent.port,
            sectionName: parent.portName)
        self.observedRevision = observedRevision
        self.conditions = conditions
    }

    /// A `parentRef` of group `""` and kind `Service`, as the route's document has it.
    package struct Reference: Hashable, Sendable, Codable {
        package var name: String
        package var namespace: String
        package var port: Int?
        package var sectionName: String?

        package init(name: String, namespace: String, port: Int? = nil, sectionName: String? = nil) {
            self.name = name
            self.namespace = namespace
            self.port = port
            self.sectionName = sectionName
        }
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
        /// A route of a kind that goes before it, or an older one of its kind, holds the same port or server names.
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
