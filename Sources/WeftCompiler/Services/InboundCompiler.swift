internal import WeftModel

/// Makes the inbound listeners: one for each port that a workload's sidecar takes traffic for.
enum InboundCompiler {
    static func listeners(_ catalog: ServiceCatalog, mtls: MTLSMode, policies: PolicyIndex) -> [InboundListener] {
        let entries = Dictionary(catalog.entries.map { ($0.name, $0) }) { first, _ in first }
        var selecting: [String: [CatalogEntry]] = [:]
        for entry in catalog.entries {
            for member in entry.members { selecting[member.name, default: []].append(entry) }
        }
        /// The services whose ports lead to this one, by name.
        func leading(to port: Workload.Port, _ member: CatalogWorkload) -> [ServiceName] {
            (selecting[member.name] ?? []).filter { entry in
                entry.ports.contains { $0.target.port(of: member.workload)?.port == port.port }
            }.map(\.name)
        }
        return catalog.workloads.flatMap { member -> [InboundListener] in
            let workload = member.workload
            let namespace = workload.metadata.namespace
            let service = catalog.service(of: member)
            return workload.ports.compactMap { port in
                guard let inbound = port.inboundPort else { return nil }
                let services = [service] + leading(to: port, member).filter { $0 != service }
                var listener = InboundListener(
                    name: InboundListener.name(
                        namespace: namespace, workload: workload.metadata.name, appPort: port.port),
                    service: service, address: workload.address, port: inbound, appPort: port.port,
                    appProtocol: self.appProtocol(of: port, workload, entries[service]),
                    mtls: mtls)
                self.apply(services.map { ($0, policies.effective(service: $0)) }, to: &listener)
                return listener
            }
        }
    }

    /// Puts what the policies of a port's services say on its listener. The workload's own service goes first, then the
    /// others by name: of each value the first that a policy of theirs sets counts; of rate limits, all do.
    private static func apply(
        _ services: [(name: ServiceName, traffic: EffectiveTraffic)], to listener: inout InboundListener
    ) {
        /// The first that a policy of a service sets; else what holds for the whole mesh.
        func first(_ setting: TrafficSetting) -> EffectiveTraffic? {
            let setters = services.filter { $0.traffic.listenerSources[setting] != nil }
            let own = setters.first {
                $0.traffic.listenerSources[setting]?.resource.kind == .trafficPolicy
            }
            guard let found = own ?? setters.first else { return nil }
            listener.sources[setting] = found.traffic.listenerSources[setting]
            return found.traffic
        }
        listener.concurrency = first(.concurrency)?.concurrency.value
        listener.trustsDeadlines = first(.trustDeadlines)?.trustDeadlines.value ?? false
        listener.idleTimeout = first(.idleTimeout)?.idleTimeout.value
        listener.forwarding.trustsCallers = first(.trustForwarded)?.forwarding.trustsCallers ?? false
        listener.forwarding.keepsAddresses = first(.forwardedAddresses)?.forwarding.keepsAddresses ?? false
        listener.forwarding.namesItself = first(.via)?.forwarding.namesItself ?? false
        listener.forwarding.keepsEscapedSlashes = first(.escapedSlashes)?.forwarding.keepsEscapedSlashes ?? false
        for (name, traffic) in services where !traffic.limits.isEmpty {
            if listener.sources[.rateLimits] == nil { listener.sources[.rateLimits] = traffic.rateLimits.source }
            for var limit in traffic.limits {
                // What holds for the whole mesh holds once for each workload.
                if limit.provenance?.resource.kind == .meshSettings, name != listener.service { continue }
                if name != listener.service { limit.service = name }
                listener.rateLimits.append(limit)
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
