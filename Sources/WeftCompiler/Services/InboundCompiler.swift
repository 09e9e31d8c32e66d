internal import WeftModel

/// Makes the inbound listeners: one for each port that a workload's sidecar takes traffic for.
enum InboundCompiler {
    /// The listeners, and what cannot act on one of them as it was meant.
    static func listeners(
        _ catalog: ServiceCatalog, policies: PolicyIndex, authorization: AuthorizationIndex
    ) -> (listeners: [InboundListener], diagnostics: [Diagnostic]) {
        let entries = Dictionary(catalog.entries.map { ($0.name, $0) }) { first, _ in first }
        var selecting: [String: [CatalogEntry]] = [:]
        var claimed: [String: [CatalogEntry]] = [:]
        for entry in catalog.entries {
            for member in entry.members { selecting[member.name, default: []].append(entry) }
            for claimant in entry.claimants { claimed[claimant.name, default: []].append(entry) }
        }
        /// Of some services those whose ports lead to this one, by name.
        func leading(
            _ services: [CatalogEntry]?, to port: Workload.Port, _ member: CatalogWorkload
        ) -> [AuthorizationIndex.Place] {
            (services ?? []).compactMap { entry in
                let ports = entry.ports.filter { $0.target.port(of: member.workload)?.port == port.port }
                return ports.isEmpty ? nil : AuthorizationIndex.Place(service: entry.name, ports: ports)
            }
        }
        // Replicas enforce the same.
        var enforced: [[AuthorizationIndex.Place]: Authorization] = [:]
        let listeners = catalog.workloads.flatMap { member -> [InboundListener] in
            let workload = member.workload
            let namespace = workload.metadata.namespace
            let service = catalog.service(of: member)
            return workload.ports.compactMap { port in
                guard let inbound = port.inboundPort else { return nil }
                let behind = leading(selecting[member.name], to: port, member)
                let own =
                    behind.first { $0.service == service } ?? AuthorizationIndex.Place(service: service, ports: [])
                let places = [own] + behind.filter { $0.service != service }
                let mode = self.mode(places, authorization.modes)
                var listener = InboundListener(
                    name: InboundListener.name(
                        namespace: namespace, workload: workload.metadata.name, appPort: port.port),
                    service: service, address: workload.address, port: inbound, appPort: port.port,
                    appProtocol: self.appProtocol(of: port, workload, entries[service]),
                    mtls: mode.mode)
                listener.mtlsSource = mode.source
                // Who says that it serves a Service is under its rules, attested or not: proof opens, and its want closes.
                let ruled = places + leading(claimed[member.name], to: port, member)
                let rules = enforced[ruled] ?? authorization.authorization(ruled)
                enforced[ruled] = rules
                listener.authorization = rules
                self.apply(
                    places.map { ($0.service, policies.effective(service: $0.service)) }, to: &listener)
                return listener
            }
        }
        return (listeners, listeners.flatMap(self.findings) + self.unproved(listeners))
    }

    /// The narrowest word counts; between services, the workload's own before the others.
    private static func mode(_ places: [AuthorizationIndex.Place], _ modes: PeerModes) -> PeerModes.Choice {
        var service: PeerModes.Choice?
        for place in places {
            for port in place.ports {
                guard let own = modes.own(place.service, portName: port.name, port: port.number) else { continue }
                if own.isPort { return own.choice }
                service = service ?? own.choice
            }
            service = service ?? modes.own(place.service)
        }
        return service ?? modes.wide(places.first?.service.namespace ?? "default")
    }

    /// What only shows once workloads say what they speak.
    private static func findings(_ listener: InboundListener) -> [Diagnostic] {
        guard !listener.appProtocol.allowsRequests else { return [] }
        let sources =
            listener.authorization.policies.filter { !$0.scope.isEmpty || $0.rules.contains(where: \.needsHTTP) }
            .map(\.source) + listener.authorization.issuers.map(\.source)
        var seen: Set<ResourceKey> = []
        return sources.filter { seen.insert($0.resource).inserted }.map { source in
            Diagnostic(
                .warning,
                "the policy looks at requests, and \(listener.name) passes \(listener.appProtocol.rawValue) on as "
                    + "bytes: what it allows is denied there, and what it may deny is denied",
                remedy: "Name the ports that speak HTTP with sectionName, or correct the port's appProtocol.",
                file: source.file, line: source.line, resource: source.resource.description)
        }
    }

    /// Rules about claims where no token is believed: what was deleted may have left them so. Each policy once for a port.
    private static func unproved(_ listeners: [InboundListener]) -> [Diagnostic] {
        struct Place: Hashable {
            let policy: ResourceKey
            let service: ServiceName
            let port: Int
        }
        var seen: Set<Place> = []
        return listeners.flatMap { listener in
            listener.authorization.policies.filter { policy in
                policy.rules.contains(where: \.asksForClaims) && !listener.authorization.believesTokens(for: policy)
                    && seen.insert(
                        Place(policy: policy.source.resource, service: listener.service, port: listener.appPort)
                    ).inserted
            }.map { policy in
                Diagnostic(
                    policy.isAudit ? .warning : .error,
                    "\(policy.source.resource.name) asks for a claim, and no RequestAuthentication has a token believed "
                        + "at port \(listener.appPort) of \(listener.service): "
                        + (policy.action == .deny ? "it denies nobody by it" : "it allows nobody by it"),
                    remedy: "Apply a RequestAuthentication for the same target, with the issuer of the tokens.",
                    file: policy.source.file, line: policy.source.line, resource: policy.source.resource.description)
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
