internal import GRPCCore
internal import Logging
internal import SwiftProtobuf
internal import WeftDiscovery
internal import WeftModel
internal import WeftProtos

/// Serves Envoy's secret discovery to the processes of this host: their own certificates, and whom they may believe.
struct SecretServer: Envoy_Service_Secret_V3_SecretDiscoveryService.SimpleServiceProtocol {
    let feed: AgentFeed
    let maxNames: Int
    let logger: Logger

    func streamSecrets(
        request: RPCAsyncSequence<Envoy_Service_Discovery_V3_DiscoveryRequest, any Error>,
        response: RPCWriter<Envoy_Service_Discovery_V3_DiscoveryResponse>, context: ServerContext
    ) async throws {
        var machine = StateOfTheWorldServerStream(identifier: Self.identifier)
        var names: Set<String> = []
        try await self.run(request, response, context) { event, view in
            switch event {
            case .request(let request):
                guard request.typeURL == ResourceType.secret.typeURL else { throw Self.unknown(request.typeURL) }
                names = Set(request.resourceNames)
                let seen = try view(names)
                return machine.received(request, view: seen)
            case .changed: return machine.updated(try view(names))
            }
        } refusal: {
            machine.status[.secret]?.rejection
        }
    }

    func deltaSecrets(
        request: RPCAsyncSequence<Envoy_Service_Discovery_V3_DeltaDiscoveryRequest, any Error>,
        response: RPCWriter<Envoy_Service_Discovery_V3_DeltaDiscoveryResponse>, context: ServerContext
    ) async throws {
        var machine = DeltaServerStream(identifier: Self.identifier)
        var names: Set<String> = []
        try await self.run(request, response, context) { event, view in
            switch event {
            case .request(let request):
                guard request.typeURL == ResourceType.secret.typeURL else { throw Self.unknown(request.typeURL) }
                names = names.subtracting(request.resourceNamesUnsubscribe).union(request.resourceNamesSubscribe)
                let seen = try view(names)
                return machine.received(request, view: seen)
            case .changed: return machine.updated(try view(names))
            }
        } refusal: {
            machine.status[.secret]?.rejection
        }
    }

    private static let identifier = "weft agent \(WeftVersion.text)"
    /// Requests of one stream that may wait; an honest client has a handful.
    private static let maxWaiting = 64

    private static func unknown(_ typeURL: String) -> RPCError {
        RPCError(code: .invalidArgument, message: "only secrets are served here, not \(typeURL.prefix(128))")
    }

    private enum Event<Request: Sendable>: Sendable {
        case request(Request)
        case changed
    }

    /// Feeds a stream's machine, through `step`, with its requests and every change, until either side ends it.
    private func run<Request: Sendable, Response: Sendable>(
        _ requests: RPCAsyncSequence<Request, any Error>, _ responses: RPCWriter<Response>, _ context: ServerContext,
        _ step: (Event<Request>, _ view: (Set<String>) throws -> SecretView) throws -> [Response],
        refusal: () -> TypeStatus.Rejection?
    ) async throws {
        let (events, sender) = AsyncStream.makeStream(
            of: Event<Request>.self, bufferingPolicy: .bufferingOldest(Self.maxWaiting))
        let (id, wakeUps) = self.feed.subscribe()
        defer { self.feed.unsubscribe(id) }
        var refused: TypeStatus.Rejection?
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await request in requests {
                        guard case .dropped = sender.yield(.request(request)) else { continue }
                        sender.finish()
                        return
                    }
                } catch {}
                sender.finish()
            }
            group.addTask {
                for await _ in wakeUps { sender.yield(.changed) }
                sender.finish()
            }
            defer { group.cancelAll() }
            for await event in events {
                let snapshot = self.feed.snapshot
                let process = try context.caller(wantsUser: snapshot.wantsUsers)
                let answers = try step(event) { names in
                    guard names.count <= self.maxNames else {
                        throw RPCError(
                            code: .resourceExhausted,
                            message: "one stream may ask for \(self.maxNames) secrets, not \(names.count)")
                    }
                    return SecretView(snapshot, process: process, names: names)
                }
                for answer in answers { try await responses.write(answer) }
                if let rejection = refusal(), rejection != refused {
                    refused = rejection
                    self.logger.warning(
                        "a client refused secrets",
                        metadata: [
                            "pid": "\(process.pid)", "resources": "\(rejection.resources.joined(separator: ", "))",
                            "cause": "\(rejection.message.prefix(500))",
                        ])
                }
            }
        }
    }
}
