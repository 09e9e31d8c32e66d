internal import WeftHTTP
internal import WeftMessage
internal import WeftModel
internal import WeftTelemetry
internal import WeftTraffic

/// Writes what became of requests into the loop's ring. Belongs to its loop; makes nothing on the heap for a request but the
/// first of its route.
final class RecordKeeper {
    let ring: RecordRing
    private let service: String
    private let version: String
    private let selection: RecordSelection
    /// What is kept where no route wants more.
    private let standard: KeptFields

    /// What is kept of header fields.
    private final class KeptFields {
        enum Part: UInt8 {
            case nothing, name, value
        }

        /// By the number of a well-known name.
        let known: [Part]
        private let others: [(name: [UInt8], part: Part)]
        var hasOthers: Bool { !self.others.isEmpty }

        /// - Parameters:
        ///   - values: names of the fields whose values are kept.
        ///   - names: of those that are kept by name alone.
        init(values: Set<String>, names: Set<String> = []) {
            func part(_ name: String) -> Part {
                values.contains(name) ? .value : names.contains(name) ? .name : .nothing
            }
            self.known = FieldName.allCases.map { $0 == .other ? .nothing : part("\($0.text)") }
            self.others = values.union(names).filter { FieldName($0) == .other }.map { (Array($0.utf8), part($0)) }
        }

        func part(ofOther name: UnsafeRawBufferPointer) -> Part {
            for kept in self.others where kept.name.count == name.count && kept.name.elementsEqual(name) {
                return kept.part
            }
            return .nothing
        }
    }

    private struct RouteKey: Hashable {
        let route: ObjectIdentifier
        let backend: Int
    }

    /// The route is held so that no other gets its place in memory, and its number with it.
    private struct Known {
        let route: CompiledRoute
        let context: RecordRing.Held
    }

    private var contexts: [RouteKey: Known] = [:]
    private var lastKey: RouteKey?
    private var lastContext: RecordRing.Held?
    private var applications: [ServiceName: RecordRing.Held] = [:]
    /// By table; each is held as a route is.
    private var tables: [ObjectIdentifier: (table: RouteTable, kept: KeptFields)] = [:]
    private var lastTable: (table: RouteTable, kept: KeptFields)?

    private let isOff: Bool
    /// What a record takes, on average.
    private static let bytes = 320

    /// - Parameter records: what all loops of a sidecar keep together; none for zero.
    init(
        service: String, version: String, selection: RecordSelection = RecordSelection(), records: Int = 10_000,
        loops: Int
    ) {
        let own = records / max(1, loops)
        self.isOff = own == 0
        self.ring = RecordRing(records: own, bytes: own * Self.bytes)
        self.service = service
        self.version = version
        self.selection = selection
        self.standard = KeptFields(values: selection.kept)
    }

    /// Another configuration is in force: what was made of routes and clusters may not be true any more.
    func configurationChanged() {
        self.contexts.removeAll(keepingCapacity: true)
        self.lastKey = nil
        self.lastContext = nil
        self.tables.removeAll(keepingCapacity: true)
        self.lastTable = nil
    }

    // MARK: Outbound

