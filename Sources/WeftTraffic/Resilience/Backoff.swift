internal import WeftModel

/// How long to wait before a retry: uniform in [0, min(base·(2ⁿ−1), 10·base)].
package struct Backoff: Hashable, Sendable {
    /// Zero retries at once. Default 25 ms.
    package var baseNanoseconds: Int64

    package init(base: Duration = .milliseconds(25)) { self.baseNanoseconds = max(0, base.wholeNanoseconds) }

    /// The longest wait before retry `number`, from 1.
    package func limit(beforeRetry number: Int) -> Int64 {
        let factor: Int64 = number >= 4 ? 10 : (1 << Int64(max(1, number))) - 1
        let (limit, overflow) = self.baseNanoseconds.multipliedReportingOverflow(by: factor)
        return overflow ? .max : limit
    }

    /// The wait before retry `number`, from 1, in nanoseconds.
    package func delay(beforeRetry number: Int, random: inout some RandomNumberGenerator) -> Int64 {
        let limit = self.limit(beforeRetry: number)
        return limit == .max ? limit : Int64(random.index(below: Int(limit) + 1))
    }
}
