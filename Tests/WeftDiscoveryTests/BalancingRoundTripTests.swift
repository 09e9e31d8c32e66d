import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftModel
import WeftProtos

@Suite struct BalancingRoundTripTests {
    private struct OtherKind: Error {}

    private func decode(_ cluster: Cluster, _ dialect: Dialect = .weft) throws -> Cluster {
        let body = try XDSEncoder(dialect: dialect).encode(cluster)
        guard case .cluster(let decoded, _, _) = try XDSDecoder.decode(.cluster, body) else {
            throw OtherKind()
        }
        return decoded
    }

    @Test(arguments: [
        HealthCheckPolicy.Probe.tcp, .grpc(service: ""), .grpc(service: "a.B"), .http(path: "/", statuses: []),
    ])
    func `every kind of health check comes back as it went, to Envoy too`(probe: HealthCheckPolicy.Probe) throws {
        var cluster = Samples.cluster()
        cluster.healthCheck = HealthCheckPolicy(probe)
        #expect(try self.decode(cluster).healthCheck == cluster.healthCheck)
        #expect(try self.decode(cluster, .envoy).healthCheck == cluster.healthCheck)
    }

    @Test(arguments: [AffinityKey.header("x-user"), .query("u"), .source, .cookie(name: "c", ttl: nil)])
    func `every key comes back as it went, on clusters and routes`(key: AffinityKey) throws {
        var cluster = Samples.cluster()
        cluster.loadBalancing = .ringHash
        cluster.balancing.hashKey = key
        #expect(try self.decode(cluster) == cluster)
        var routes = Samples.everyRoute
        routes.virtualHosts[0].routes[0].stickyCohort = key
        routes.virtualHosts[0].routes[0].hashKey = .header("x-other")
        for dialect in [Dialect.weft, .envoy] {
            let body = try XDSEncoder(dialect: dialect).encode(routes)
            guard case .route(let decoded) = try XDSDecoder.decode(.route, body) else { throw OtherKind() }
            #expect(decoded.virtualHosts[0].routes[0].stickyCohort == key)
            #expect(decoded.virtualHosts[0].routes[0].hashKey == .header("x-other"))
        }
    }

    @Test func `an inbound listener's limit comes back as it went`() throws {
        guard case .inbound(var inbound) = Samples.inbound else { throw OtherKind() }
        var policy = ConcurrencyPolicy()
        policy.percentile = 90
        policy.minRTTRequests = 7
        inbound.concurrency = policy
        inbound.sources = [
            .concurrency: Provenance(
                resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "billing"),
                revision: Revision(3), file: "mesh.yaml", line: 7)
        ]
        let body = try #require(try XDSEncoder(dialect: .weft).encode(.inbound(inbound)))
        #expect(try XDSDecoder.decode(.listener, body) == .listener(.inbound(inbound), inlineRoutes: nil))
    }

    @Test func `Envoy is told in its own words what it can do`() throws {
        var cluster = Samples.cluster()
        Samples.fill(&cluster)
        for algorithm in LoadBalancing.allCases {
            cluster.loadBalancing = algorithm
            let decoded = try self.decode(cluster, .envoy)
            #expect(decoded.loadBalancing == (algorithm == .peakEWMA ? .leastRequest : algorithm))
            #expect(decoded.outliers == cluster.outliers)
            #expect(decoded.healthCheck == cluster.healthCheck)
            #expect(decoded.balancing.panicThreshold == 20)
            #expect(decoded.limits == cluster.limits)
            if [.peakEWMA, .leastRequest, .roundRobin].contains(algorithm) {
                #expect(decoded.balancing.slowStart == .seconds(30))
            }
        }
        cluster.outliers.isEnabled = false
        #expect(try self.decode(cluster, .envoy).outliers.isEnabled == false)
    }

    @Test func `a gRPC client gets a ring for a hash, and header keys alone`() throws {
        let encoder = XDSEncoder(dialect: .grpc)
        var cluster = Samples.cluster()
        cluster.loadBalancing = .maglev
        let message = try Envoy_Config_Cluster_V3_Cluster(serializedBytes: try encoder.encode(cluster).value)
        #expect(message.lbPolicy == .ringHash)
        #expect(message.hasOutlierDetection && message.healthChecks.isEmpty)
        var routes = Samples.everyRoute
        routes.virtualHosts[0].routes[2].hashKey = .cookie(name: "c", ttl: nil)
        routes.virtualHosts[0].routes[3].hashKey = .header("x-user")
        let configuration = try Envoy_Config_Route_V3_RouteConfiguration(
            serializedBytes: try encoder.encode(routes).value)
        let policies = configuration.virtualHosts[0].routes.map(\.route.hashPolicy)
        #expect(policies.flatMap(\.self).map(\.header.headerName) == ["x-user"])
    }

    @Test func `an Envoy cluster without outlier detection ejects nobody`() throws {
        let plain = Envoy_Config_Cluster_V3_Cluster.with {
            $0.name = "c"
            $0.type = .eds
            $0.lbPolicy = .maglev
        }
        var body = Google_Protobuf_Any()
        body.typeURL = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
        body.value = try plain.serializedBytes()
        guard case .cluster(let decoded, _, _) = try XDSDecoder.decode(.cluster, body) else { throw OtherKind() }
        #expect(!decoded.outliers.isEnabled && decoded.loadBalancing == .maglev)
    }
}
