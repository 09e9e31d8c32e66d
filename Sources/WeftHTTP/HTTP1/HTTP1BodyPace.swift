internal import NIOCore

/// Decides whether the sender of an HTTP/1 body is too slow.
///
/// What has been announced is owed, the rest is the application's affair:
/// - a line that has begun (a chunk's size, the line end behind a chunk) and the trailer section have `headTimeout`, as a
///   head has;
/// - bytes whose number has been announced, the body's by its length or a chunk's by its size, must come at `minBodyRate`
///   on an average of each `bodyRateInterval`;
/// - between chunks a sender may rest: that is how uploads are streamed over hours. Only where no response has begun, and
///   the whole of `stallTimeout` brings no next chunk, it has gone.
///
/// Nothing is owed while the reader is not ready for more, nor by what ends with the connection, tunnels included.
struct HTTP1BodyPace {
    /// What the peer has to send next.
    enum Owed: Equatable {
        case nothing
        /// Another chunk, whenever there is one.
        case chunk
        /// The rest of a line that has begun, or of the trailers; the number tells one line from the next.
        case line(Int)
        /// Bytes whose number has been announced.
        case bytes
    }

    private var owed = Owed.nothing
    private var received = 0
    /// When to ask whether it `isLate`; nil while there is no hurry.
    private(set) var due: NIODeadline?

    /// The peer has sent everything that there was, and owes this next.
    mutating func awaits(_ owed: Owed, _ limits: HTTPLimits, now: @autoclosure () -> NIODeadline) {
        guard owed != self.owed || owed == .chunk && self.received > 0 else { return }
        self.owed = owed
        self.received = 0
        let time: TimeAmount? =
            switch owed {
            case .nothing: nil
            case .chunk: limits.stallTimeout
            case .line: limits.headTimeout
            case .bytes: limits.minBodyRate > 0 ? limits.bodyRateInterval : nil
            }
        self.due = time.map { now() + $0 }
    }

    /// Bytes of the body have come.
    mutating func received(_ bytes: Int) { self.received += bytes }

    /// Nothing is owed for now.
    mutating func stop() {
        self.owed = .nothing
        self.due = nil
    }

    /// Whether the time is over and what was owed has not come.
    mutating func isLate(_ limits: HTTPLimits, now: NIODeadline) -> Bool {
        guard let due = self.due, now >= due else { return false }
        guard self.owed == .bytes else { return true }
        let (seconds, rest) = limits.bodyRateInterval.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let expected = Int64(limits.minBodyRate) * seconds + Int64(limits.minBodyRate) * rest / 1_000_000_000
        guard self.received >= expected else { return true }
        self.received = 0
        self.due = now + limits.bodyRateInterval
        return false
    }
}
