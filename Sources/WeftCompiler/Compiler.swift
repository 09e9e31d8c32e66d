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
    /// What became of each route, for each of its parents.
    package let routeStatuses: [ResourceKey: [RouteParentStatus]]
    let routes: RouteSources
    let authorization: AuthorizationIndex
    let externals: [ExternalService]
    let settings: MeshSettings
    let declaredServices: [Service]
    let declaredWorkloads: [Workload]
    let trustDomain: TrustDomain
}

/// Turns what operators wrote and what workloads announced into what every proxy follows. Pure: equal inputs give
/// equal snapshots.
package enum Compiler {
    /// Compiles everything anew.
    ///
    /// - Parameter tokenKeys: the key sets that were fetched for RequestAuthentications; those written into their
    ///   documents need not be in it.
    package static func compile(
        resources: [Resource], workloads: [RegisteredWorkload], trustDomain: TrustDomain, revision: Revision,
        tokenKeys: [TokenKeySource: String] = [:]
    ) -> Compilation {
        var services: [Service] = []
        var declaredWorkloads: [Workload] = []
        var routes = RouteSources()
        var externals: [ExternalService] = []
        var policies: [TrafficPolicy] = []
        var authorizations: [AuthorizationPolicy] = []
        var tokens: [RequestAuthentication] = []
        var peers: [PeerAuthentication] = []
        var settings = MeshSettings()
        for resource in resources {
            switch resource {
            case .service(let service): services.append(service)
            case .workload(let workload): declaredWorkloads.append(workload)
            case .httpRoute(let route): routes.routes.append(AttachedRoute(route))
            case .grpcRoute(let route): routes.routes.append(AttachedRoute(route))
            case .streamRoute(let route): routes.routes.append(AttachedRoute(route))
            case .referenceGrant(let grant): routes.grants.append(grant)
            case .externalService(let service): externals.append(service)
            case .trafficPolicy(let policy): policies.append(policy)
            case .authorizationPolicy(let policy): authorizations.append(policy)
            case .requestAuthentication(let policy): tokens.append(policy)
            case .peerAuthentication(let policy): peers.append(policy)
            case .meshSettings(let value): settings = value
            case .trustDomainFederation: continue
            // Agents follow these, proxies do not.
            case .registrationEntry: continue
            // What is demanded changes no request.
            case .serviceObjective: continue
            }
        }
        routes.crossNamespace = settings.crossNamespaceBackends
        let catalog = ServiceCatalog(
            services: services, declared: declaredWorkloads, registered: workloads, trustDomain: trustDomain)
        let index = PolicyIndex(settings: settings, policies: policies)
        let authorization = AuthorizationIndex(
            settings: settings, policies: authorizations, tokens: tokens, peers: peers, routes: routes,
            tokenKeys: tokenKeys)
        return self.assemble(
            catalog: catalog, policies: index, authorization: authorization, routes: routes, externals: externals,
            settings: settings,
            services: services, declaredWorkloads: declaredWorkloads, trustDomain: trustDomain, revision: revision,
            reusing: nil)
    }

    /// Compiles what depends on the registry, when only that has changed: endpoints, clusters' peers, inbound listeners.
    /// Routes are kept unless a service came or went.
    package static func update(_ previous: Compilation, workloads: [RegisteredWorkload]) -> Compilation {
        let catalog = ServiceCatalog(
            services: previous.declaredServices, declared: previous.declaredWorkloads, registered: workloads,
            trustDomain: previous.trustDomain)
        return self.assemble(
            catalog: catalog, policies: previous.policies, authorization: previous.authorization,
            routes: previous.routes, externals: previous.externals,
            settings: previous.settings, services: previous.declaredServices,
            declaredWorkloads: previous.declaredWorkloads, trustDomain: previous.trustDomain,
            revision: previous.snapshot.revision,
            reusing: catalog.hasSamePorts(as: previous.catalog) ? previous : nil)
    }

    private static func assemble(
        catalog: ServiceCatalog, policies: PolicyIndex, authorization: AuthorizationIndex, routes: RouteSources,
        externals: [ExternalService], settings: MeshSettings, services: [Service], declaredWorkloads: [Workload],
        trustDomain: TrustDomain,
        revision: Revision, reusing previous: Compilation?
    ) -> Compilation {
        var snapshot = MeshSnapshot(revision: revision)
        let names = catalog.entries.flatMap { entry in
            entry.ports.map { ServicePort(service: entry.name, port: $0.number).description }
        }
        let outside = ExternalCatalog(externals, taken: Set(names))
        let attachments = RouteAttachments(routes)
        let inbound = InboundCompiler.listeners(catalog, policies: policies, authorization: authorization)
        let modes = ListenerModes(inbound.listeners, authorization.modes)
        var clear: [Diagnostic] = []
        let compiler = RouteCompiler(attachments: attachments, policies: policies, externals: outside)
        if settings.egress == .allow {
            snapshot.openEgress = OpenEgress(namespaces: Set(catalog.entries.map(\.name.namespace)))
        }
        for entry in catalog.entries {
            for port in entry.ports {
                let servicePort = ServicePort(service: entry.name, port: port.number)
                let name = servicePort.description
                snapshot.listeners[name] = .outbound(name: name, routeConfiguration: name)
                snapshot.clusters[name] = ClusterCompiler.cluster(
                    entry: entry, port: port, policies: policies, modes: modes)
                snapshot.endpoints[name] = ClusterCompiler.endpoints(entry: entry, port: port, modes: modes)
                clear += ClusterCompiler.findings(entry: entry, port: port, modes: modes)
                guard previous == nil else { continue }
                for routes in compiler.configurations(of: entry.name, port: port) {
                    snapshot.routes[routes.name] = routes
                }
            }
        }
        if let previous { snapshot.routes = previous.snapshot.routes }
        outside.add(to: &snapshot, policies: policies)
        let statuses =
            previous?.routeStatuses
            ?? RouteStatusCompiler(attachments: attachments, catalog: catalog, externals: outside).statuses()
        for listener in inbound.listeners {
            snapshot.listeners[listener.name] = .inbound(listener)
        }
        return Compilation(
            snapshot: snapshot,
            diagnostics: catalog.diagnostics + clear + RouteStatusCompiler.findings(statuses, routes)
                + inbound.diagnostics,
            catalog: catalog, policies: policies,
            routeStatuses: statuses,
            routes: routes, authorization: authorization, externals: externals, settings: settings,
            declaredServices: services, declaredWorkloads: declaredWorkloads,
            trustDomain: trustDomain)
    }
}
