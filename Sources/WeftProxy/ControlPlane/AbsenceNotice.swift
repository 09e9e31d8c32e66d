/// When an absence is worth a line in the log: at once, then after 1, 5 and 15 minutes, then every hour; and its end.
package struct AbsenceNotice: Sendable {
    private static let intervals: [Duration] = [.seconds(60), .seconds(300), .seconds(900), .seconds(3600)]

    private var since: ContinuousClock.Instant?
    private var said = 0
    private var next: ContinuousClock.Instant?

    package init() {}

    /// Another attempt failed at `now`: whether to say so.
    package mutating func failed(now: ContinuousClock.Instant) -> Bool {
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

    /// An attempt succeeded at `now`: how long the absence was, or nil when there was none.
    package mutating func returned(now: ContinuousClock.Instant) -> Duration? {
        guard let since = self.since else { return nil }
        self = AbsenceNotice()
        return .seconds((now - since).components.seconds)
    }
}
