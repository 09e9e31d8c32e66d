/// `GET /v1/audit`: newest first.
package struct AuditList: Hashable, Sendable, Codable {
    package var events: [AuditEvent]

    package init(events: [AuditEvent]) { self.events = events }
}

/// Which lines of the audit log are asked for.
package struct AuditQuery: Hashable, Sendable {
    /// Nil asks for all.
    package var kind: AuditEvent.Kind?
    /// Milliseconds since 1970; only those not before it. Nil asks for all.
    package var since: Int64?
    /// Default 100; 1 to 1000.
    package var limit: Int

    package init(kind: AuditEvent.Kind? = nil, since: Int64? = nil, limit: Int = 100) {
        self.kind = kind
        self.since = since
        self.limit = limit
    }

    package func matches(_ event: AuditEvent) -> Bool {
        (self.kind ?? event.kind) == event.kind && (self.since ?? event.at) <= event.at
    }
}
