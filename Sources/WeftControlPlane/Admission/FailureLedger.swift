internal import WeftModel

/// Collapses repeated failures of one source, so that an attacker fills neither the audit log nor memory.
///
/// The first failure of a source for a cause is told at once, the rest of the window as one line with their number.
struct FailureLedger: Sendable {
    struct Key: Hashable, Sendable {
        let source: String
        let cause: String
        var kind = AuditEvent.Kind.login
        var subject = "API"
    }

    struct Line: Hashable, Sendable {
        let key: Key
        /// How many it stands for.
        let count: Int
    }

    private struct Window: Sendable {
        var since: Int64
        var untold: Int
    }

    private let windowMillis: Int64
    private let limit: Int
    private var windows: [Key: Window] = [:]
    /// Failures of those for whom there was no room.
    private var crowd = 0

    init(windowMillis: Int64 = 60_000, limit: Int = 1024) {
        self.windowMillis = windowMillis
        self.limit = limit
    }

    /// The line to write now; nil where the failure is only counted.
    mutating func failed(_ key: Key, now: Int64) -> Line? {
        if var window = self.windows[key] {
            window.untold += 1
            self.windows[key] = window
            return nil
        }
        guard self.windows.count < self.limit else {
            self.crowd += 1
            return nil
        }
        self.windows[key] = Window(since: now, untold: 0)
        return Line(key: key, count: 1)
    }

    /// The lines of windows that are over; call about once a window.
    mutating func sweep(now: Int64) -> [Line] {
        var lines: [Line] = []
        for (key, window) in self.windows where now - window.since >= self.windowMillis || now < window.since {
            if window.untold > 0 { lines.append(Line(key: key, count: window.untold)) }
            self.windows[key] = nil
        }
        if self.crowd > 0 {
            lines.append(Line(key: Key(source: "many sources", cause: "various"), count: self.crowd))
            self.crowd = 0
        }
        return lines.sorted { ($0.key.source, $0.key.cause) < ($1.key.source, $1.key.cause) }
    }
}
