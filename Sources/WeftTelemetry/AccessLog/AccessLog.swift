internal import WeftModel

/// Writes request records as JSON, one a line.
package enum AccessLog {
    /// Appends one line. Empty texts and absent values are left out; durations are milliseconds.
    package static func append(_ record: RequestRecord, to line: inout [UInt8]) {
        var object = JSONLine(taking: &line)
        object.key("time")
        object.bytes.append(UInt8(ascii: "\""))
        Self.append(millisecondsSince1970: record.startedAt, to: &object.bytes)
        object.bytes.append(UInt8(ascii: "\""))
        object.text("direction", record.direction.rawValue)
        object.text("request_id", record.requestID)
        object.text("traceparent", record.traceparent)
        object.text("protocol", record.protocol)
        object.text("method", record.method)
        object.text("authority", record.authority)
        object.text("path", record.path)
        object.text("source", record.source)
        object.text("source_identity", record.sourceIdentity)
        object.text("destination", record.destination)
        object.text("destination_identity", record.destinationIdentity)
        object.text("version", record.version)
        object.text("route", record.route)
        object.number("status", record.status)
        if let status = record.grpcStatus { object.number("grpc_status", status) }
        object.text("reason", record.reason.rawValue)
        object.text("detail", record.detail)
        if let policy = record.policy { object.text("policy", policy.description) }
        object.text("audit", record.audit)
        object.milliseconds("duration_ms", record.duration)
        if let after = record.responseAfter { object.milliseconds("response_after_ms", after) }
        if let left = record.deadlineLeft { object.milliseconds("deadline_left_ms", left) }
        object.number("received_bytes", record.receivedBytes)
        object.number("sent_bytes", record.sentBytes)
        if record.outgrewReplay { object.flag("outgrew_replay") }
        if !record.headers.isEmpty { Self.append(record.headers, to: &object) }
        if !record.attempts.isEmpty { Self.append(record.attempts, to: &object) }
        object.bytes.append(text: "}\n" as StaticString)
        // Exchanged, not assigned: two owners would copy everything at the next byte.
        swap(&line, &object.bytes)
    }

    private static func append(_ headers: [RequestRecord.Header], to object: inout JSONLine) {
        object.key("headers")
        object.bytes.append(UInt8(ascii: "{"))
        for (index, header) in headers.enumerated() {
            if index > 0 { object.bytes.append(UInt8(ascii: ",")) }
            object.bytes.append(json: header.name)
            object.bytes.append(UInt8(ascii: ":"))
            object.bytes.append(json: header.value)
        }
        object.bytes.append(UInt8(ascii: "}"))
    }

    private static func append(_ attempts: [RequestRecord.Attempt], to object: inout JSONLine) {
        object.key("attempts")
        object.bytes.append(UInt8(ascii: "["))
        for (index, attempt) in attempts.enumerated() {
            if index > 0 { object.bytes.append(UInt8(ascii: ",")) }
            var inner = JSONLine(taking: &object.bytes)
            inner.text("workload", attempt.workload)
            inner.text("address", attempt.address)
            if let status = attempt.status { inner.number("status", status) }
            inner.text("reason", attempt.reason.rawValue)
            inner.milliseconds("started_after_ms", attempt.startedAfter)
            inner.milliseconds("duration_ms", attempt.duration)
            if attempt.isHedge { inner.flag("hedge") }
            if attempt.isLost { inner.flag("lost") }
            swap(&object.bytes, &inner.bytes)
            object.bytes.append(UInt8(ascii: "}"))
        }
        object.bytes.append(UInt8(ascii: "]"))
    }

    /// RFC 3339 in UTC with milliseconds.
    static func append(millisecondsSince1970 time: Int64, to bytes: inout [UInt8]) {
        let time = min(max(time, 0), 253_402_300_799_999)
        let (days, rest) = (Int(time / 86_400_000), Int(time % 86_400_000))
        // Civil date from the day number, counting years from March so that leap days come last.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        bytes.append(number: year, digits: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(number: month, digits: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(number: day, digits: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(number: rest / 3_600_000, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(number: rest / 60_000 % 60, digits: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(number: rest / 1000 % 60, digits: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.append(number: rest % 1000, digits: 3)
        bytes.append(UInt8(ascii: "Z"))
    }
}

/// A JSON object being written member by member.
private struct JSONLine {
    var bytes: [UInt8]
    private var isFirst = true

    /// Goes on where `bytes` ends, and leaves it empty so that nothing is copied.
    init(taking bytes: inout [UInt8]) {
        self.bytes = []
        swap(&self.bytes, &bytes)
        self.bytes.append(UInt8(ascii: "{"))
    }

    mutating func key(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count + 4) { text in
            text[0] = UInt8(ascii: ",")
            text[1] = UInt8(ascii: "\"")
            for index in 0..<count { text[2 + index] = name.utf8Start[index] }
            text[2 + count] = UInt8(ascii: "\"")
            text[3 + count] = UInt8(ascii: ":")
            self.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[(self.isFirst ? 1 : 0)...]))
        }
        self.isFirst = false
    }

    mutating func text(_ name: StaticString, _ value: String) {
        guard !value.isEmpty else { return }
        self.key(name)
        self.bytes.append(json: value)
    }

    mutating func number(_ name: StaticString, _ value: Int) {
        self.key(name)
        self.bytes.append(number: value)
    }

    mutating func flag(_ name: StaticString) {
        self.key(name)
        self.bytes.append(text: "true" as StaticString)
    }

    /// Milliseconds with three decimals.
    mutating func milliseconds(_ name: StaticString, _ value: Duration) {
        self.key(name)
        let (seconds, attoseconds) = value.components
        let microseconds = Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000)
        if microseconds < 0 { self.bytes.append(UInt8(ascii: "-")) }
        self.bytes.append(number: microseconds.magnitude / 1000)
        self.bytes.append(UInt8(ascii: "."))
        self.bytes.append(number: Int(microseconds.magnitude % 1000), digits: 3)
    }
}
