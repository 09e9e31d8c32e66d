internal import GRPCCore
internal import Logging
internal import WeftDiscovery
internal import WeftIdentity
internal import WeftModel
internal import WeftProtos

/// Serves aggregated discovery, incremental and state-of-the-world, to callers that proved who they are.
struct DiscoveryServer: Envoy_Service_Discovery_V3_AggregatedDiscoveryService.SimpleServiceProtocol {
    let hub: SnapshotHub
    let trust: TrustHub
    let registry: RegistryDriver
    let streams: DiscoveryStreams
    let cache: EncodingCache
    let limits: ControlPlaneConfiguration.Limits
    let metrics: ControlPlaneMetrics
    let logger: Logger

    func streamAggregatedResources(
        request: RPCAsyncSequence<Envoy_Service_Discovery_V3_DiscoveryRequest, any Error>,
        response: RPCWriter<Envoy_Service_Discovery_V3_DiscoveryResponse>, context: ServerContext
    ) async throws {
        try await self.run(StateOfTheWorldServerStream.self, request, response, context)
    }

    func deltaAggregatedResources(
        request: RPCAsyncSequence<Envoy_Service_Discovery_V3_DeltaDiscoveryRequest, any Error>,
        response: RPCWriter<Envoy_Service_Discovery_V3_DeltaDiscoveryResponse>, context: ServerContext
    ) async throws {
        try await self.run(DeltaServerStream.self, request, response, context)
    }

    private enum Event<Request: Sendable>: Sendable {
        case request(Request)
        case snapshotChanged
        case trustChanged
        case stopping
        case failed(RPCError)
        case ended
    }

    /// Requests of one stream that may wait; an honest client has a handful.
    private static let maxWaiting = 256

    private func run<Machine: DiscoveryMachine>(
        _ machine: Machine.Type, _ requests: RPCAsyncSequence<Machine.Request, any Error>,
        _ responses: RPCWriter<Machine.Response>, _ context: ServerContext
    ) async throws {
        let peer = try context.requirePeer()
        let (events, sender) = AsyncStream.makeStream(
            of: Event<Machine.Request>.self, bufferingPolicy: .bufferingOldest(Self.maxWaiting))
        let subscription = self.hub.subscribe()
        let trusting = self.trust.subscribe()
        defer {
            self.hub.unsubscribe(subscription.id)
            self.trust.unsubscribe(trusting.id)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await request in requests {
                        guard case .dropped = sender.yield(.request(request)) else { continue }
                        throw RPCError(code: .resourceExhausted, message: "too many requests at once")
                    }
                    sender.yield(.ended)
                } catch let error as RPCError {
                    sender.yield(.failed(error))
                } catch {
                    sender.yield(.ended)
                }
                sender.finish()
            }
            group.addTask {
                for await _ in subscription.wakeUps { sender.yield(.snapshotChanged) }
                if !Task.isCancelled { sender.yield(.stopping) }
            }
            group.addTask { for await _ in trusting.wakeUps { sender.yield(.trustChanged) } }
            defer { group.cancelAll() }
            var stream = DiscoveryStream<Machine>(self, peer: peer.id)
            defer { stream.close() }
            for await event in events {
                // With every event, so that no wake-up has to find room.
                if self.trust.isRevoked(peer.id) { throw RPCError(revoked: peer.id) }
                switch event {
                case .request(let request):
                    let answers = try await stream.received(request)
                    for response in answers { try await responses.write(response) }
                    stream.pushed(answers.count, since: nil)
                case .snapshotChanged:
                    let publication = self.hub.publication
                    let changes = await stream.updated()
                    for response in changes { try await responses.write(response) }
                    self.hub.served(subscription.id, generation: publication.generation)
                    stream.pushed(changes.count, since: publication.at)
                case .trustChanged: break
                case .stopping: throw RPCError(code: .unavailable, message: "the control plane is stopping")
                case .failed(let error): throw error
                case .ended: return
                }
            }
        }
    }
}
