import Testing
import WeftCompiler
import WeftModel

@Suite struct RouteStatusTests {
    private let billing = ServiceName(namespace: "default", name: "billing")

    private func statuses(
        _ routes: [Resource], speaking appProtocol: AppProtocol = .detect
    ) -> [ResourceKey: [RouteParentStatus]] {
        let service = Service(
            metadata: Metadata(name: "billing"), ports: [Service.Port(port: 80, appProtocol: appProtocol)])
        return Compiler.compile(
            resources: [.service(service)] + routes, workloads: [], trustDomain: .standard, revision: Revision(9)
        ).routeStatuses
    }

    private func stream(
        _ kind: StreamRoute.Kind, _ name: String, createdAt: Int64, hostnames: [String] = []
    ) -> Resource {
        .streamRoute(
            StreamRoute(
                kind: kind, metadata: Metadata(name: name, createdAt: createdAt),
                parents: [RouteParent(service: self.billing)], hostnames: hostnames,
                backends: [RouteBackend(service: self.billing, port: 80)]))
    }

    private func reasons(
        _ statuses: [ResourceKey: [RouteParentStatus]], _ resource: Resource
    ) -> [RouteParentStatus.Reason] {
        (statuses[resource.key] ?? []).flatMap { $0.conditions.map(\.reason) }
    }

    @Test func `of TCPRoutes on one port the oldest is accepted, whatever their order`() {
        let (young, old) = (stream(.tcp, "a", createdAt: 20), stream(.tcp, "b", createdAt: 10))
        for routes in [[young, old], [old, young]] {
            let statuses = self.statuses(routes)
            #expect(self.reasons(statuses, old) == [.accepted, .resolvedRefs])
            #expect(self.reasons(statuses, young) == [.conflicted, .resolvedRefs])
        }
    }

    @Test func `a TLSRoute is accepted as long as it has one name`() {
        let old = stream(.tls, "old", createdAt: 10, hostnames: ["a.example"])
        let half = stream(.tls, "half", createdAt: 20, hostnames: ["A.example", "b.example"])
        let none = stream(.tls, "none", createdAt: 30, hostnames: ["b.example", "a.example"])
        let statuses = self.statuses([none, half, old])
        #expect(self.reasons(statuses, old).first == .accepted)
        #expect(self.reasons(statuses, half).first == .accepted)
        #expect(self.reasons(statuses, none).first == .conflicted)
    }

    @Test(arguments: [
        (AppProtocol.tcp, ResourceKind.httpRoute), (.tls, .httpRoute), (.tcp, .grpcRoute), (.http, .tcpRoute),
        (.h2c, .tcpRoute), (.grpc, .tlsRoute),
    ])
    func `a route that cannot carry what its parent speaks is not accepted`(spoken: AppProtocol, kind: ResourceKind) {
        let metadata = Metadata(name: "r")
        let parents = [RouteParent(service: self.billing)]
        let route: Resource =
            switch kind {
            case .httpRoute: .httpRoute(HTTPRoute(metadata: metadata, parents: parents, rules: []))
            case .grpcRoute: .grpcRoute(GRPCRoute(metadata: metadata, parents: parents, rules: []))
            case .tlsRoute: self.stream(.tls, "r", createdAt: 0, hostnames: ["a.example"])
            default: self.stream(.tcp, "r", createdAt: 0)
            }
        #expect(
            self.reasons(self.statuses([route], speaking: spoken), route) == [.noMatchingParent, .unsupportedProtocol])
        #expect(self.reasons(self.statuses([route]), route).first == .accepted)
    }

    @Test func `a status names the revision that wrote the route`() {
        var metadata = Metadata(name: "r")
        let key = ResourceKey(kind: .httpRoute, namespace: "default", name: "r")
        metadata.provenance = Provenance(resource: key, revision: Revision(4))
        let route = HTTPRoute(
            metadata: metadata, parents: [RouteParent(service: self.billing, port: 80)], rules: [])
        let status = self.statuses([.httpRoute(route)])[key]?.first
        #expect(status?.observedRevision == Revision(4))
        #expect(status?.reference == .init(name: "billing", namespace: "default", port: 80))
    }
}
