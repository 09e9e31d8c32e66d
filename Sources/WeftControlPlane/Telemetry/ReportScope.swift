package import WeftModel

/// What a workload's proxy may report: calls of its own workload, and calls that reached it. What others do, others say:
/// a report decides whom `weft authz propose` allows and whether ports look safe to close.
package struct ReportScope: Hashable, Sendable {
    /// `name.namespace`.
    private let service: String
    private let ports: Set<Int>

    package init(_ workload: Workload) {
        self.service =
            ServiceName(
                namespace: workload.metadata.namespace, name: workload.service ?? workload.account
            ).description
        self.ports = Set(workload.ports.map(\.port))
    }

    package func contains(_ edge: EdgeKey) -> Bool {
        switch edge.direction {
        case .outbound: edge.source == self.service
        case .inbound: edge.destination == self.service
        }
    }

    /// Calls in the clear of a port of an application.
    func contains(_ caller: PlaintextBook.Key) -> Bool {
        caller.destination == self.service && self.ports.contains(caller.port)
    }
}

extension MeshSnapshot {
    /// The authorization policies that a workload's proxy enforces, by name.
    func policies(of workload: Workload) -> Set<String> {
        var names: Set<String> = []
        for port in workload.ports {
            let name = InboundListener.name(
                namespace: workload.metadata.namespace, workload: workload.metadata.name, appPort: port.port)
            guard case .inbound(let listener)? = self.listeners[name] else { continue }
            let authorization = listener.authorization
            names.formUnion(authorization.policies.map { $0.source.resource.description })
            if let settings = authorization.unmatchedSource { names.insert(settings.resource.description) }
        }
        return names
    }
}
