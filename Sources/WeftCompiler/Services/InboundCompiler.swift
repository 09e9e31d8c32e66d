internal import WeftModel

/// Makes the inbound listeners: one for each port that a workload's sidecar takes traffic for.
enum InboundCompiler {
    static func listeners(_ catalog: ServiceCatalog, mtls: MTLSMode, policies: PolicyIndex) -> [InboundListener] {
        catalog.workloads.flatMap { member -> [InboundListener] in
            let workload = member.workload
            let namespace = workload.metadata.namespace
            return workload.ports.compactMap { port in
                guard let inbound = port.inboundPort else { return nil }
                let service = catalog.service(of: member)
                let traffic = policies.effective(service: service)
                var listener = InboundListener(
                    name: InboundListener.name(
                        namespace: namespace, workload: workload.metadata.name, appPort: port.port),
                    service: service,
                    address: workload.address, port: inbound, appPort: port.port, appProtocol: port.appProtocol,
                    mtls: mtls)
                listener.concurrency = traffic.concurrency.value
                listener.rateLimits = traffic.limits
                listener.trustsDeadlines = traffic.trustDeadlines.value
                return listener
            }
        }
    }
}
