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
