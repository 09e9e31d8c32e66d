internal import AsyncHTTPClient
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Logging
internal import NIOCore
internal import WeftTelemetry

/// What a sidecar sends to a collector: spans, and its access log where that goes there.
final class TelemetryExports: Sendable {
    private let endpoint: OTLPEndpoint
    private let messages: OTLPMessages
    let spans = OTLPExporter<Span>(signal: "traces")
    let lines = OTLPExporter<LogLine>(signal: "logs")

    init(_ endpoint: OTLPEndpoint, for configuration: ProxyConfiguration) {
        self.endpoint = endpoint
        self.messages = OTLPMessages(configuration)
    }

    /// Sends until cancelled.
    func run(on group: any EventLoopGroup, logger: Logger) async throws {
        switch self.endpoint.transport {
        case .grpc:
            let transport = try OTLPGRPC.transport(self.endpoint)
            try await withGRPCClient(transport: transport) { client in
                let collector = OTLPGRPC(client: client)
                await self.run(
                    logger, spans: { await collector.send(self.messages.request($0)) },
                    lines: { await collector.send(self.messages.request($0)) })
            }
        case .http:
            var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 2
            configuration.timeout.connect = .seconds(5)
            let client = HTTPClient(eventLoopGroup: group, configuration: configuration)
            let collector = OTLPHTTP(client: client, endpoint: self.endpoint)
            await self.run(
                logger, spans: { await collector.send(self.messages.request($0)) },
                lines: { await collector.send(self.messages.request($0)) })
            try await client.shutdown()
        }
    }

    private func run(
        _ logger: Logger, spans: @escaping @Sendable ([Span]) async -> (ExportOutcome, cause: String),
        lines: @escaping @Sendable ([LogLine]) async -> (ExportOutcome, cause: String)
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.spans.run(logger: logger, spans) }
            group.addTask { await self.lines.run(logger: logger, lines) }
        }
    }

    /// Sends what is left; what is not out after `limit` is lost.
    func finish(within limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.spans.finish(within: limit) }
            group.addTask { await self.lines.finish(within: limit) }
        }
    }

    /// What was lost, by signal and cause.
    var dropped: [(signal: String, cause: DropCause, count: UInt64)] {
        self.spans.dropped.map { ("traces", $0.key, $0.value) } + self.lines.dropped.map { ("logs", $0.key, $0.value) }
    }
}
