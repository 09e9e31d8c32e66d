internal import FoundationEssentials
internal import NIOCore
internal import WeftHTTP
internal import WeftIdentity
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// What one loop counts and logs. Belongs to its loop.
final class LoopTelemetry {
    let registry = MetricRegistry()
    let requests: RequestMetrics
    /// What became of the newest requests.
    let records: RecordKeeper
    private let log: AccessLogWriter
    /// Changes while running.
    var mode: AccessLogMode
    /// Nil where nothing is traced.
    let tracer: LoopTracer?
    private let settings: TelemetryConfiguration
    private let countsRequests: Bool
    private let exports: TelemetryExports?
    /// Lines for the collector, not handed over yet.
    private var collected: [LogLine] = []
    /// Requests that nobody has decided about, for a share of them.
    private var undecided = 0
    private let service: String
    private let version: String
    /// Lines that have not been handed to the writer yet: waking its thread for each would cost more than the request.
    private var lines = JSONLines(capacity: 1024)
    let eventLoop: any EventLoop
    /// Measures how late the loop's timers run; nil while nothing is measured.
    var lagTask: Scheduled<Void>?
    private var flush: Scheduled<Void>?
    /// Bytes that are handed over without waiting for more.
    private static let batch = 32_768

    init(
        configuration: ProxyConfiguration, log: AccessLogWriter, exports: TelemetryExports? = nil,
        eventLoop: any EventLoop, loops: Int = 1
    ) {
        self.settings = configuration.telemetry
        self.countsRequests = configuration.metricNaming != .none
        self.exports = exports
        self.tracer = exports.map {
            LoopTracer(configuration.telemetry, exporter: $0.spans, eventLoop: eventLoop)
        }
        self.eventLoop = eventLoop
        self.requests = RequestMetrics(
            registry: self.registry, naming: configuration.metricNaming,
            teller: IstioTeller(version: configuration.labels["version"] ?? ""))
        self.log = log
        self.mode = configuration.accessLog
        self.service = configuration.service.description
        self.version = configuration.labels["version"] ?? ""
        self.records = RecordKeeper(
            service: self.service, version: self.version,
            selection: RecordSelection(secret: configuration.telemetry.redaction.headers),
            records: configuration.telemetry.records, loops: loops)
    }

    /// The workload's SPIFFE ID, for edges that are met from now on.
    func install(principal: String) { self.requests.teller.principal = principal }

    // MARK: Connections

    func connectionOpened(_ role: ListenerRole) {
        self.registry.add(to: self.registry.series(MetricNames.connections, [role.label]))
        self.registry.move(self.registry.series(MetricNames.connectionsOpen, [role.label]), by: 1)
    }

    func connectionClosed(_ role: ListenerRole) {
        self.registry.move(self.registry.series(MetricNames.connectionsOpen, [role.label]), by: -1)
    }

    func connectionRefused() { self.registry.add(to: self.registry.series(MetricNames.connectionsRefused)) }

    func plaintextConnection() { self.registry.add(to: self.registry.series(MetricNames.plaintextConnections)) }

    /// A handshake ended; `result` is `ok` or names the cause.
    func handshake(inbound: Bool, result: String) {
        self.registry.add(
            to: self.registry.series(MetricNames.handshakes, [inbound ? "inbound" : "outbound", result]))
    }

    func connectFailed(_ reason: Reason) {
        self.registry.add(to: self.registry.series(MetricNames.connectFailures, [reason.rawValue]))
    }

    /// A copy of a request ended; `ok` when it was answered.
    func mirrored(to destination: String, reason: Reason) {
        self.registry.add(to: self.registry.series(MetricNames.mirrored, [destination, reason.rawValue]))
    }

    func tokenRefused(_ error: TokenError) {
        self.registry.add(to: self.registry.series(MetricNames.tokensRefused, [error.label]))
    }

    // MARK: Outbound requests

