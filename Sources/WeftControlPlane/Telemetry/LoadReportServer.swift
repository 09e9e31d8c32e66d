internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Takes load reports of Envoys and gRPC clients, each attributed to the identity that its connection proved.
struct LoadReportServer: Envoy_Service_LoadStats_V3_LoadReportingService.SimpleServiceProtocol {
    let hub: SnapshotHub
    let trust: TrustHub
    let registry: RegistryDriver
    let logger: Logger

    /// How often clients are asked to report.
    static let interval: Int64 = 5
    /// Names of clusters that are asked for of a client that cannot be asked for all.
    private static let maxNames = 5000

    private enum Event: Sendable {
        case report(Envoy_Service_LoadStats_V3_LoadStatsRequest)
        case stopping
        case ended
    }

    func streamLoadStats(
        request: RPCAsyncSequence<Envoy_Service_LoadStats_V3_LoadStatsRequest, any Error>,
        response: RPCWriter<Envoy_Service_LoadStats_V3_LoadStatsResponse>, context: ServerContext
    ) async throws {
        let peer = try context.requirePeer()
        let (events, sender) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(16))
        let subscription = self.hub.subscribe()
        defer { self.hub.unsubscribe(subscription.id) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer {
                    sender.yield(.ended)
                    sender.finish()
                }
                for try await message in request {
                    guard case .dropped = sender.yield(.report(message)) else { continue }
                    throw RPCError(code: .resourceExhausted, message: "too many reports at once")
                }
            }
            group.addTask {
                for await _ in subscription.wakeUps {}
                if !Task.isCancelled { sender.yield(.stopping) }
            }
            defer { group.cancelAll() }
            var dialect: Dialect?
            for await event in events {
                if self.trust.isRevoked(peer.id) { throw RPCError(revoked: peer.id) }
                switch event {
                case .report(let message):
                    let known = dialect ?? Dialect(node: message.node)
                    if dialect == nil {
                        dialect = known
                        try await response.write(self.demand(message.node))
                    }
                    guard !message.clusterStats.isEmpty else { continue }
                    let report = LoadReport(
                        message.clusterStats, of: peer.id, dialect: known, clusters: self.hub.snapshot.clusters)
                    await self.registry.report(report)
                case .stopping: throw RPCError(code: .unavailable, message: "the control plane is stopping")
                case .ended: return
                }
            }
        }
    }

    /// Nothing is reported before the answer: everything, every few seconds.
    private func demand(
        _ node: Envoy_Config_Core_V3_Node
    ) -> Envoy_Service_LoadStats_V3_LoadStatsResponse {
        .with {
            $0.loadReportingInterval = .with { $0.seconds = Self.interval }
            $0.sendAllClusters = true
            if !node.clientFeatures.contains("envoy.lrs.supports_send_all_clusters") {
                $0.clusters = Array(self.hub.snapshot.clusters.keys.sorted().prefix(Self.maxNames))
            }
        }
    }
}
