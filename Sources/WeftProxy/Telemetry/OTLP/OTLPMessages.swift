internal import Foundation
internal import SwiftProtobuf
internal import WeftModel
internal import WeftProtos
internal import WeftTelemetry

/// Spans and log lines in OTLP's messages.
struct OTLPMessages: Sendable {
    private typealias Attribute = Opentelemetry_Proto_Common_V1_KeyValue
    private let resource: Opentelemetry_Proto_Resource_V1_Resource
    private let scope: Opentelemetry_Proto_Common_V1_InstrumentationScope

    init(_ configuration: ProxyConfiguration) {
        self.resource = .with {
            $0.attributes = [
                Self.attribute("service.name", .text(configuration.service.name)),
                Self.attribute("service.namespace", .text(configuration.service.namespace)),
                Self.attribute("service.instance.id", .text(configuration.workload)),
            ]
            if let version = configuration.labels["version"] {
                $0.attributes.append(Self.attribute("service.version", .text(version)))
            }
        }
        self.scope = .with {
            $0.name = "weft"
            $0.version = WeftVersion.text
        }
    }

    func request(_ spans: [Span]) -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest {
        .with {
            $0.resourceSpans = [
                .with {
                    $0.resource = self.resource
                    $0.scopeSpans = [
                        .with {
                            $0.scope = self.scope
                            $0.spans = spans.map(Self.message)
                        }
                    ]
                }
            ]
        }
    }

    func request(_ lines: [LogLine]) -> Opentelemetry_Proto_Collector_Logs_V1_ExportLogsServiceRequest {
        .with {
            $0.resourceLogs = [
                .with {
                    $0.resource = self.resource
                    $0.scopeLogs = [
                        .with {
                            $0.scope = self.scope
                            $0.logRecords = lines.map(Self.message)
                        }
                    ]
                }
            ]
        }
    }

    private static func message(_ span: Span) -> Opentelemetry_Proto_Trace_V1_Span {
        .with {
            $0.traceID = Self.bytes(span.context.trace)
            $0.spanID = Self.bytes(span.context.span)
            if span.parent != 0 { $0.parentSpanID = Self.bytes(span.parent) }
            $0.traceState = span.traceState
            // Bits 8 and 9: it is known where the parent is, and that is another process.
            $0.flags = UInt32(span.context.flags) | 0x100 | (span.parent == 0 ? 0 : 0x200)
            $0.name = span.name
            $0.kind = span.kind == .server ? .server : .client
            $0.startTimeUnixNano = span.start
            $0.endTimeUnixNano = span.end
            $0.attributes = span.attributes.map { Self.attribute($0.key, $0.value) }
            $0.events = span.events.map { event in
                .with {
                    $0.timeUnixNano = event.time
                    $0.name = event.name
                    $0.attributes = event.attributes.map { Self.attribute($0.key, $0.value) }
                }
            }
            if span.status == .error { $0.status.code = .error }
        }
    }

    private static func message(_ line: LogLine) -> Opentelemetry_Proto_Logs_V1_LogRecord {
        .with {
            $0.timeUnixNano = line.time
            $0.observedTimeUnixNano = line.time
            $0.severityNumber = line.isError ? .error : .info
            $0.severityText = line.isError ? "ERROR" : "INFO"
            $0.body.stringValue = String(decoding: line.text, as: UTF8.self)
            $0.eventName = "weft.access"
            if let trace = line.trace {
                $0.traceID = Self.bytes(trace.trace)
                $0.spanID = Self.bytes(trace.span)
                $0.flags = UInt32(trace.flags)
            }
        }
    }

    private static func attribute(_ key: String, _ value: Span.Value) -> Opentelemetry_Proto_Common_V1_KeyValue {
        .with {
            $0.key = key
            switch value {
            case .text(let text): $0.value.stringValue = text
            case .number(let number): $0.value.intValue = Int64(number)
            case .flag(let flag): $0.value.boolValue = flag
            case .texts(let texts):
                $0.value.arrayValue.values = texts.map { text in .with { $0.stringValue = text } }
            }
        }
    }

    private static func bytes(_ trace: TraceID) -> Data { Self.bytes(trace.high) + Self.bytes(trace.low) }

    private static func bytes(_ word: UInt64) -> Data { withUnsafeBytes(of: word.bigEndian) { Data($0) } }
}

/// A line of the access log on its way to a collector.
struct LogLine: Sendable {
    /// Nanoseconds since 1970.
    var time: UInt64
    var isError: Bool
    var text: [UInt8]
    var trace: TraceContext?

    /// About what it takes of memory.
    var cost: Int { 128 + self.text.count }
}
