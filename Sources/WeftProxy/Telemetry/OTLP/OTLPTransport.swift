internal import AsyncHTTPClient
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import NIOCore
internal import NIOHTTP1
internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos
internal import WeftTelemetry
internal import WeftTraffic

/// How a batch reaches the collector, and what its answer means.
///
/// Source: OTLP 1.11. What was taken in part is not sent again, nor is what was refused for what it is.
enum OTLPAnswer {
    /// How long a collector is given for one batch.
    static let limit = Duration.seconds(10)

    /// gRPC codes worth another try. RESOURCE_EXHAUSTED is worth one only with a hint when, which is not read.
    static func outcome(of code: RPCError.Code) -> ExportOutcome {
        switch code {
        case .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss: .retry(after: nil)
        default: .refused
        }
    }

    /// The same for HTTP; `retryAfter` is the field's value.
    static func outcome(ofStatus status: Int, retryAfter: String?) -> ExportOutcome {
        switch status {
        case 200..<300: .taken
        case 429, 502, 503, 504:
            .retry(after: retryAfter.flatMap { Int64($0) }.map { min(max($0, 0), 3600) * 1_000_000_000 })
        default: .refused
        }
    }

    static func outcome(rejected: Int64) -> ExportOutcome {
        rejected > 0 ? .partly(lost: Int(clamping: rejected)) : .taken
    }
}

/// OTLP over gRPC.
struct OTLPGRPC: Sendable {
    typealias Transport = HTTP2ClientTransport.Posix
    let client: GRPCClient<Transport>

    static func transport(_ endpoint: OTLPEndpoint) throws -> Transport {
        let target: any ResolvableTarget =
            if (try? SocketAddress(ipAddress: endpoint.host, port: endpoint.port)) == nil {
                .dns(host: endpoint.host, port: endpoint.port)
            } else if endpoint.host.contains(":") {
                .ipv6(address: endpoint.host, port: endpoint.port)
            } else {
                .ipv4(address: endpoint.host, port: endpoint.port)
            }
        return try Transport(
            target: target, transportSecurity: endpoint.isTLS ? .tls : .plaintext,
            config: .defaults { config in
                config.http2.authority = endpoint.authority
                config.backoff = .init(initial: .milliseconds(500), max: .seconds(10), multiplier: 1.6, jitter: 0.2)
            })
    }

    private static let options: CallOptions = {
        var options = CallOptions.defaults
        options.timeout = OTLPAnswer.limit
        return options
    }()

    func send(
        _ request: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
    ) async
        -> (ExportOutcome, cause: String)
    {
        await Self.outcome {
            let service = Opentelemetry_Proto_Collector_Trace_V1_TraceService.Client(wrapping: self.client)
            let answer = try await service.export(request, options: Self.options).partialSuccess
            return (answer.rejectedSpans, answer.errorMessage)
        }
    }

    func send(
        _ request: Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceRequest
    ) async
        -> (ExportOutcome, cause: String)
    {
        await Self.outcome {
            let service = Opentelemetry_Proto_Collector_Logs_V1_LogsService.Client(wrapping: self.client)
            let answer = try await service.export(request, options: Self.options).partialSuccess
            return (answer.rejectedLogRecords, answer.errorMessage)
        }
    }

    private static func outcome(
        _ call: () async throws -> (rejected: Int64, message: String)
    ) async -> (ExportOutcome, cause: String) {
        do {
            let (rejected, message) = try await call()
            return (OTLPAnswer.outcome(rejected: rejected), message)
        } catch let error as RPCError {
            return (OTLPAnswer.outcome(of: error.code), "\(error.code): \(error.message)")
        } catch {
            return (.retry(after: nil), "\(error)")
        }
    }
}

/// OTLP over HTTP with protobuf bodies.
struct OTLPHTTP: Sendable {
    let client: HTTPClient
    let endpoint: OTLPEndpoint

    func send(
        _ request: Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest
    ) async
        -> (ExportOutcome, cause: String)
    {
        await self.send("/v1/traces", request) { body in
            let answer = try Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse(serializedBytes: body)
            return (answer.partialSuccess.rejectedSpans, answer.partialSuccess.errorMessage)
        }
    }

    func send(
        _ request: Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceRequest
    ) async
        -> (ExportOutcome, cause: String)
    {
        await self.send("/v1/logs", request) { body in
            let answer = try Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceResponse(serializedBytes: body)
            return (answer.partialSuccess.rejectedLogRecords, answer.partialSuccess.errorMessage)
        }
    }

    /// What a collector may say at most.
    private static let maxAnswerBytes = 1 << 20

    private func send(
        _ path: String, _ message: some SwiftProtobuf.Message,
        _ read: ([UInt8]) throws -> (rejected: Int64, message: String)
    ) async -> (ExportOutcome, cause: String) {
        do {
            let scheme = self.endpoint.isTLS ? "https" : "http"
            var request = HTTPClientRequest(
                url: "\(scheme)://\(self.endpoint.authority)\(self.endpoint.prefix)\(path)")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/x-protobuf")
            let body: [UInt8] = try message.serializedBytes()
            request.body = .bytes(ByteBuffer(bytes: body))
            let response = try await self.client.execute(
                request, deadline: .now() + .nanoseconds(OTLPAnswer.limit.wholeNanoseconds))
            let outcome = OTLPAnswer.outcome(
                ofStatus: Int(response.status.code), retryAfter: response.headers.first(name: "retry-after"))
            let answer = try await response.body.collect(upTo: Self.maxAnswerBytes)
            guard outcome == .taken else { return (outcome, "status \(response.status.code)") }
            // An answer that cannot be read is still a yes.
            guard let (rejected, words) = try? read(Array(answer.readableBytesView)) else { return (.taken, "") }
            return (OTLPAnswer.outcome(rejected: rejected), words)
        } catch {
            return (.retry(after: nil), "\(error)")
        }
    }
}