    func record(
        _ exchange: borrowing Exchange, _ kind: RequestKind, to destination: Destination
    ) {
        guard !self.isOff else { return }
        let context = self.context(of: exchange)
        let isFailed = exchange.reason != .ok || exchange.status >= 500 || (exchange.grpcStatus ?? 0) != 0
        var flags = isFailed ? RecordHead.Flags.failure : RecordHead.Flags(rawValue: 0)
        var figures = RecordCoding.Figures()
        figures.start = exchange.start.nanoseconds
        figures.duration = exchange.end.nanoseconds - exchange.start.nanoseconds
        if let began = exchange.responseStart {
            flags.insert(.responded)
            figures.responseAfter = began.nanoseconds - exchange.start.nanoseconds
        }
        figures.status = exchange.status
        if let status = exchange.grpcStatus {
            flags.insert(.grpcStatus)
            figures.grpcStatus = status
        }
        figures.receivedBytes = exchange.requestBytes
        figures.sentBytes = exchange.responseBytes
        let deadline = exchange.deadlineMoment
        if deadline.at != .never {
            flags.insert(.deadline)
            if deadline.isCallers { flags.insert(.callersDeadline) }
            figures.deadline = deadline.at.nanoseconds - exchange.start.nanoseconds
            figures.deadlineLeft = deadline.at.nanoseconds - exchange.end.nanoseconds
        }
        if exchange.outgrewReplay { flags.insert(.outgrewReplay) }
        figures.protocolCode = kind.code
        let kept = if case .routes(let table) = destination.meaning { self.kept(for: table) } else { self.standard }
        self.ring.write(context) { writer in
            if let head = exchange.arrivedHead {
                self.begin(&writer, flags, exchange.reason, figures, head.headers, kept)
            } else {
                self.begin(&writer, flags, exchange.reason, figures, exchange.head.headers, kept)
            }
            writer.put(self.service)
            writer.put("")
            writer.put("")
            writer.put(context == nil ? destination.name : "", max: RecordCoding.Limits.name)
            writer.put("")
            writer.put(exchange.detail, max: RecordCoding.Limits.detail)
            if exchange.reason == .ok {
                writer.put(byte: 0)
            } else {
                RecordCoding.provenance(&writer, exchange.responsibleResource)
            }
            writer.put("")
            var failures: UInt8 = 0
            for attempt in exchange.earlierAttempts.suffix(RecordCoding.Limits.attempts - 1) {
                self.put(attempt, from: exchange.start, &writer, &failures)
            }
            self.putLast(of: exchange, &writer, &failures)
            RecordCoding.endList(&writer)
        }
    }

    private func put(
        _ attempt: borrowing AttemptRecord, from start: MonotonicInstant, _ writer: inout RecordWriter,
        _ failures: inout UInt8
    ) {
        RecordCoding.noteAttempt(&writer, attempt.reason, known: &failures)
        Self.begin(&writer, attempt.upstream, attempt.pick)
        var outcome = RecordCoding.Outcome()
        outcome.startedAfter = attempt.start.nanoseconds - start.nanoseconds
        outcome.duration = attempt.end.nanoseconds - attempt.start.nanoseconds
        outcome.connectedAfter = attempt.sentAt.map { $0.nanoseconds - attempt.start.nanoseconds }
        outcome.isKept = attempt.isKept
        outcome.isHedge = attempt.isHedge
        outcome.isLost = attempt.isLost
        outcome.status = attempt.status
        outcome.reason = attempt.reason
        outcome.after = attempt.after
        RecordCoding.outcome(&writer, outcome, detail: attempt.failure?.detail ?? "")
    }

    /// The attempt that most requests have alone, without a copy of it.
    private func putLast(
        of exchange: borrowing Exchange, _ writer: inout RecordWriter, _ failures: inout UInt8
    ) {
        guard let upstream = exchange.lastEndpoint else { return }
        RecordCoding.noteAttempt(&writer, exchange.attemptReason, known: &failures)
        Self.begin(&writer, upstream, exchange.attemptPick)
        let start = exchange.attemptStart.nanoseconds
        var outcome = RecordCoding.Outcome()
        outcome.startedAfter = start - exchange.start.nanoseconds
        outcome.duration = exchange.lastAttemptEnd.nanoseconds - start
        outcome.connectedAfter = exchange.lastSentAt.map { $0.nanoseconds - start }
        outcome.isKept = exchange.isKept
        outcome.isHedge = exchange.isHedge
        outcome.isLost = exchange.attemptLost
        outcome.status = exchange.attemptStatus
        outcome.reason = exchange.attemptReason
        outcome.after = exchange.after
        if exchange.attemptFailure == nil {
            RecordCoding.outcome(&writer, outcome, detail: "")
        } else {
            RecordCoding.outcome(&writer, outcome, detail: exchange.attemptFailure?.detail ?? "")
        }
    }

    private static func begin(
        _ writer: inout RecordWriter, _ upstream: UpstreamEndpoint, _ pick: borrowing AttemptPick
    ) {
        let part =
            if let pool = upstream.attachment as? EndpointPool { pool.texts(of: upstream).part } else {
                RecordCoding.part(of: upstream.endpoint)
            }
        RecordCoding.attempt(&writer, endpoint: part, pick: pick)
    }

