package import WeftModel

/// One service with its ports and everyone behind it.
package struct CatalogEntry: Hashable, Sendable {
    package let name: ServiceName
    /// In the order of the document; sorted by number for a service that nobody declared.
    package let ports: [Port]
    /// All members, ready or not, sorted by name.
    package let members: [CatalogWorkload]
    /// Those that would be members if the labels they claim were attested, sorted by name. They get no call; policies of
    /// the service hold for them all the same.
    package var claimants: [CatalogWorkload] = []
    /// Nil for a service that exists because workloads registered for it.
    package let provenance: Provenance?
    /// Who a workload is that registers for this service without naming an account: the service's own name.
    package let expectedIdentity: SPIFFEID

    package struct Port: Hashable, Sendable {
        package let name: String
        /// The port callers use.
        package let number: Int
        package let target: Target
        package let appProtocol: AppProtocol
    }

    /// Which of a workload's ports a service's port leads to.
    package enum Target: Hashable, Sendable {
        /// The first.
        case first
        /// The one of that number; the only one there is, where `orOnly` allows it.
        case number(Int, orOnly: Bool)
        /// The one of that name; the only one there is, where `orOnly` allows it and it has no name.
        case name(String, orOnly: Bool)

        func port(of workload: Workload) -> Workload.Port? {
            let only = workload.ports.count == 1 ? workload.ports.first : nil
            return switch self {
            case .first: workload.ports.first
            case .number(let number, let orOnly):
                workload.ports.first { $0.port == number } ?? (orOnly ? only : nil)
            case .name(let name, let orOnly):
                workload.ports.first { $0.name == name } ?? (orOnly && only?.name.isEmpty == true ? only : nil)
            }
        }
    }
}

/// One workload as the compiler sees it, registered or declared.
package struct CatalogWorkload: Hashable, Sendable {
    package let workload: Workload
    package let readiness: RegisteredWorkload.Readiness
    package let identity: SPIFFEID
    /// What its labels are good for.
    package let claims: LabelClaims

    /// `namespace/name`.
    package var name: String { "\(self.workload.metadata.namespace)/\(self.workload.metadata.name)" }
}