    func record(
        _ exchange: borrowing Exchange, from connection: DownstreamConnection, to destination: Destination,
        trace: RequestTrace? = nil
    ) {
        var outcome = RequestOutcome(
            status: exchange.status, grpcStatus: exchange.grpcStatus, reason: exchange.reason,
            duration: exchange.end - exchange.start, attempts: exchange.attempt,
            receivedBytes: exchange.requestBytes, sentBytes: exchange.responseBytes)
        outcome.readTrace(exchange.head.headers)
        let kind = RequestKind(
            isGRPC: exchange.isGRPC, isConnect: exchange.isConnect, isHTTP2: connection.isHTTP2)
        if self.countsRequests { self.count(outcome, of: exchange, kind) }
        self.records.record(exchange, kind, to: destination)
        if exchange.faultEvent != nil || exchange.hedgeOutcome != nil { self.countEvents(of: exchange) }
        let latency = (exchange.responseStart ?? exchange.end) - exchange.start
        let verdict = self.verdict(on: trace, .outbound, outcome, latency)
        let isLogged = self.isLogged(outcome, trace, exchange.head)
        guard isLogged || verdict != .drop else { return }
        var record = RequestRecord()
        self.fill(&record, outcome, head: exchange.head, kind, connection)
        record.direction = .outbound
        record.source = self.service
        let pool = exchange.endpoint?.attachment as? EndpointPool
        record.destination =
            pool?.serviceText ?? exchange.cluster?.cluster.service.description ?? destination.name
        record.route = exchange.route?.name ?? ""
        record.detail = exchange.detail
        record.policy = exchange.responsibleResource
        let deadline = exchange.deadlineMoment.at
        record.deadlineLeft = deadline == .never ? nil : deadline - exchange.end
        record.outgrewReplay = exchange.outgrewReplay
        record.responseAfter = exchange.responseStart.map { $0 - exchange.start }
        for attempt in exchange.earlierAttempts { record.attempts.append(Self.entry(attempt, from: exchange.start)) }
        let current = exchange.lastEndpoint
        if let current {
            var entry = Self.entry(
                current, status: exchange.attemptStatus, reason: exchange.attemptReason,
                startedAfter: exchange.attemptStart - exchange.start,
                duration: exchange.lastAttemptEnd - exchange.attemptStart)
            entry.isHedge = exchange.isHedge
            entry.isLost = exchange.attemptLost
            record.attempts.append(entry)
        }
        if let last = current ?? exchange.earlierAttempts.last?.upstream,
            let texts = (last.attachment as? EndpointPool)?.texts(of: last)
        {
            record.version = texts.version
            record.destinationIdentity = texts.identity
        }
        if isLogged { self.write(record, trace) }
        if let trace { self.tracer?.keep(record, trace, verdict, latency: latency.wholeNanoseconds, peer: "") }
    }

    private static func entry(
        _ attempt: borrowing AttemptRecord, from start: MonotonicInstant
    ) -> RequestRecord.Attempt {
        var entry = Self.entry(
            attempt.upstream, status: attempt.status, reason: attempt.reason, startedAfter: attempt.start - start,
            duration: attempt.end - attempt.start)
        entry.isHedge = attempt.isHedge
        entry.isLost = attempt.isLost
        return entry
    }

    private static func entry(
        _ upstream: UpstreamEndpoint, status: Int?, reason: Reason, startedAfter: Duration, duration: Duration
    ) -> RequestRecord.Attempt {
        let address =
            if let pool = upstream.attachment as? EndpointPool { pool.addressText } else {
                ListenAddress(host: upstream.endpoint.address, port: upstream.endpoint.port).description
            }
        return RequestRecord.Attempt(
            workload: upstream.endpoint.workload, address: address, status: status, reason: reason,
            startedAfter: startedAfter, duration: duration)
    }

    private func count(_ outcome: RequestOutcome, of exchange: borrowing Exchange, _ kind: RequestKind) {
        guard let pool = exchange.endpoint?.attachment as? EndpointPool, let route = exchange.route else {
            return self.requests.record(outcome, on: self.labels(exchange, kind, false))
        }
        if let edge = pool.edges.find(route: route.index, name: route.name, kind) { return edge.record(outcome) }
        let edge = self.requests.edge(self.labels(exchange, kind, pool.target.isTLS))
        pool.edges.add(edge, route: route.index, name: route.name, kind)
        edge.record(outcome)
    }

