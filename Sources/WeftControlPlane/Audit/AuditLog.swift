internal import WeftModel

/// Takes down who did, or tried to do, what.
///
/// Recording never throws and never waits for ever: whoever must not act without a record asks `refusal()` before.
protocol AuditLog: Sendable {
    /// Takes the event down, durably where the log can.
    func record(_ event: AuditEvent) async

    /// Nil where the next event can be kept, as far as is known; otherwise why not. Only a log that must not lose
    /// events (`--audit-required`) ever says why not.
    func refusal() async -> String?
}

extension AuditLog {
    func refusal() async -> String? { nil }
}

/// Keeps nothing: for parts that run without a log.
struct NoAuditLog: AuditLog {
    func record(_ event: AuditEvent) async {}
}
