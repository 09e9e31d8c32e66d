/// Decides how long a process that ended waits before it is started again.
package struct RestartSchedule: Sendable, Hashable {
    /// Ends in a row, each soon after its start.
    package private(set) var failures = 0

    package init() {}

    /// 0.2 s, doubling to 10 s; a process that had run for 10 s begins anew.
    package mutating func delay(afterRunning: Duration) -> Duration {
        if afterRunning >= .seconds(10) { self.failures = 0 }
        let delay = Duration.milliseconds(200) * (1 << min(self.failures, 6))
        self.failures += 1
        return min(delay, .seconds(10))
    }
}
