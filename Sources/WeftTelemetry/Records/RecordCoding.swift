package import WeftModel

/// The form of a record in the ring: what is written in which order, and read back.
///
/// flags, reason, how attempts failed, request id · figures · method, authority, path · headers · who and where · attempts. Only this process
/// reads it, so that it may change.
package enum RecordCoding {
    /// The numbers of a record. Moments and spans in nanoseconds.
    package struct Figures: Hashable, Sendable {
        /// By the process's monotonic clock.
        package var start: Int64 = 0
        package var duration: Int64 = 0
        /// Counts with the flag `responded`.
        package var responseAfter: Int64 = 0
        package var status = 0
        /// Counts with the flag `grpcStatus`.
        package var grpcStatus = 0
        package var receivedBytes = 0
        package var sentBytes = 0
        /// Left at arrival and at the end; both count with the flag `deadline`.
        package var deadline: Int64 = 0
        package var deadlineLeft: Int64 = 0
        package var attempt = 1
        /// A place in `protocols`.
        package var protocolCode: UInt8 = 0

        package init() {}
    }

    package static let protocols = ["http/1.1", "h2", "grpc", "tcp"]

    /// The longest texts that are kept, in bytes.
    package enum Limits {
        package static let path = HopRecord.maxPathBytes
        package static let authority = HopRecord.maxValueBytes
        package static let headerName = 64
        package static let headerValue = HopRecord.maxValueBytes
        package static let headers = HopRecord.maxHeaders
        package static let identity = 192
        package static let name = 96
        package static let detail = 256
        package static let attempts = 16
    }

    // MARK: Writing, in this order

    package static func begin(
        _ writer: inout RecordWriter, _ flags: RecordHead.Flags, _ reason: Reason, id: UnsafeRawBufferPointer,
        _ figures: Figures
    ) {
        writer.put(byte: flags.rawValue)
        writer.put(byte: reason.code)
        writer.put(byte: 0)
        writer.put(id, max: RecordHead.maxID)
        writer.put(signed: figures.start)
        writer.put(signed: figures.duration / 1000)
        if flags.contains(.responded) { writer.put(signed: figures.responseAfter / 1000) }
        writer.put(figures.status)
        if flags.contains(.grpcStatus) { writer.put(figures.grpcStatus) }
        writer.put(figures.receivedBytes)
        writer.put(figures.sentBytes)
        if flags.contains(.deadline) {
            writer.put(signed: figures.deadline / 1000)
            writer.put(signed: figures.deadlineLeft / 1000)
        }
        writer.put(figures.attempt)
        writer.put(byte: figures.protocolCode)
    }

    /// A field of the head; nil keeps its name alone.
    package static func header(
        _ writer: inout RecordWriter, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?
    ) {
        writer.put(byte: value == nil ? 1 : 2)
        writer.put(name, max: Limits.headerName)
        if let value { writer.put(value, max: Limits.headerValue) }
    }

    /// Says in the head how attempts failed, for searches: `reason` is how another one did, `ok` says nothing.
    package static func noteAttempt(_ writer: inout RecordWriter, _ reason: Reason, known: inout UInt8) {
        guard reason != .ok, known != reason.code else { return }
        known = known == 0 ? reason.code : RecordHead.several
        writer.replace(at: RecordHead.attemptReasonPlace, with: known)
    }

    /// Ends a list of headers, of attempts or of absent endpoints.
    package static func endList(_ writer: inout RecordWriter) { writer.put(byte: 0) }

    package static func provenance(_ writer: inout RecordWriter, _ provenance: Provenance?) {
        guard let provenance else { return writer.put(byte: 0) }
        writer.put(byte: 1)
        writer.put(provenance.resource.kind.rawValue, max: Limits.name)
        writer.put(provenance.resource.namespace, max: Limits.name)
        writer.put(provenance.resource.name, max: Limits.name)
        writer.put(signed: provenance.revision.number)
        writer.put(provenance.file ?? "", max: Limits.detail)
        writer.put(provenance.line ?? 0)
        writer.put(provenance.rule ?? 0)
    }

    /// How an attempt begins: with its endpoint.
    package static func part(of endpoint: Endpoint) -> RecordPart {
        RecordPart { writer in
            writer.put(byte: 1)
            writer.put(endpoint.workload, max: Limits.name)
            writer.put(endpoint.address, max: Limits.name)
            writer.put(endpoint.port)
            writer.put(endpoint.identity?.trustDomain.name ?? "", max: Limits.name)
            writer.put(endpoint.identity?.path ?? "", max: Limits.identity)
            writer.put(endpoint.version, max: Limits.name)
        }
    }

    /// What is told of an attempt's endpoint, and why it was picked.
    package static func attempt(_ writer: inout RecordWriter, endpoint: RecordPart, pick: borrowing AttemptPick) {
        writer.put(endpoint)
        writer.put(byte: pick.cause.rawValue)
        writer.put(pick.known)
        writer.put(pick.serving)
        writer.put(byte: (pick.isPanic ? 1 : 0))
        writer.put(pick.rampPercent)
        for absent in pick.absent.prefix(4) {
            writer.put(byte: 1 + absent.cause.rawValue)
            writer.put(absent.workload, max: Limits.name)
        }
        writer.put(byte: 0)
    }

    /// The application as an attempt's endpoint.
    package static func attemptAtApplication(_ writer: inout RecordWriter, port: Int) {
        writer.put(byte: 2)
        writer.put(port)
    }

    /// What became of an attempt; after its endpoint.
    package static func outcome(_ writer: inout RecordWriter, _ outcome: Outcome, detail: String) {
        writer.put(signed: outcome.startedAfter / 1000)
        writer.put(signed: outcome.duration / 1000)
        var flags: UInt8 = 0
        if outcome.connectedAfter != nil { flags |= 1 }
        if outcome.isKept { flags |= 2 }
        if outcome.isHedge { flags |= 4 }
        if outcome.isLost { flags |= 8 }
        writer.put(byte: flags)
        if let connected = outcome.connectedAfter { writer.put(signed: connected / 1000) }
        writer.put(outcome.status ?? 0)
        writer.put(byte: outcome.reason.code)
        writer.put(byte: outcome.after.rawValue)
        writer.put(detail, max: Limits.detail)
    }

    /// What became of one attempt. Spans in nanoseconds.
    package struct Outcome: Hashable, Sendable {
        package var startedAfter: Int64 = 0
        package var duration: Int64 = 0
        package var connectedAfter: Int64?
        package var isKept = false
        package var isHedge = false
        package var isLost = false
        package var status: Int?
        package var reason = Reason.ok
        package var after = AfterAttempt.nothing

        package init() {}
    }

    // MARK: Reading

    static func decode(_ bytes: ArraySlice<UInt8>, _ context: RecordContext?, clockOffset: Int64) -> HopRecord {
        var reader = RecordReader(bytes)
        var record = HopRecord()
        let flags = RecordHead.Flags(rawValue: reader.byte())
        func milliseconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1000 }
        record.direction = flags.contains(.inbound) ? .inbound : .outbound
        record.hasAllHeaders = flags.contains(.allHeaders)
        record.outgrewReplay = flags.contains(.outgrewReplay)
        record.deadlineIsCallers = flags.contains(.callersDeadline)
        record.reason = Reason(code: reader.byte())
        // Attempts tell of themselves.
        _ = reader.byte()
        record.requestID = reader.text()
        record.startedAtMs = Double((reader.signed() &+ clockOffset) / 1000) / 1000
        record.durationMs = milliseconds(reader.signed())
        if flags.contains(.responded) { record.responseAfterMs = milliseconds(reader.signed()) }
        record.status = reader.int()
        if flags.contains(.grpcStatus) { record.grpcStatus = reader.int() }
        record.receivedBytes = reader.int()
        record.sentBytes = reader.int()
        if flags.contains(.deadline) {
            record.deadlineMs = milliseconds(reader.signed())
            record.deadlineLeftMs = milliseconds(reader.signed())
        }
        record.attempt = reader.int()
        record.protocol = Self.protocols[min(Int(reader.byte()), Self.protocols.count - 1)]
        record.method = reader.text()
        record.authority = reader.text()
        record.path = reader.text()
        while case let mark = reader.byte(), mark != 0 {
            let name = reader.text()
            record.headers.append(HopRecord.Header(name: name, value: mark == 2 ? reader.text() : nil))
        }
        record.source = reader.text()
        record.sourceIdentity = Self.some(reader.text())
        record.sourceAddress = Self.some(reader.text())
        record.destination = reader.text()
        record.version = reader.text()
        record.detail = reader.text()
        record.policy = Self.provenance(&reader)
        record.audit = reader.text()
        while case let mark = reader.byte(), mark != 0 {
            record.attempts.append(Self.attempt(&reader, isApplication: mark == 2))
        }
        record.numberAttempts()
        if let context {
            if record.destination.isEmpty { record.destination = context.destination }
            record.cluster = context.cluster
            record.route = context.route
            record.routeSource = context.routeSource
            record.policies = context.policies
        }
        if record.direction == .outbound, let last = record.attempts.last {
            record.version = last.version
            // Who answered has proved to be who it must be.
            if last.connectedAfterMs != nil { record.destinationIdentity = last.identity }
        }
        return record
    }

    private static func attempt(_ reader: inout RecordReader, isApplication: Bool) -> HopRecord.Attempt {
        var attempt = HopRecord.Attempt()
        if isApplication {
            attempt.address = "127.0.0.1:\(reader.int())"
        } else {
            attempt.workload = reader.text()
            let address = reader.text()
            let port = reader.int()
            attempt.address = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
            let domain = reader.text()
            let path = reader.text()
            attempt.identity = domain.isEmpty ? nil : "spiffe://\(domain)\(path)"
            attempt.version = reader.text()
            var pick = AttemptPick()
            pick.cause = PickCause(rawValue: reader.byte()) ?? .onlyOne
            pick.known = reader.int()
            pick.serving = reader.int()
            pick.isPanic = reader.byte() == 1
            pick.rampPercent = reader.int()
            while case let mark = reader.byte(), mark != 0 {
                let cause = AbsentEndpoint.Cause(rawValue: mark - 1) ?? .unreachable
                pick.absent.append(AbsentEndpoint(workload: reader.text(), cause: cause))
            }
            attempt.pick = pick
        }
        attempt.startedAfterMs = Double(reader.signed()) / 1000
        attempt.durationMs = Double(reader.signed()) / 1000
        let flags = reader.byte()
        attempt.isKept = flags & 2 != 0
        attempt.isHedge = flags & 4 != 0
        attempt.isLost = flags & 8 != 0
        if flags & 1 != 0 { attempt.connectedAfterMs = Double(reader.signed()) / 1000 }
        let status = reader.int()
        attempt.status = status == 0 ? nil : status
        attempt.reason = Reason(code: reader.byte())
        attempt.after = AfterAttempt(rawValue: reader.byte()) ?? .nothing
        attempt.detail = reader.text()
        return attempt
    }

    private static func provenance(_ reader: inout RecordReader) -> Provenance? {
        guard reader.byte() == 1 else { return nil }
        let kind = reader.text()
        let (namespace, name) = (reader.text(), reader.text())
        let revision = reader.signed()
        let file = Self.some(reader.text())
        let line = reader.int()
        let rule = reader.int()
        return ResourceKind(rawValue: kind).map {
            Provenance(
                resource: ResourceKey(kind: $0, namespace: namespace, name: name), revision: Revision(revision),
                file: file, line: line == 0 ? nil : line, rule: rule == 0 ? nil : rule)
        }
    }

    private static func some(_ text: String) -> String? { text.isEmpty ? nil : text }
}
