import GRPCCore
import GRPCProtobuf
import SwiftProtobuf
import Testing
import WeftDiscovery
import WeftIdentity
import WeftModel
import WeftProtos

@testable import WeftControlPlane

@Suite struct LoadReportTests {
    private static let identity = SPIFFEID("spiffe://mesh.local/ns/shop/sa/web")
    private static let cluster = Cluster(
        name: "billing.default:80", service: ServiceName(namespace: "default", name: "billing"),
        transport: .mutualTLS(peers: [SPIFFEID("spiffe://mesh.local/ns/default/sa/billing")].compactMap(\.self)))

    static func stats(
        _ name: String, succeeded: UInt64, failed: UInt64 = 0, dropped: UInt64 = 0
    ) -> Envoy_Config_Endpoint_V3_ClusterStats {
        .with {
            $0.clusterName = name
            $0.totalDroppedRequests = dropped
            $0.loadReportInterval = .with { $0.seconds = 5 }
            $0.upstreamLocalityStats = [
                .with {
                    $0.totalSuccessfulRequests = succeeded
                    $0.totalErrorRequests = failed
                }
            ]
        }
    }

    @Test func `a report is the edges of whoever proved to be the caller`() throws {
        let report = LoadReport(
            [Self.stats("billing.default:80", succeeded: 90, failed: 8, dropped: 2)],
            of: try #require(Self.identity), dialect: .envoy, clusters: [Self.cluster.name: Self.cluster])
        let edge = try #require(report.edges.first)
        #expect(edge.key.source == "web.shop")
        #expect(edge.key.destination == "billing.default")
        #expect(edge.key.direction == .outbound)
        #expect(edge.key.tls)
        #expect(edge.key.peerIdentity == "spiffe://mesh.local/ns/default/sa/billing")
        #expect(edge.counters.requests == 100)
        #expect(edge.counters.successRatio == 0.9)
        #expect(edge.counters.failuresByReason == ["overflow": 2, "5xx": 8])
        #expect(LatencyBuckets.percentile(0.5, of: edge.counters.latency) == nil)
        #expect(report.seconds == 5)
    }

    @Test func `a gRPC client's failures are those of gRPC`() throws {
        let report = LoadReport(
            [Self.stats("billing.default:80", succeeded: 9, failed: 1)], of: try #require(Self.identity),
            dialect: .grpc, clusters: [Self.cluster.name: Self.cluster])
        let counters = try #require(report.edges.first?.counters)
        #expect(counters.grpcFailures == 1)
        #expect(counters.classes[1] == 10)
        #expect(counters.successRatio == 0.9)
    }

    @Test func `clusters that are not the mesh's make no edges, and numbers that cannot be no overflow`() throws {
        let hostile =
            (0..<3000).map { Self.stats("<b>\($0)", succeeded: 1) }
            + [Self.stats("billing.default:80", succeeded: 1)]
        let identity = try #require(Self.identity)
        let report = LoadReport(hostile, of: identity, dialect: .envoy, clusters: [Self.cluster.name: Self.cluster])
        #expect(report.edges.isEmpty)
        #expect(report.unknown == 3001)
        var huge = Self.stats("billing.default:80", succeeded: .max, failed: .max, dropped: .max)
        huge.loadReportInterval.seconds = .max
        let large = LoadReport([huge], of: identity, dialect: .envoy, clusters: [Self.cluster.name: Self.cluster])
        #expect(large.edges.first?.counters.requests == 3 << 40)
        #expect(large.seconds == 3600)
    }

    @Test func `differences are rates at once, spread over the time they were measured`() {
        var store = TelemetryStore()
        let key = TelemetryStoreTests.key
        store.record(added: [(key, TelemetryStoreTests.counters(50))], over: 5, second: 1002)
        #expect(store.report(window: 5, second: 1005, at: 0).edges.map(\.requests) == [50])
        store.record(added: [(key, TelemetryStoreTests.counters(600))], over: 60, second: 1070)
        let points = store.timeline(TelemetryQuery(window: 60), second: 1075, at: 0).points
        #expect(points.suffix(12).allSatisfy { $0.signals.requestsPerSecond == 10 })
    }

    @Test(.timeLimit(.minutes(5)))
    func `a client with an identity reports on a stream, one without is refused`() async throws {
        try await RunningControlPlane.withDirectory { directory in
            try await RunningControlPlane.with(directory: directory) { plane in
                let billing = try await plane.join(try await plane.token("billing"))
                let web = try await plane.join(try await plane.token("web"))
                try await plane.registered("billing", as: "billing-1", identity: billing, port: 80) {
                    let cluster = try await plane.firstDelta(web, .cluster, ["billing.default:80"]) {
                        !$0.resources.isEmpty
                    }
                    #expect(cluster.resources.count == 1)
                    let answer = try await plane.reportLoad(web, [Self.stats("billing.default:80", succeeded: 7)])
                    #expect(answer.sendAllClusters)
                    #expect(answer.clusters.contains("billing.default:80"))
                    #expect(answer.loadReportingInterval.seconds == 5)
                    var edges: [TelemetryEdge] = []
                    while edges.isEmpty {
                        edges = try await plane.get(
                            TelemetryEdges.self, "/v1/telemetry/edges?source=web&group=edge&window=60"
                        ).edges
                        await Task.yield()
                    }
                    #expect(edges.map(\.source) == ["web.default"])
                    #expect(edges.map(\.destination) == ["billing.default"])
                }
                let error = await #expect(throws: RPCError.self) {
                    try await plane.reportLoad(nil, [Self.stats("billing.default:80", succeeded: 7)])
                }
                #expect(error?.code == .unauthenticated)
            }
        }
    }
}

extension RunningControlPlane {
    /// Opens a stream, and reports once it was answered; gives the answer.
    @discardableResult
    func reportLoad(
        _ identity: WorkloadIdentity?, _ stats: [Envoy_Config_Endpoint_V3_ClusterStats]
    ) async throws -> Envoy_Service_LoadStats_V3_LoadStatsResponse {
        let (answered, signal) = AsyncStream.makeStream(of: Void.self)
        return try await self.client(identity) { client in
            try await Envoy_Service_LoadStats_V3_LoadReportingService.Client(wrapping: client).streamLoadStats {
                writer in
                try await writer.write(.with { $0.node.id = "web" })
                for await _ in answered { break }
                try await writer.write(.with { $0.clusterStats = stats })
            } onResponse: { response in
                var first: Envoy_Service_LoadStats_V3_LoadStatsResponse?
                for try await message in response.messages {
                    first = first ?? message
                    signal.yield()
                }
                guard let first else { throw RPCError(code: .unknown, message: "the stream ended") }
                return first
            }
        }
    }
}
