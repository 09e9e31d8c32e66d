internal import WeftModel

/// Makes the inbound listeners: one for each port that a workload's sidecar takes traffic for.
enum InboundCompiler {
    static func listeners(_ catalog: ServiceCatalog, mtls: MTLSMode, policies: PolicyIndex) -> [InboundListener] {
        let entries = Dictionary(catalog.entries.map { ($0.name, $0) }) { first, _ in first }
        return catalog.workloads.flatMap { member -> [InboundListener] in
            let workload = member.workload
            let namespace = workload.metadata.namespace
            let service = catalog.service(of: member)
            return workload.ports.compactMap { port in
                guard let inbound = port.inboundPort else { return nil }
                let traffic = policies.effective(service: service)
                var listener = InboundListener(
                    name: InboundListener.name(
                        namespace: namespace, workload: workload.metadata.name, appPort: port.port),
                    service: service, address: workload.address, port: inbound, appPort: port.port,
                    appProtocol: self.appProtocol(of: port, workload, entries[service]),
                    mtls: mtls)
                listener.concurrency = traffic.concurrency.value
                listener.rateLimits = traffic.limits
                listener.trustsDeadlines = traffic.trustDeadlines.value
                listener.sources = traffic.listenerSources
                return listener
            }
        }
    }

    /// What the workload says; else what the service says of the port of its own that leads there.
    private static func appProtocol(
        of port: Workload.Port, _ workload: Workload, _ entry: CatalogEntry?
    ) -> AppProtocol {
        guard port.appProtocol == .detect, let entry else { return port.appProtocol }
        let leading = entry.ports.first {
            $0.appProtocol != .detect && $0.target.port(of: workload)?.port == port.port
        }
        return leading?.appProtocol ?? .detect
    }
}
