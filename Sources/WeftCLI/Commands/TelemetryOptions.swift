internal import ArgumentParser
internal import Foundation
internal import WeftProxy
internal import WeftTelemetry

/// The flags of a sidecar about traces and the access log.
struct TelemetryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A collector for traces: http://host:4317, https too; without one nothing is traced.", valueName: "url"))
    var otlpEndpoint: String?
    @Option(
        help: ArgumentHelp(
            "grpc or http (protobuf); http for port 4318 and grpc otherwise where not given.", valueName: "protocol"))
    var otlpProtocol: String?
    @Option(
        help: ArgumentHelp(
            "Share of traces to record where the caller has not decided, 0 to 1; 0.01 where not given.",
            valueName: "ratio"))
    var traceSampling: String?
    @Option(
        help: ArgumentHelp(
            "Slow requests to record besides, every 10 s for each event loop and direction; 5 where not given.",
            valueName: "number"))
    var traceSlowest: String?
    @Option(help: ArgumentHelp("off, errors, sampled or all; errors where not given.", valueName: "which"))
    var accessLog: String?
    @Option(
        help: ArgumentHelp(
            "stdout, a file, or otlp for the collector; stdout where not given.", valueName: "where"))
    var accessLogOutput: String?
    @Option(
        help: ArgumentHelp("A request header to write into the access log. Repeatable.", valueName: "name"))
    var logHeader: [String] = []
    @Option(
        help: ArgumentHelp(
            "A header whose value is not written down, besides authorization, cookie and such. Repeatable.",
            valueName: "name"))
    var redactHeader: [String] = []
    @Option(
        help: ArgumentHelp(
            "A query parameter whose value is not written down, besides token, password and such. Repeatable.",
            valueName: "name"))
    var redactQuery: [String] = []
    @Option(
        help: ArgumentHelp(
            "Requests to remember for weft explain, 0 to 1000000; 10000, about 4 MB, where not given.",
            valueName: "number"))
    var requestRecords: String?

    func apply(to configuration: inout ProxyConfiguration, _ settings: inout Settings) throws {
        var telemetry = TelemetryConfiguration()
        let transport = try settings.value("otlp-protocol", self.otlpProtocol, expected: "grpc or http") {
            OTLPEndpoint.Transport(rawValue: $0)
        }
        telemetry.otlp = try settings.value(
            "otlp-endpoint", self.otlpEndpoint, expected: "a URL such as http://127.0.0.1:4317"
        ) { OTLPEndpoint($0, transport: transport) }
        telemetry.sampling =
            try settings.value("trace-sampling", self.traceSampling, expected: "a number from 0 to 1") {
                Double($0).flatMap { (0...1).contains($0) ? TraceSampling(ratio: $0) : nil }
            } ?? telemetry.sampling
        telemetry.slowest = try settings.number("trace-slowest", self.traceSlowest, in: 0...1000) ?? telemetry.slowest
        configuration.accessLog =
            try settings.value("access-log", self.accessLog, expected: "off, errors, sampled or all") {
                AccessLogMode(rawValue: $0)
            } ?? .errors
        telemetry.accessLogOutput =
            try settings.value("access-log-output", self.accessLogOutput, expected: "stdout, otlp or a path") {
                AccessLogOutput($0)
            } ?? .standardOutput
        if case .file(let path) = telemetry.accessLogOutput {
            telemetry.accessLogOutput = .file(path: absolutePath(path))
        }
        if telemetry.accessLogOutput == .otlp, telemetry.otlp == nil {
            throw CommandFailure.usage(
                "the access log cannot go to a collector that nobody named", at: "--access-log-output",
                remedy: "Give --otlp-endpoint as well.")
        }
        telemetry.loggedHeaders = try settings.texts("log-header", self.logHeader).map { $0.lowercased() }
        telemetry.redaction = Redaction(
            headers: try settings.texts("redact-header", self.redactHeader),
            parameters: try settings.texts("redact-query", self.redactQuery))
        telemetry.records =
            try settings.number("request-records", self.requestRecords, in: 0...1_000_000) ?? telemetry.records
        configuration.telemetry = telemetry
    }
}