    private func context(of exchange: borrowing Exchange) -> RecordRing.Held? {
        guard let route = exchange.route else { return nil }
        let key = RouteKey(route: ObjectIdentifier(route), backend: exchange.backendIndex)
        if key == self.lastKey { return self.lastContext }
        let held: RecordRing.Held
        if let known = self.contexts[key] {
            held = known.context
        } else {
            // Beyond these they start over: a mesh with more routes in use pays for making some anew.
            if self.contexts.count >= 512 { self.contexts.removeAll(keepingCapacity: true) }
            held = RecordRing.Held(RecordContext(route, exchange.cluster?.cluster))
            self.contexts[key] = Known(route: route, context: held)
        }
        self.lastKey = key
        self.lastContext = held
        return held
    }

    // MARK: Inbound

    func record(
        _ exchange: borrowing InboundExchange, _ kind: RequestKind, from connection: DownstreamConnection,
        to application: ApplicationEndpoint, audit: String
    ) {
        guard !self.isOff else { return }
        let isFailed = exchange.reason != .ok || exchange.status >= 500 || (exchange.grpcStatus ?? 0) != 0
        var flags = isFailed ? RecordHead.Flags.inboundFailure : .inbound
        var figures = RecordCoding.Figures()
        figures.start = exchange.start.nanoseconds
        figures.duration = exchange.end.nanoseconds - exchange.start.nanoseconds
        if let began = exchange.responseStart {
            flags.insert(.responded)
            figures.responseAfter = began.nanoseconds - exchange.start.nanoseconds
        }
        figures.status = exchange.status
        if let status = exchange.grpcStatus {
            flags.insert(.grpcStatus)
            figures.grpcStatus = status
        }
        figures.receivedBytes = exchange.requestBytes
        figures.sentBytes = exchange.responseBytes
        let deadline = exchange.deadlineMoment
        if deadline != .never {
            flags.insert(.deadline)
            flags.insert(.callersDeadline)
            figures.deadline = deadline.nanoseconds - exchange.start.nanoseconds
            figures.deadlineLeft = deadline.nanoseconds - exchange.end.nanoseconds
        }
        figures.attempt = exchange.attempt
        figures.protocolCode = kind.code
        self.ring.write(self.context(of: application.service)) { writer in
            self.begin(&writer, flags, exchange.reason, figures, exchange.head.headers, self.standard)
            writer.put(connection.sourceService, max: RecordCoding.Limits.name)
            writer.put(connection.peerText, max: RecordCoding.Limits.identity)
            writer.put(connection.peerAddress, max: RecordCoding.Limits.name)
            writer.put("")
            writer.put(self.version, max: RecordCoding.Limits.name)
            writer.put(exchange.detail, max: RecordCoding.Limits.detail)
            RecordCoding.provenance(&writer, exchange.reply?.provenance)
            writer.put(audit, max: RecordCoding.Limits.detail)
            // What never came as far as the application has no attempt at it.
            if exchange.sentAt != nil || exchange.failure != nil {
                RecordCoding.attemptAtApplication(&writer, port: application.port)
                var failures: UInt8 = 0
                RecordCoding.noteAttempt(&writer, exchange.failure?.reason ?? .ok, known: &failures)
                var outcome = RecordCoding.Outcome()
                outcome.connectedAfter = exchange.sentAt.map { $0.nanoseconds - exchange.start.nanoseconds }
                let end = exchange.responseStart ?? exchange.end
                outcome.duration = end.nanoseconds - exchange.start.nanoseconds
                outcome.isKept = exchange.isKept
                outcome.status = exchange.responseStart == nil ? nil : exchange.status
                outcome.reason = exchange.failure?.reason ?? .ok
                RecordCoding.outcome(&writer, outcome, detail: exchange.failure?.detail ?? "")
            }
            RecordCoding.endList(&writer)
        }
    }

    private func context(of service: ServiceName) -> RecordRing.Held {
        if let known = self.applications[service] { return known }
        let held = RecordRing.Held(RecordContext(destination: service.description))
        if self.applications.count < 64 { self.applications[service] = held }
        return held
    }

    // MARK: Requests that could not be read

