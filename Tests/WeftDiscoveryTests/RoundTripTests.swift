import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct RoundTripTests {
    private let encoder = XDSEncoder(dialect: .weft)

    @Test(arguments: [Samples.listener, Samples.inbound])
    func `a listener comes back as it went`(listener: Listener) throws {
        let body = try #require(try self.encoder.encode(listener))
        #expect(try XDSDecoder.decode(.listener, body) == .listener(listener, inlineRoutes: nil))
    }

    @Test func `routes come back as they went, with retries, timeouts and provenance`() throws {
        let body = try self.encoder.encode(Samples.everyRoute)
        #expect(try XDSDecoder.decode(.route, body) == .route(Samples.everyRoute))
    }

    @Test func `a cluster comes back as it went`() throws {
        var cluster = Samples.cluster(connectTimeout: .milliseconds(750))
        cluster.limits.requests = 12
        cluster.retryBudget.window = .seconds(3)
        cluster.loadBalancing = .random
        cluster.appProtocol = .h2c
        cluster.provenance = Samples.provenance
        Samples.fill(&cluster)
        for transport in [Cluster.Transport.plaintext, cluster.transport] {
            cluster.transport = transport
            let decoded = try XDSDecoder.decode(.cluster, try self.encoder.encode(cluster))
            #expect(decoded == .cluster(cluster, endpoints: cluster.name, inlineEndpoints: nil))
        }
    }

    @Test func `filters come back as they went, at routes and at backends, with exact shares`() throws {
        var backend = WeightedCluster(cluster: "b.default:80", weight: 2)
        backend.rewrite = URLRewrite(path: .full("/x"))
        backend.mirrors = [MirroredCluster(cluster: "m.default:80", fraction: Fraction(1, of: 3))]
        var forward = Route(
            name: "f", match: RouteMatch(path: .prefix("/v1")),
            action: .forward([WeightedCluster(cluster: "a.default:80"), backend]))
        forward.rewrite = URLRewrite(hostname: "one.internal", path: .prefix("/"))
        forward.mirrors = [
            MirroredCluster(cluster: "m.default:80"),
            MirroredCluster(cluster: "n.default:80", fraction: Fraction(5)),
            MirroredCluster(cluster: "o.default:80", fraction: Fraction(2, of: 7)),
        ]
        forward.session = SessionPersistence(
            carrier: .header, name: "x-s", absoluteTimeout: .seconds(60), isPermanent: false)
        var whole = forward
        whole.name = "w"
        whole.rewrite = URLRewrite(path: .full("/all\\1"))
        whole.session = SessionPersistence(absoluteTimeout: .seconds(5), isPermanent: true)
        let redirects = [
            RequestRedirect(path: .prefix("/new"), port: 80),
            RequestRedirect(scheme: "https", hostname: "e.org", path: .full("/x"), port: 8443, status: 308),
            RequestRedirect(port: 81, status: 301), RequestRedirect(port: 81, status: 303),
            RequestRedirect(port: 81, status: 307),
        ].map { Route(name: "r", match: RouteMatch(path: .prefix("/old")), action: .redirect($0)) }
        let routes = RouteConfiguration(
            name: Samples.name,
            virtualHosts: [
                VirtualHost(name: "tls", domains: ["*.example.com", "a.example.com"], routes: [forward, whole]),
                VirtualHost(name: "all", domains: ["*"], routes: redirects),
            ])
        #expect(try XDSDecoder.decode(.route, try self.encoder.encode(routes)) == .route(routes))
    }

    @Test func `an Envoy is told of filters in its own words`() throws {
        var strip = Route(
            name: "s", match: RouteMatch(path: .prefix("/v.1")),
            action: .forward([WeightedCluster(cluster: "a.default:80")]))
        strip.rewrite = URLRewrite(hostname: "h", path: .prefix("/"))
        strip.mirrors = [MirroredCluster(cluster: "m", fraction: Fraction(1, of: 8))]
        let moved = Route(
            name: "m", match: RouteMatch(path: .prefix("/")),
            action: .redirect(RequestRedirect(scheme: "https", path: .prefix("/new"), port: 443, status: 301)))
        let body = try XDSEncoder(dialect: .envoy).encode(
            RouteConfiguration(
                name: Samples.name,
                virtualHosts: [VirtualHost(name: "all", domains: ["*"], routes: [strip, moved])]))
        let routes = try Envoy_Config_Route_V3_RouteConfiguration(serializedBytes: body.value).virtualHosts[0].routes
        #expect(routes[0].route.regexRewrite.pattern.regex == "^/v\\.1/*")
        #expect(routes[0].route.regexRewrite.substitution == "/")
        #expect(routes[0].route.hostRewriteLiteral == "h")
        let mirror = routes[0].route.requestMirrorPolicies[0]
        #expect(mirror.disableShadowHostSuffixAppend && mirror.runtimeFraction.defaultValue.numerator == 125_000)
        #expect(mirror.runtimeFraction.defaultValue.denominator == .million)
        #expect(routes[1].redirect.prefixRewrite == "/new/" && routes[1].redirect.portRedirect == 0)
        #expect(routes[1].redirect.schemeRedirect == "https" && routes[1].redirect.responseCode == .movedPermanently)
    }

    @Test(arguments: [Dialect.weft, .envoy])
    func `a destination outside comes back as it went: name, port, and what it has to prove`(dialect: Dialect) throws {
        for tls in [
            nil, TLSOrigination(serverName: "api.example.com"),
            TLSOrigination(serverName: "e", names: ["a", "b"], rootsFile: "/r.pem"),
        ] {
            let cluster = Cluster(
                name: "api.example.com:80", service: ServiceName(namespace: "default", name: "out"),
                transport: tls.map { .tls($0) } ?? .plaintext,
                resolution: DNSResolution(host: "api.example.com", port: 443))
            guard
                case .cluster(let decoded, _, let inline) = try XDSDecoder.decode(
                    .cluster, try XDSEncoder(dialect: dialect).encode(cluster))
            else { return #expect(Bool(false)) }
            #expect(decoded.transport == cluster.transport && decoded.resolution == cluster.resolution)
            if dialect == .weft { #expect(decoded == cluster) }
            #expect(inline == ClusterEndpoints(cluster: cluster.name, endpoints: []))
        }
    }

    @Test func `endpoints come back as they went, across localities`() throws {
        var endpoints = Samples.endpoints(ports: [20001, 20002, 20003])
        endpoints.endpoints[1].locality = Locality(region: "r", zone: "z", subZone: "s")
        endpoints.endpoints[2].weight = 9
        endpoints.endpoints[2].identity = nil
        #expect(try XDSDecoder.decode(.endpoints, try self.encoder.encode(endpoints)) == .endpoints(endpoints))
        let none = ClusterEndpoints(cluster: "c", endpoints: [])
        #expect(try XDSDecoder.decode(.endpoints, try self.encoder.encode(none)) == .endpoints(none))
    }

    @Test func `equal values have equal bytes, and so equal versions`() throws {
        let first = ServedResource(name: "a", body: try self.encoder.encode(Samples.everyRoute))
        let second = ServedResource(name: "a", body: try self.encoder.encode(Samples.everyRoute))
        #expect(first.version == second.version)
        #expect(first.version.count == 16)
    }

    @Test func `what Envoy is told means the same when read without our extensions`() throws {
        let body = try XDSEncoder(dialect: .envoy).encode(Samples.everyRoute)
        guard case .route(let routes) = try XDSDecoder.decode(.route, body) else {
            Issue.record("not routes")
            return
        }
        let route = try #require(routes.virtualHosts.first?.routes.first)
        let original = try #require(Samples.everyRoute.virtualHosts.first?.routes.first)
        #expect(route.match == original.match)
        #expect(route.action == original.action)
        #expect(route.timeouts == original.timeouts)
        #expect(route.retry.attempts == 3)
        #expect(route.retry.statuses.isSuperset(of: [500, 503]))
        #expect(route.retry.grpcStatuses == [14])
    }

    @Test func `an Envoy reaches every service through one listener, by each of its names`() throws {
        let encoder = XDSEncoder(dialect: .envoy)
        let body = try encoder.envoyOutboundRoutes(
            name: "outbound", of: [Samples.routes(to: ["a"]), Samples.routes(to: ["b"], name: "x.other:9000")],
            namespace: "default")
        let routes = try Envoy_Config_Route_V3_RouteConfiguration(serializedBytes: body.value)
        #expect(
            routes.virtualHosts.map(\.domains) == [
                [
                    "billing.default:80", "billing.default.mesh:80", "billing:80", "billing.default",
                    "billing.default.mesh", "billing",
                ],
                ["x.other:9000", "x.other.mesh:9000"],
            ])
        #expect(try encoder.encode(Samples.listener) == nil)
    }

    @Test func `a gRPC client is never sent what it refuses`() throws {
        let encoder = XDSEncoder(dialect: .grpc)
        let routes = try Envoy_Config_Route_V3_RouteConfiguration(
            serializedBytes: try encoder.encode(Samples.everyRoute).value)
        let matches = routes.virtualHosts.flatMap(\.routes).map(\.match)
        #expect(matches.allSatisfy { $0.pathSeparatedPrefix.isEmpty && $0.queryParameters.isEmpty })
        let cluster = try Envoy_Config_Cluster_V3_Cluster(
            serializedBytes: try encoder.encode(Samples.cluster()).value)
        #expect(cluster.type == .eds)
        #expect(cluster.lbPolicy == .roundRobin)
        let tls = try Envoy_Extensions_TransportSockets_Tls_V3_UpstreamTlsContext(
            serializedBytes: cluster.transportSocket.typedConfig.value)
        #expect(!tls.commonTlsContext.hasTlsParams)
        // The only list of names that gRPC checks.
        let checked = tls.commonTlsContext.combinedValidationContext.defaultValidationContext.matchSubjectAltNames
        #expect(checked.map(\.exact) == ["spiffe://mesh.local/ns/default/sa/billing"])
        let assignment = try Envoy_Config_Endpoint_V3_ClusterLoadAssignment(
            serializedBytes: try encoder.encode(Samples.endpoints()).value)
        #expect(assignment.endpoints.allSatisfy { $0.hasLocality && $0.loadBalancingWeight.value >= 1 })
    }

    @Test func `a cluster that says TLS and no peer is refused`() throws {
        let cluster = Cluster(name: "c", service: Samples.billing, transport: .mutualTLS(peers: []))
        let body = try self.encoder.encode(cluster)
        #expect(throws: XDSDecodingError.self) { try XDSDecoder.decode(.cluster, body) }
    }
}
