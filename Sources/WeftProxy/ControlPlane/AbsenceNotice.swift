/// When an absence is worth a line in the log: at once, then after 1, 5 and 15 minutes, then every hour; and its end.
package struct AbsenceNotice: Sendable {
    private static let intervals: [Duration] = [.seconds(60), .seconds(300), .seconds(900), .seconds(3600)]

    private var since: ContinuousClock.Instant?
    /// When the way was open again, though nothing has been said on it yet.
    private var openedAt: ContinuousClock.Instant?
    private var said = 0
    private var next: ContinuousClock.Instant?

    package init() {}

    /// Another attempt failed at `now`: whether to say so.
    package mutating func failed(now: ContinuousClock.Instant) -> Bool {
        self.openedAt = nil
        guard self.since != nil else {
            self.since = now
            self.next = now + Self.intervals[0]
            return true
        }
        guard let next = self.next, now >= next else { return false }
        self.said = min(self.said + 1, Self.intervals.count - 1)
        self.next = now + Self.intervals[self.said]
        return true
    }

    /// A stream is open at `now`. The absence ends here once an answer proves it, however late that comes.
    package mutating func opened(now: ContinuousClock.Instant) {
        if self.since != nil { self.openedAt = now }
    }

    /// An attempt succeeded at `now`: how long the absence was, or nil when there was none.
    package mutating func returned(now: ContinuousClock.Instant) -> Duration? {
        guard let since = self.since else { return nil }
        let end = self.openedAt ?? now
        self = AbsenceNotice()
        return .seconds((end - since).components.seconds)
    }
}