    private func verdict(
        on trace: RequestTrace?, _ direction: RequestLabels.Direction, _ outcome: RequestOutcome, _ latency: Duration
    ) -> LoopTracer.Verdict {
        guard let trace, let tracer = self.tracer else { return .drop }
        return tracer.verdict(
            on: trace, direction, latency: latency.wholeNanoseconds,
            isFailure: RequestSpan.isFailure(
                status: outcome.status, grpcStatus: outcome.grpcStatus, reason: outcome.reason))
    }

    /// Second attempts beside the first, and injected faults.
    private func countEvents(of exchange: borrowing Exchange) {
        let destination = exchange.cluster?.cluster.metricDestination ?? "unknown"
        let route = exchange.route?.name ?? ""
        if let outcome = exchange.hedgeOutcome {
            self.registry.add(
                to: self.registry.series(MetricNames.hedges, [destination, route, outcome.rawValue]))
        }
        if let event = exchange.faultEvent {
            self.registry.add(to: self.registry.series(MetricNames.faults, [destination, route, event.rawValue]))
        }
    }

    private func labels(_ exchange: borrowing Exchange, _ kind: RequestKind, _ tls: Bool) -> RequestLabels {
        // Never a name that a caller made up: it would let anybody grow the metrics.
        RequestLabels(
            source: self.service, destination: exchange.cluster?.cluster.metricDestination ?? "unknown",
            route: exchange.route?.name ?? "", version: exchange.endpoint?.endpoint.version ?? "", direction: .outbound,
            protocol: kind.rawValue, tls: tls, peerIdentity: exchange.endpoint?.endpoint.identity?.description ?? "")
    }

    // MARK: Inbound requests

    func record(
        _ exchange: borrowing InboundExchange, from connection: DownstreamConnection,
        to application: ApplicationEndpoint, audit: String = "", trace: RequestTrace? = nil
    ) {
        var outcome = RequestOutcome(
            status: exchange.status, grpcStatus: exchange.grpcStatus, reason: exchange.reason,
            duration: exchange.end - exchange.start, receivedBytes: exchange.requestBytes,
            sentBytes: exchange.responseBytes)
        outcome.readTrace(exchange.head.headers)
        let kind = RequestKind(
            isGRPC: exchange.isGRPC, isConnect: exchange.isConnect, isHTTP2: connection.isHTTP2)
        if self.countsRequests { self.count(outcome, kind, from: connection, to: application) }
        self.records.record(exchange, kind, from: connection, to: application, audit: audit)
        if let limit = exchange.reply?.rateLimit {
            self.registry.add(
                to: self.registry.series(
                    MetricNames.rateLimited, [application.service.description, limit.name]))
        }
        let latency = (exchange.responseStart ?? exchange.end) - exchange.start
        let verdict = self.verdict(on: trace, .inbound, outcome, latency)
        let isLogged = self.isLogged(outcome, trace, exchange.head)
        guard isLogged || verdict != .drop else { return }
        var record = RequestRecord()
        self.fill(&record, outcome, head: exchange.head, kind, connection)
        record.policy = exchange.reply?.provenance
        record.audit = audit
        record.direction = .inbound
        record.source = connection.sourceService
        record.sourceIdentity = connection.peerText
        record.destination = application.service.description
        record.version = self.version
        record.detail = exchange.detail
        record.responseAfter = exchange.responseStart.map { $0 - exchange.start }
        record.deadlineLeft = exchange.deadlineLeft(now: exchange.end)
        if isLogged { self.write(record, trace) }
        if let trace {
            self.tracer?.keep(
                record, trace, verdict, latency: latency.wholeNanoseconds, peer: connection.peerAddress)
        }
    }

