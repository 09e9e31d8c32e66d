import WeftModel

/// What proxies would have recorded of calls between services with one workload each.
enum StoryRecords {
    static func outbound(
        _ source: String, _ destination: String, at: Double, lasting duration: Double, status: Int = 200,
        reason: Reason = .ok, change: (inout HopRecord) -> Void = { _ in }
    ) -> HopRecord {
        var record = HopRecord()
        record.requestID = "r"
        record.proxy = "default/\(source)-1"
        record.source = "\(source).default"
        record.destination = "\(destination).default"
        record.startedAtMs = 1_000_000 + at
        record.durationMs = duration
        record.method = "GET"
        record.authority = destination
        record.path = "/"
        record.status = status
        record.reason = reason
        var attempt = HopRecord.Attempt()
        attempt.workload = "default/\(destination)-1"
        attempt.identity = "spiffe://mesh.local/ns/default/sa/\(destination)"
        attempt.connectedAfterMs = 0.5
        attempt.durationMs = duration
        attempt.status = status
        record.attempts = [attempt]
        change(&record)
        return record
    }

    static func inbound(
        _ source: String, _ destination: String, at: Double, lasting duration: Double, status: Int = 200,
        reason: Reason = .ok, change: (inout HopRecord) -> Void = { _ in }
    ) -> HopRecord {
        var record = self.outbound(source, destination, at: at, lasting: duration, status: status, reason: reason)
        record.direction = .inbound
        record.proxy = "default/\(destination)-1"
        record.sourceIdentity = "spiffe://mesh.local/ns/default/sa/\(source)"
        record.attempts = []
        change(&record)
        return record
    }

    /// Another attempt of a call, after those that it has.
    static func attempt(
        to workload: String, at start: Double, lasting duration: Double, status: Int? = nil, reason: Reason = .ok,
        change: (inout HopRecord.Attempt) -> Void = { _ in }
    ) -> HopRecord.Attempt {
        var attempt = HopRecord.Attempt()
        attempt.workload = "default/\(workload)"
        attempt.identity = "spiffe://mesh.local/ns/default/sa/x"
        attempt.connectedAfterMs = 0.5
        attempt.startedAfterMs = start
        attempt.durationMs = duration
        attempt.status = status
        attempt.reason = reason
        change(&attempt)
        return attempt
    }

    static let policy = Provenance(
        resource: ResourceKey(kind: .trafficPolicy, namespace: "default", name: "tries"), revision: Revision(3),
        file: "policies.yaml", line: 7)
}
