internal import Synchronization
internal import WeftModel
internal import WeftTelemetry

/// What the control plane counts of its own work. Any task may count; none waits long for another.
final class ControlPlaneMetrics: Sendable {
    private let registry = Mutex(MetricRegistry())

    init() {
        // From the first scrape on, so that the first failure is seen as a step.
        for operation in ["read", "write"] {
            self.registry.withLock { _ = $0.series(ControlPlaneMetricNames.storeFailures, [operation]) }
        }
    }

    func count(_ family: MetricFamily, _ labels: [String] = [], by amount: Int = 1) {
        guard amount > 0 else { return }
        self.registry.withLock { $0.add(UInt64(amount), to: $0.series(family, labels)) }
    }

    func observe(_ duration: Duration, in family: MetricFamily, _ labels: [String]) {
        let (seconds, attoseconds) = duration.components
        let value = max(0, Double(seconds) + Double(attoseconds) * 1e-18)
        self.registry.withLock { $0.observe(value, in: $0.series(family, labels)) }
    }

    /// What was counted so far.
    var snapshot: MetricSnapshot { self.registry.withLock { $0.snapshot() } }
}

/// Counts the certificates among what it takes down for another log.
struct CountingAuditLog: AuditLog {
    let log: any AuditLog
    let metrics: ControlPlaneMetrics

    func record(_ event: AuditEvent) async {
        if event.kind == .certificate {
            self.metrics.count(
                event.outcome == .done
                    ? ControlPlaneMetricNames.certificatesIssued : ControlPlaneMetricNames.certificatesRefused,
                [Self.attestation(event.details["attestation"] ?? "")])
        }
        await self.log.record(event)
    }

    func refusal() async -> String? { await self.log.refusal() }

    /// One of a few words: what follows them names tokens.
    static func attestation(_ text: String) -> String {
        let words = ["join token", "kubernetes", "renewal", "server", "agent"]
        return words.first { text.hasPrefix($0) }?.replacing(" ", with: "_") ?? "other"
    }
}

extension MetricSnapshot {
    /// Adds what a status tells in numbers.
    mutating func add(_ status: StatusReport) {
        func gauge(_ value: Int, _ family: MetricFamily, _ labels: [String] = []) {
            self.add(.gauge(Double(value)), to: family, labels: labels)
        }
        for state in ProxyStatus.State.allCases where state != .client {
            let count = status.proxies.count { $0.state == state }
            gauge(count, ControlPlaneMetricNames.proxies, [state == .notReady ? "not_ready" : state.rawValue])
        }
        let taking = status.proxies.filter { !$0.discovery.isEmpty }
        for client in ProxyStatus.Client.allCases {
            gauge(taking.count { $0.client == client }, ControlPlaneMetricNames.streams, [client.rawValue])
        }
        gauge(taking.count { !$0.isCurrent }, ControlPlaneMetricNames.stragglers)
        gauge(Int(status.revision.number), ControlPlaneMetricNames.revision)
        gauge(Int(status.publishedRevision.number), ControlPlaneMetricNames.publishedRevision)
        for severity in [Diagnostic.Severity.error, .warning] {
            gauge(
                status.problems.count { $0.severity == severity }, ControlPlaneMetricNames.problems,
                [severity.rawValue])
        }
        for (name, at) in [
            ("root", status.authority.rootExpiresAt), ("intermediate", status.authority.intermediateExpiresAt),
        ] {
            gauge(Int(at), ControlPlaneMetricNames.certificateExpiry, [name])
        }
        for (listener, counts) in status.refusedHandshakes ?? [:] {
            for (result, count) in counts {
                self.add(
                    .counter(UInt64(max(0, count))), to: ControlPlaneMetricNames.handshakesRefused,
                    labels: [listener, result])
            }
        }
    }
}
