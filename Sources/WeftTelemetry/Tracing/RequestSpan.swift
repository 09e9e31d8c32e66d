package import WeftModel

/// A request's part in its trace, from its head on.
package struct RequestTrace: Hashable, Sendable {
    /// What went on: the span is ours.
    package var context: TraceContext
    /// The caller's span; zero where the trace began here.
    package var parent: UInt64
    /// The list beside the `traceparent`; empty mostly.
    package var state: String

    package init(context: TraceContext, parent: UInt64, state: String = "") {
        self.context = context
        self.parent = parent
        self.state = state
    }
}

/// Why a span was kept that no sampler had picked.
package enum TailReason: String, Hashable, Sendable { case error, slow }

/// Makes spans of what is known of requests.
///
/// Source: OpenTelemetry semantic conventions 1.44 for HTTP and RPC. One span for a request, its attempts as events, so
/// that all attempts have the one parent that went on.
package enum RequestSpan {
    ///
    /// - Parameter endedAt: nanoseconds since 1970.
    package static func span(
        _ record: RequestRecord, _ trace: RequestTrace, endedAt end: UInt64, tail: TailReason? = nil
    ) -> Span {
        let isServer = record.direction == .inbound
        let call = record.protocol == "grpc" ? Self.call(record.path) : nil
        let method = Self.method(record.method)
        var span = Span(
            context: trace.context, parent: trace.parent, name: call ?? (method == "_OTHER" ? "HTTP" : method),
            kind: isServer ? .server : .client,
            start: end - min(end, UInt64(clamping: record.duration.nanoseconds)), end: end)
        span.traceState = trace.state
        span.set("http.request.method", method)
        if method == "_OTHER" { span.set("http.request.method_original", record.method) }
        Self.address(record, of: &span, isServer: isServer)
        if record.status > 0 { span.set("http.response.status_code", record.status) }
        switch record.protocol {
        case "http/1.1": span.set("network.protocol.version", "1.1")
        case "h2", "grpc": span.set("network.protocol.version", "2")
        default: break
        }
        if let call {
            span.set("rpc.system.name", "grpc")
            span.set("rpc.method", call)
            if let status = record.grpcStatus { span.set("rpc.status_code", Self.grpcName(status)) }
        }
        if let error = Self.errorType(record, isServer: isServer) {
            span.set("error.type", error)
            // What the caller did wrong is no failure of the server.
            if !isServer || record.status >= 500 || record.grpcStatus.map({ Self.serverFaults.contains($0) }) ?? false {
                span.status = .error
            }
        }
        Self.mesh(record, tail, of: &span)
        Self.attempts(record, of: &span)
        return span
    }

    private static func address(_ record: RequestRecord, of span: inout Span, isServer: Bool) {
        let (host, port) = Self.split(record.authority)
        span.set("server.address", host)
        if !host.isEmpty { span.set("server.port", port ?? 80) }
        if isServer {
            let path = record.path
            let query = path.firstIndex(of: "?")
            span.set("url.scheme", "http")
            span.set("url.path", String(path[..<(query ?? path.endIndex)]))
            if let query { span.set("url.query", String(path[path.index(after: query)...])) }
        } else {
            span.set("url.full", "http://\(record.authority)\(record.path)")
            span.set("url.path", String(record.path.prefix { $0 != "?" }))
        }
    }

    /// What only a mesh knows.
    private static func mesh(_ record: RequestRecord, _ tail: TailReason?, of span: inout Span) {
        span.set("weft.request_id", record.requestID)
        span.set("weft.source", record.source)
        span.set("weft.destination", record.destination)
        span.set("weft.destination.version", record.version)
        span.set("weft.source.identity", record.sourceIdentity)
        span.set("weft.destination.identity", record.destinationIdentity)
        span.set("weft.route", record.route)
        span.set("weft.reason", record.reason.rawValue)
        span.set("weft.detail", record.detail)
        if let policy = record.policy { span.set("weft.policy", policy.description) }
        if let tail { span.set("weft.kept_for", tail.rawValue) }
    }

    private static func attempts(_ record: RequestRecord, of span: inout Span) {
        guard let last = record.attempts.last else { return }
        let (host, port) = Self.split(last.address)
        span.set("network.peer.address", host)
        if let port { span.set("network.peer.port", port) }
        span.set("weft.workload", last.workload)
        if record.attempts.count > 1 { span.set("http.request.resend_count", record.attempts.count - 1) }
        for attempt in record.attempts.prefix(Self.maxEvents) {
            let begun = span.start &+ UInt64(clamping: attempt.startedAfter.nanoseconds)
            var event = Span.Event(
                name: "attempt", time: begun,
                attributes: [
                    .init("weft.workload", .text(attempt.workload)), .init("server.address", .text(attempt.address)),
                    .init("weft.reason", .text(attempt.reason.rawValue)),
                    .init("weft.duration_ms", .number(Int(clamping: attempt.duration.nanoseconds / 1_000_000))),
                ])
            if let status = attempt.status {
                event.attributes.append(.init("http.response.status_code", .number(status)))
            }
            if attempt.isHedge { event.attributes.append(.init("weft.hedge", .flag(true))) }
            if attempt.isLost { event.attributes.append(.init("weft.lost", .flag(true))) }
            span.events.append(event)
        }
    }

    private static let maxEvents = 32

    // MARK: What counts as an error

    /// Whether a request ended so that its span is kept whatever the sampler said: a failure of a server or of the mesh.
    package static func isFailure(status: Int, grpcStatus: Int?, reason: Reason) -> Bool {
        status >= 500 || (reason != .ok && reason != .clientGone)
            || grpcStatus.map { Self.serverFaults.contains($0) } ?? false
    }

    private static let serverFaults: Set<Int> = [2, 4, 12, 13, 14, 15]

    /// `error.type`: the reason code where the mesh has one, else the status. Nil without an error.
    private static func errorType(_ record: RequestRecord, isServer: Bool) -> String? {
        // Leaving is the caller's right.
        if record.reason == .clientGone { return nil }
        if record.reason != .ok, record.status >= 400 || record.grpcStatus ?? 0 != 0 {
            return record.reason.rawValue
        }
        if let status = record.grpcStatus {
            return isServer
                ? Self.serverFaults.contains(status) ? Self.grpcName(status) : nil
                : status == 0 ? nil : Self.grpcName(status)
        }
        if record.status >= (isServer ? 500 : 400) { return "\(record.status)" }
        return nil
    }

    private static func grpcName(_ status: Int) -> String {
        let names = [
            "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
            "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
            "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
        ]
        return names.indices.contains(status) ? names[status] : "\(status)"
    }

    // MARK: Texts

    private static func method(_ method: String) -> String {
        switch method {
        case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH": method
        default: "_OTHER"
        }
    }

    /// `package.Service/Method` of a gRPC call's path.
    private static func call(_ path: String) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty, path.utf8.count <= 256,
            !path.contains("?")
        else { return "_OTHER" }
        return "\(parts[1])/\(parts[2])"
    }

    /// `host:port` apart; IPv6 loses its brackets.
    static func split(_ authority: String) -> (host: String, port: Int?) {
        guard let colon = authority.lastIndex(of: ":"),
            let port = Int(authority[authority.index(after: colon)...]), (0...65535).contains(port)
        else { return (Self.bare(authority[...]), nil) }
        return (Self.bare(authority[..<colon]), port)
    }

    private static func bare(_ host: Substring) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
    }
}

extension Duration {
    /// Whole nanoseconds; at most what 64 bits hold.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}