    private func count(
        _ outcome: RequestOutcome, _ kind: RequestKind, from connection: DownstreamConnection,
        to application: ApplicationEndpoint
    ) {
        if let edge = connection.edges.find(route: 0, name: "", kind) { return edge.record(outcome) }
        let edge = self.requests.edge(
            RequestLabels(
                source: connection.sourceService, destination: application.service.description, route: "",
                version: self.version, direction: .inbound, protocol: kind.rawValue, tls: connection.peer != nil,
                peerIdentity: connection.peerText))
        connection.edges.add(edge, route: 0, name: "", kind)
        edge.record(outcome)
    }

    // MARK: Requests that could not be read

    /// A request refused by the codec; `head` has what is known of it.
    func record(
        _ refusal: MessageRefusal, of head: RequestHead, from connection: DownstreamConnection, service: String,
        now: MonotonicInstant
    ) {
        self.registry.add(
            to: self.registry.series(MetricNames.requestsRefused, [connection.role.label, "\(refusal.status)"]))
        let isInbound = if case .inbound = connection.role { true } else { false }
        let kind = RequestKind(isGRPC: false, isHTTP2: connection.isHTTP2)
        let outcome = RequestOutcome(status: refusal.status, reason: refusal.reason, duration: .zero)
        let source = isInbound ? connection.sourceService : self.service
        if self.countsRequests {
            self.requests.record(
                outcome,
                on: RequestLabels(
                    source: source, destination: service.isEmpty ? "unknown" : service, route: "",
                    version: isInbound ? self.version : "",
                    direction: isInbound ? .inbound : .outbound, protocol: kind.rawValue, tls: connection.peer != nil,
                    peerIdentity: connection.peerText))
        }
        self.records.record(
            refusal, of: head, kind, from: connection, isInbound: isInbound, service: service, now: now)
        guard self.isLogged(outcome, nil, nil) else { return }
        var record = RequestRecord()
        self.fill(&record, outcome, head: head, kind, connection)
        record.direction = isInbound ? .inbound : .outbound
        record.source = source
        record.sourceIdentity = connection.peerText
        record.destination = service
        record.detail = refusal.cause
        self.write(record, nil)
    }

    // MARK: The log

    private func isLogged(_ outcome: RequestOutcome, _ trace: RequestTrace?, _ head: RequestHead?) -> Bool {
        switch self.mode {
        case .off: false
        case .all: true
        case .errors: outcome.isWorthLogging
        case .sampled: outcome.isWorthLogging || self.isSampled(trace, head)
        }
    }

    /// As its trace is; where there is none, one in so many.
    private func isSampled(_ trace: RequestTrace?, _ head: RequestHead?) -> Bool {
        if let trace { return trace.context.isSampled }
        if let head, let index = head.headers.firstIndex(of: .traceparent),
            let context = head.headers.withValue(at: index, { TraceContext(traceparent: $0) })
        {
            return context.isSampled
        }
        let ratio = self.settings.sampling.ratio
        guard ratio > 0 else { return false }
        self.undecided += 1
        guard Double(self.undecided) * ratio >= 1 else { return false }
        self.undecided = 0
        return true
    }

    /// What both sides tell of a request.
    private func fill(
        _ record: inout RequestRecord, _ outcome: RequestOutcome, head: borrowing RequestHead, _ kind: RequestKind,
        _ connection: DownstreamConnection
    ) {
        let elapsed = Double(outcome.duration.wholeNanoseconds) / 1e9
        record.startedAt = Int64((Date().timeIntervalSince1970 - elapsed) * 1000)
        record.requestID = head.headers[.xRequestID] ?? ""
        record.traceparent = head.headers[.traceparent] ?? ""
        record.protocol = kind.rawValue
        record.method = head.method.text
        record.authority = self.settings.redaction.authority(head.authority)
        record.path = self.settings.redaction.path(head.path)
        for name in self.settings.loggedHeaders {
            guard let value = head.headers[name] else { continue }
            record.headers.append(
                RequestRecord.Header(name: name, value: self.settings.redaction.value(value, of: name)))
        }
        record.status = outcome.status
        record.grpcStatus = outcome.grpcStatus
        record.reason = outcome.reason
        record.receivedBytes = outcome.receivedBytes
        record.sentBytes = outcome.sentBytes
        record.duration = outcome.duration
    }

