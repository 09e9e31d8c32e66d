internal import WeftModel

/// Writes request records as JSON, one a line.
package enum AccessLog {
    /// Appends one line. Empty texts and absent values are left out; durations are milliseconds.
    package static func append(_ record: borrowing RequestRecord, to lines: inout JSONLines) {
        lines.reserve(Self.bound(record))
        Self.put(record, in: &lines)
    }

    /// More than the line can take.
    private static func bound(_ record: borrowing RequestRecord) -> Int {
        // Names, punctuation and numbers.
        let fixed = 1024
        var texts = record.requestID.utf8.count + record.traceparent.utf8.count + record.protocol.utf8.count
        texts += record.method.utf8.count + record.authority.utf8.count + record.path.utf8.count
        texts += record.source.utf8.count + record.sourceIdentity.utf8.count + record.destination.utf8.count
        texts += record.destinationIdentity.utf8.count + record.version.utf8.count + record.route.utf8.count
        texts += record.detail.utf8.count + record.audit.utf8.count
        if let policy = record.policy {
            texts += policy.resource.namespace.utf8.count + policy.resource.name.utf8.count
            texts += (policy.file?.utf8.count ?? 0) + 64
        }
        for header in record.headers { texts += header.name.utf8.count + header.value.utf8.count + 6 }
        for attempt in record.attempts { texts += attempt.workload.utf8.count + attempt.address.utf8.count + 256 }
        return fixed + JSONLines.longest * texts
    }

    private static func put(_ record: borrowing RequestRecord, in object: inout JSONLines) {
        object.begin("{")
        object.key("time")
        object.put("\"")
        object.put(millisecondsSince1970: record.startedAt)
        object.put("\"")
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
        if !record.headers.isEmpty { Self.put(record.headers, in: &object) }
        if !record.attempts.isEmpty { Self.put(record.attempts, in: &object) }
        object.put("}\n")
    }

    private static func put(_ headers: [RequestRecord.Header], in object: inout JSONLines) {
        object.key("headers")
        object.begin("{")
        for header in headers {
            object.separate()
            object.put(json: header.name)
            object.put(":")
            object.put(json: header.value)
        }
        object.put("}")
    }

    private static func put(_ attempts: [RequestRecord.Attempt], in object: inout JSONLines) {
        object.key("attempts")
        object.begin("[")
        for attempt in attempts {
            object.separate()
            object.begin("{")
            object.text("workload", attempt.workload)
            object.text("address", attempt.address)
            if let status = attempt.status { object.number("status", status) }
            object.text("reason", attempt.reason.rawValue)
            object.milliseconds("started_after_ms", attempt.startedAfter)
            object.milliseconds("duration_ms", attempt.duration)
            if attempt.isHedge { object.flag("hedge") }
            if attempt.isLost { object.flag("lost") }
            object.put("}")
        }
        object.put("]")
    }
}
