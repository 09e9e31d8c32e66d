/// Who may call: rules for the inbound side of services, enforced by the sidecars of the services themselves.
package struct AuthorizationPolicy: Hashable, Sendable {
    package var metadata: Metadata
    /// Empty: every service of the policy's namespace.
    package var targets: [PolicyTarget]
    package var action: AuthorizationAction
    /// Evaluated and recorded, never enforced.
    package var isAudit: Bool
    /// At most 64. None: an ALLOW that allows nobody, a DENY that denies nobody.
    package var rules: [AuthorizationRule]

    package init(
        metadata: Metadata, targets: [PolicyTarget] = [], action: AuthorizationAction = .allow, isAudit: Bool = false,
        rules: [AuthorizationRule] = []
    ) {
        self.metadata = metadata
        self.targets = targets
        self.action = action
        self.isAudit = isAudit
        self.rules = rules
    }
}

/// What a policy of the inbound side acts on; always in the policy's own namespace.
package enum PolicyTarget: Hashable, Sendable {
    /// A service, or one port of it.
    case service(ServiceName, port: PolicyPort?)
    /// Requests that look like those the route takes, where they arrive.
    case route(ResourceKey)

    /// Whether it means the whole of this port of this service.
    package func covers(_ service: ServiceName, portName: String, port: Int) -> Bool {
        guard case .service(let name, let section) = self, name == service else { return false }
        return section?.covers(name: portName, number: port) ?? true
    }
}

/// One port of a service, by what callers know it by.
package enum PolicyPort: Hashable, Sendable, CustomStringConvertible {
    case name(String)
    case number(Int)

    package func covers(name: String, number: Int) -> Bool {
        switch self {
        case .name(let own): own == name
        case .number(let own): own == number
        }
    }

    package var description: String {
        switch self {
        case .name(let name): name
        case .number(let number): "\(number)"
        }
    }
}