    private func write(_ record: RequestRecord, _ trace: RequestTrace?) {
        if let exports = self.exports, self.settings.accessLogOutput == .otlp {
            return self.collect(record, trace, exports)
        }
        AccessLog.append(record, to: &self.lines)
        if self.lines.count >= Self.batch { return self.flushLog() }
        self.scheduleFlush()
    }

    private func collect(_ record: RequestRecord, _ trace: RequestTrace?, _ exports: TelemetryExports) {
        guard exports.lines.hasRoom else { return exports.lines.countLoss() }
        var line = JSONLines()
        AccessLog.append(record, to: &line)
        let text = Array(line.written.dropLast())
        self.collected.append(
            LogLine(
                time: UInt64(clamping: record.startedAt) &* 1_000_000,
                isError: RequestSpan.isFailure(
                    status: record.status, grpcStatus: record.grpcStatus, reason: record.reason),
                text: text, trace: trace?.context))
        if self.collected.count >= 64 { return self.flushLog() }
        self.scheduleFlush()
    }

    private func scheduleFlush() {
        guard self.flush == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.flush = self.eventLoop.scheduleTask(in: .milliseconds(100)) { bound.value.flushLog() }
    }

    /// Hands over everything: the sidecar stops.
    func close() {
        self.flushLog()
        self.tracer?.close()
    }

    /// Hands over what is there: a line is seen a tenth of a second after its request at the latest.
    func flushLog() {
        self.flush?.cancel()
        self.flush = nil
        if !self.collected.isEmpty {
            self.exports?.lines.offer(self.collected.map { ($0, $0.cost) })
            self.collected.removeAll(keepingCapacity: true)
        }
        guard self.lines.count > 0 else { return }
        self.log.append(self.lines.written)
        self.lines.removeAll(keeping: 2 * Self.batch)
    }
}

extension RequestOutcome {
    /// Whether it belongs into a log of errors.
    fileprivate var isWorthLogging: Bool {
        self.status >= 500 || self.reason != .ok || (self.grpcStatus ?? 0) != 0
    }
}

/// What a request speaks, as metrics tell it.
enum RequestKind: String {
    case http1 = "http/1.1"
    case http2 = "h2"
    case grpc
    /// Bytes: a TCP connection, or a CONNECT of a peer's that carries one.
    case tcp

    init(isGRPC: Bool, isConnect: Bool = false, isHTTP2: Bool) {
        self = isGRPC ? .grpc : isConnect ? .tcp : isHTTP2 ? .http2 : .http1
    }
}

/// The few edges that a pool or a connection meets, so that counting a request looks nothing up by text.
struct EdgeCache {
    private struct Entry {
        let route: Int
        let name: String
        let kind: RequestKind
        let edge: EdgeSeries
    }

    /// Beyond these a request is counted the slow way.
    private static let limit = 64
    private var entries: [Entry] = []

    /// `name` tells routes of one number in different snapshots apart.
    func find(route: Int, name: String, _ kind: RequestKind) -> EdgeSeries? {
        for entry in self.entries where entry.route == route && entry.kind == kind && entry.name == name {
            return entry.edge
        }
        return nil
    }

    mutating func add(_ edge: EdgeSeries, route: Int, name: String, _ kind: RequestKind) {
        if self.entries.count < Self.limit {
            self.entries.append(Entry(route: route, name: name, kind: kind, edge: edge))
        }
    }

    mutating func removeAll() { self.entries.removeAll() }
}

extension ListenerRole {
    /// The `listener` label.
    var label: String {
        switch self {
        case .outbound: "outbound"
        case .upstream: "upstream"
        case .inbound: "inbound"
        }
    }
}

extension MessageRefusal {
    /// The reason code of what a codec refuses.
    var reason: Reason { self.isTooLarge ? .headersTooLarge : .badRequest }
}
