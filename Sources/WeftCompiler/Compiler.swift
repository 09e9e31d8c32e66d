package import WeftModel

/// What compiling gave.
package struct Compilation: Sendable {
    package let snapshot: MeshSnapshot
    /// What the registry and the resources together do not add up to; never errors.
    package let diagnostics: [Diagnostic]
    /// Every service of the mesh, declared or only registered, with its members.
    package let catalog: ServiceCatalog
    /// What each service and route is told about timeouts, retries and balancing, and by whom.
    package let policies: PolicyIndex
    let routes: [HTTPRoute]
    let settings: MeshSettings
    let declaredServices: [Service]
    let declaredWorkloads: [Workload]
    let trustDomain: TrustDomain
}

/// Turns what operators wrote and what workloads announced into what every proxy follows. Pure: equal inputs give
/// equal snapshots.
package enum Compiler {
    /// Compiles everything anew.
    package static func compile(
        resources: [Resource], workloads: [RegisteredWorkload], trustDomain: TrustDomain, revision: Revision
    ) -> Compilation {
        var services: [Service] = []
        var declaredWorkloads: [Workload] = []
        var routes: [HTTPRoute] = []
        var policies: [TrafficPolicy] = []
        var settings = MeshSettings()
        for resource in resources {
            switch resource {
            case .service(let service): services.append(service)
            case .workload(let workload): declaredWorkloads.append(workload)
            case .httpRoute(let route): routes.append(route)
            case .trafficPolicy(let policy): policies.append(policy)
            case .meshSettings(let value): settings = value
            }
        }
        let catalog = ServiceCatalog(
            services: services, declared: declaredWorkloads, registered: workloads, trustDomain: trustDomain)
        let index = PolicyIndex(settings: settings, policies: policies)
        return self.assemble(
            catalog: catalog, policies: index, routes: routes, settings: settings, services: services,
            declaredWorkloads: declaredWorkloads, trustDomain: trustDomain, revision: revision, reusing: nil)
    }

    /// Compiles what depends on the registry, when only that has changed: endpoints, clusters' peers, inbound listeners.
    /// Routes are kept unless a service came or went.
    package static func update(_ previous: Compilation, workloads: [RegisteredWorkload]) -> Compilation {
        let catalog = ServiceCatalog(
            services: previous.declaredServices, declared: previous.declaredWorkloads, registered: workloads,
            trustDomain: previous.trustDomain)
        return self.assemble(
            catalog: catalog, policies: previous.policies, routes: previous.routes, settings: previous.settings,
            services: previous.declaredServices, declaredWorkloads: previous.declaredWorkloads,
            trustDomain: previous.trustDomain, revision: previous.snapshot.revision,
            reusing: catalog.hasSamePorts(as: previous.catalog) ? previous.snapshot : nil)
    }

    private static func assemble(
        catalog: ServiceCatalog, policies: PolicyIndex, routes: [HTTPRoute], settings: MeshSettings,
        services: [Service], declaredWorkloads: [Workload], trustDomain: TrustDomain, revision: Revision,
        reusing previous: MeshSnapshot?
    ) -> Compilation {
        var snapshot = MeshSnapshot(revision: revision)
        let table = RouteAttachments(routes: routes)
        for entry in catalog.entries {
            for port in entry.ports {
                let servicePort = ServicePort(service: entry.name, port: port.number)
                let name = servicePort.description
                snapshot.listeners[name] = .outbound(name: name, routeConfiguration: name)
                snapshot.clusters[name] = ClusterCompiler.cluster(entry: entry, port: port, policies: policies)
                snapshot.endpoints[name] = ClusterCompiler.endpoints(entry: entry, port: port)
                snapshot.routes[name] =
                    previous?.routes[name]
                    ?? RouteCompiler.configuration(
                        servicePort, portName: port.name, attachments: table, policies: policies)
            }
        }
        for listener in InboundCompiler.listeners(catalog, mtls: settings.mtls, policies: policies) {
            snapshot.listeners[listener.name] = .inbound(listener)
        }
        return Compilation(
            snapshot: snapshot, diagnostics: catalog.diagnostics, catalog: catalog, policies: policies, routes: routes,
            settings: settings, declaredServices: services, declaredWorkloads: declaredWorkloads,
            trustDomain: trustDomain)
    }
}
