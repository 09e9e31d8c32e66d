internal import Foundation
internal import Logging
internal import Synchronization
internal import WeftModel
internal import WeftTelemetry

/// Watches those who come without, or with wrong or too weak, credentials: slows them down, and takes them down, repeats
/// as one.
final class RefusalWatch: Sendable {
    private struct State {
        var throttle: AttemptThrottle
        var ledger = FailureLedger()
        var pending: [FailureLedger.Line] = []
    }

    private let state: Mutex<State>
    private let audit: any AuditLog
    private let metrics: ControlPlaneMetrics
    private let logger: Logger
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation

    init(
        limits: AttemptThrottle.Limits, audit: any AuditLog, metrics: ControlPlaneMetrics = ControlPlaneMetrics(),
        logger: Logger
    ) {
        self.metrics = metrics
        self.state = Mutex(State(throttle: AttemptThrottle(limits)))
        self.audit = audit
        self.logger = logger
        (self.wake, self.waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether a source failed so often that its credentials are not looked at for now.
    func isTooFast(_ source: SourceAddress, now: Date = Date()) -> Bool {
        self.state.withLock { $0.throttle.isExhausted(source.bytes, now: Self.millis(now)) }
    }

    /// Takes a failure down: a login unless `kind` says otherwise. Never waits: handshakes call it on their event loops.
    ///
    /// - Parameters:
    ///   - actor: who it was, where that is known better than by the address.
    ///   - costs: whether it slows down what the source may try at the API.
    func failed(
        _ source: SourceAddress, cause: String, kind: AuditEvent.Kind = .login, subject: String = "API",
        actor: String? = nil, costs: Bool = true, now: Date = Date()
    ) {
        self.metrics.count(ControlPlaneMetricNames.callersRefused, [kind.rawValue])
        let millis = Self.millis(now)
        let tells = self.state.withLock { state in
            if costs, !source.bytes.isEmpty { state.throttle.failed(source.bytes, now: millis) }
            let key = FailureLedger.Key(
                source: actor.map { "\($0) at \(source)" } ?? source.description, cause: String(cause.prefix(256)),
                kind: kind, subject: subject)
            guard let line = state.ledger.failed(key, now: millis) else { return false }
            state.pending.append(line)
            return true
        }
        if tells { self.waker.yield() }
    }

    /// Writes what was taken down; until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: .seconds(60))) != nil {
                    self.state.withLock { state in
                        state.pending += state.ledger.sweep(now: Self.millis(Date()))
                    }
                    self.waker.yield()
                }
            }
            group.addTask {
                for await _ in self.wake { await self.write() }
            }
            await group.waitForAll()
        }
    }

    private func write() async {
        let lines = self.state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
        for line in lines {
            self.logger.warning(
                "\(line.key.kind == .attestation ? "a join" : "a caller") was refused",
                metadata: [
                    "source": "\(line.key.source)", "cause": "\(line.key.cause)", "times": "\(line.count)",
                ])
            var details = ["cause": line.key.cause]
            if line.count > 1 { details["times"] = "\(line.count)" }
            await self.audit.record(
                AuditEvent(
                    at: Self.millis(Date()), kind: line.key.kind, actor: line.key.source, subject: line.key.subject,
                    outcome: .refused, details: details))
        }
    }

    private static func millis(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970 * 1000) }
}