    /// - Parameter head: what is known of it.
    func record(
        _ refusal: MessageRefusal, of head: RequestHead, _ kind: RequestKind, from connection: DownstreamConnection,
        isInbound: Bool, service: String, now: MonotonicInstant
    ) {
        guard !self.isOff else { return }
        var figures = RecordCoding.Figures()
        figures.start = now.nanoseconds
        figures.status = refusal.status
        figures.protocolCode = kind.code
        self.ring.write(nil) { writer in
            self.begin(
                &writer, isInbound ? [.inbound, .failed] : .failed, refusal.reason, figures, head.headers, self.standard
            )
            writer.put(isInbound ? connection.sourceService : self.service, max: RecordCoding.Limits.name)
            writer.put(connection.peerText, max: RecordCoding.Limits.identity)
            writer.put(isInbound ? connection.peerAddress : "", max: RecordCoding.Limits.name)
            writer.put(service, max: RecordCoding.Limits.name)
            writer.put(isInbound ? self.version : "", max: RecordCoding.Limits.name)
            writer.put(refusal.cause, max: RecordCoding.Limits.detail)
            RecordCoding.provenance(&writer, nil)
            writer.put("")
            RecordCoding.endList(&writer)
        }
    }

    // MARK: Head

    private func begin(
        _ writer: inout RecordWriter, _ flags: RecordHead.Flags, _ reason: Reason, _ figures: RecordCoding.Figures,
        _ headers: borrowing HeaderBlock, _ kept: KeptFields
    ) {
        let isWhole = flags.contains(.allHeaders)
        headers.withFields { bytes, fields in
            var places = HeadPlaces()
            for index in 0..<fields.count { places.note(fields[index].name, at: index) }
            func value(_ place: Int) -> UnsafeRawBufferPointer {
                place < 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : fields[place].value(in: bytes)
            }
            RecordCoding.begin(&writer, flags, reason, id: value(places.id), figures)
            writer.put(value(places.method), max: 32)
            writer.put(value(places.authority), max: RecordCoding.Limits.authority)
            writer.put(path: value(places.path), max: RecordCoding.Limits.path)
            var count = 0
            for index in 0..<fields.count where count < RecordCoding.Limits.headers {
                let field = fields[index]
                switch field.name {
                case .method, .scheme, .authority, .path, .xRequestID: continue
                case .other:
                    guard isWhole || kept.hasOthers else { continue }
                    let name = field.otherName(in: bytes)
                    let part = kept.part(ofOther: name)
                    guard part != .nothing || isWhole else { continue }
                    RecordCoding.header(&writer, name: name, value: part == .value ? field.value(in: bytes) : nil)
                default:
                    let part = kept.known[Int(field.name.rawValue)]
                    guard part != .nothing || isWhole else { continue }
                    let text = field.name.text
                    RecordCoding.header(
                        &writer,
                        name: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
                        value: part == .value ? field.value(in: bytes) : nil)
                }
                count += 1
            }
            RecordCoding.endList(&writer)
        }
    }

    /// Where a head has what every record begins with: the first of each, -1 where there is none.
    private struct HeadPlaces {
        var id = -1
        var method = -1
        var authority = -1
        var path = -1

        mutating func note(_ name: FieldName, at place: Int) {
            switch name {
            case .xRequestID where self.id < 0: self.id = place
            case .method where self.method < 0: self.method = place
            case .authority where self.authority < 0: self.authority = place
            case .path where self.path < 0: self.path = place
            default: break
            }
        }
    }

    /// What routes are matched by is kept besides, so that it can be told why others did not; of secrets only that they
    /// were there.
    private func kept(for table: RouteTable) -> KeptFields {
        if let last = self.lastTable, last.table === table { return last.kept }
        if let known = self.tables[ObjectIdentifier(table)] {
            self.lastTable = known
            return known.kept
        }
        if self.tables.count >= 512 { self.tables.removeAll(keepingCapacity: true) }
        var names: Set<String> = []
        for route in table.routes {
            names.formUnion(route.route.match.headers.map(\.name))
            if names.count >= RecordSelection.maxMatched { break }
        }
        let kept = KeptFields(
            values: self.selection.kept.union(names.subtracting(self.selection.secret)),
            names: names.intersection(self.selection.secret))
        self.tables[ObjectIdentifier(table)] = (table, kept)
        return kept
    }
}

extension HeaderBlock.Field {
    fileprivate func value(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = Int(self.valueStart)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(self.valueCount)])
    }

    fileprivate func otherName(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = Int(self.nameStart)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(self.nameCount)])
    }
}

extension RequestKind {
    /// Its place in `RecordCoding.protocols`.
    fileprivate var code: UInt8 {
        switch self {
        case .http1: 0
        case .http2: 1
        case .grpc: 2
        case .tcp: 3
        }
    }
}
