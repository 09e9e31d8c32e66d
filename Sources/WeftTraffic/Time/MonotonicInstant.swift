internal import WeftModel

/// A moment of the process's monotonic clock, in nanoseconds; comparable only within one process.
///
/// The clock itself is outside: every decision is handed the moment at which it is made.
package struct MonotonicInstant: Hashable, Sendable, Comparable {
    /// Since an arbitrary start.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later than every moment: a timer that is not set.
    package static let never = MonotonicInstant(nanoseconds: .max)

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment `duration` later; `never` where that overflows.
    package static func + (instant: Self, duration: Duration) -> Self {
        instant.advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    /// The time from `right` to `left`; negative when `left` is the earlier.
    package static func - (left: Self, right: Self) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// The moment `nanoseconds` later; `never` where that overflows.
    package func advanced(byNanoseconds nanoseconds: Int64) -> Self {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .never : MonotonicInstant(nanoseconds: sum)
    }
}
