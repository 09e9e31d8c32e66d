internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftModel
internal import WeftProtos

/// What one client that is not ours counted, as edges: of the clusters it was given, and of nothing else.
///
/// Load reports tell how many requests succeeded, failed and were dropped; not how long they took, nor their status.
/// Success is counted as 2xx; a failure of a gRPC client as a gRPC failure, of an Envoy as 5xx; what was dropped as 5xx
/// for the reason `overflow`.
struct LoadReport: Sendable {
    /// Counted since the report before.
    var edges: [(key: EdgeKey, counters: EdgeCounters)] = []
    /// The time that was measured; at least 1 s.
    var seconds: Int64 = 1
    /// Clusters that were reported and are none of the mesh's; Envoys also report those of their bootstrap.
    var unknown = 0

    /// Clusters that one report may name; an honest client has as many as it asked for.
    static let maxClusters = 2000

    init(
        _ stats: [Envoy_Config_Endpoint_V3_ClusterStats], of identity: SPIFFEID, dialect: Dialect,
        clusters: [String: Cluster]
    ) {
        let source =
            identity.workload.map { ServiceName(namespace: $0.namespace, name: $0.account).description } ?? "unknown"
        for stat in stats.prefix(Self.maxClusters) {
            let name = clusters[stat.clusterName] == nil ? stat.clusterServiceName : stat.clusterName
            guard let cluster = clusters[name] else {
                self.unknown += 1
                continue
            }
            self.seconds = max(self.seconds, min(stat.loadReportInterval.seconds, 3600))
            self.edges.append((Self.key(cluster, source, dialect), Self.counters(stat, dialect)))
        }
        self.unknown += max(0, stats.count - Self.maxClusters)
    }

    private static func key(_ cluster: Cluster, _ source: String, _ dialect: Dialect) -> EdgeKey {
        let peers: [SPIFFEID] =
            switch cluster.transport {
            case .mutualTLS(let peers): peers
            case .plaintext, .tls: []
            }
        return EdgeKey(
            source: source, destination: cluster.service.description, version: "", route: "", direction: .outbound,
            protocol: dialect == .grpc || cluster.appProtocol == .grpc ? "grpc" : "", tls: cluster.isMutual,
            peerIdentity: peers.count == 1 ? peers[0].description : nil)
    }

    private static func counters(_ stat: Envoy_Config_Endpoint_V3_ClusterStats, _ dialect: Dialect) -> EdgeCounters {
        /// No honest client counts more in one interval; sums of these do not overflow.
        let most: UInt64 = 1 << 40
        var counters = EdgeCounters()
        for locality in stat.upstreamLocalityStats.prefix(1000) {
            let (succeeded, failed) = (
                min(locality.totalSuccessfulRequests, most), min(locality.totalErrorRequests, most)
            )
            counters.requests &+= succeeded &+ failed
            counters.classes[1] &+= succeeded
            if dialect == .grpc {
                counters.classes[1] &+= failed
                counters.grpcFailures &+= failed
            } else {
                counters.classes[4] &+= failed
            }
        }
        let dropped = min(stat.totalDroppedRequests, most)
        if dropped > 0 {
            counters.requests &+= dropped
            counters.classes[4] &+= dropped
            counters.reasons[.overflow] = dropped
        }
        return counters
    }
}
