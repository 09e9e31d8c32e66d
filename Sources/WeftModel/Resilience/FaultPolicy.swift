/// A fault injected on purpose into calls: what, how often, until when, and what ends it early.
///
/// A request is hit at most once, before its first attempt; what is aborted never reaches the destination.
package struct FaultPolicy: Hashable, Sendable {
    /// Waits before the first attempt; nil is none.
    package var delay: Delay?
    /// Answers instead of the destination; nil is none. A request hit by both waits first.
    package var abort: Abort?
    /// When it ends, seconds since 1970. Every fault ends.
    package var until: Int64
    /// No more than this share of the requests is hit, whatever the percentages; above 0–100, default 50.
    package var maxPercent: Double = 50
    /// Ends it when the destination does badly; nil is never.
    package var guardrail: Guardrail?

    package init(delay: Delay? = nil, abort: Abort? = nil, until: Int64) {
        self.delay = delay
        self.abort = abort
        self.until = until
    }

    package struct Delay: Hashable, Sendable {
        package var duration: Duration
        /// Above 0–100.
        package var percent: Double

        package init(duration: Duration, percent: Double) {
            self.duration = duration
            self.percent = percent
        }
    }

    package struct Abort: Hashable, Sendable {
        package var status: Status
        /// Above 0–100.
        package var percent: Double

        package init(status: Status, percent: Double) {
            self.status = status
            self.percent = percent
        }

        package enum Status: Hashable, Sendable {
            /// 400–599; a gRPC caller gets what `fault_abort` stands for.
            case http(Int)
            /// 1–16; a caller that does not speak gRPC gets 503.
            case grpc(Int)
        }
    }

    /// Ends the fault in a proxy, until the policy changes, when the answers it got from the destination are too bad.
    package struct Guardrail: Hashable, Sendable {
        /// Success below this share in the last 10 s ends it, 1–100. Injected answers do not count.
        package var successPercent: Double
        /// Fewer answers than this say nothing. Default 20.
        package var minRequests: Int = 20

        package init(successPercent: Double, minRequests: Int = 20) {
            self.successPercent = successPercent
            self.minRequests = minRequests
        }
    }
}
