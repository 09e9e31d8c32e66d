internal import WeftModel
internal import WeftTelemetry

/// What the control plane shows of itself at `/metrics`, and how its API's calls are counted.
struct ControlPlaneTelemetry: Sendable {
    let metrics: ControlPlaneMetrics
    /// Where the API answers over TLS, as configured: `host:port`; nil where it does not.
    let address: String?
    let status: @Sendable () async throws -> StatusReport
    /// What waits, by the `queue` label.
    let queues: @Sendable () async -> [String: Int]
    /// What was lost so far, by the `kind` label.
    let dropped: @Sendable () -> [String: Int]
    /// When the certificate that is served with expires, seconds since 1970.
    let serverExpiry: @Sendable () -> Double
    let objectives: @Sendable () async throws -> [ObjectiveStatus]

    func exposition(accept: String?) async throws -> APIReply {
        let format = MetricExposition(accept: accept)
        return APIReply(contentType: format.contentType, body: format.encode(try await self.snapshot()))
    }

    func answered(_ call: APICall, _ reply: APIReply, after duration: Duration) {
        let label = APIPermissions.label(method: call.method, path: call.path)
        self.metrics.count(ControlPlaneMetricNames.apiRequests, [label, "\(reply.status)"])
        self.metrics.observe(duration, in: ControlPlaneMetricNames.apiDuration, [label])
    }

    /// A call that would have changed the configuration was refused.
    func refused(_ call: APICall, _ error: APIError) {
        let deletes = call.method == "DELETE" && call.path.starts(with: ["v1", "resources"])
        guard deletes || call.path == ["v1", "apply"] else { return }
        self.metrics.count(ControlPlaneMetricNames.refusedChanges, [error.code.rawValue])
    }

    private func snapshot() async throws -> MetricSnapshot {
        var snapshot = self.metrics.snapshot
        snapshot.add(try await self.status())
        for (queue, depth) in await self.queues() {
            snapshot.add(.gauge(Double(depth)), to: ControlPlaneMetricNames.queueDepth, labels: [queue])
        }
        for (kind, count) in self.dropped() {
            snapshot.add(
                .counter(UInt64(max(0, count))), to: MetricNames.telemetryDropped, labels: [kind, "write_failed"])
        }
        snapshot.add(.gauge(self.serverExpiry()), to: ControlPlaneMetricNames.certificateExpiry, labels: ["server"])
        snapshot.add(try await self.objectives())
        snapshot.add(processOf: "control")
        return snapshot
    }
}
