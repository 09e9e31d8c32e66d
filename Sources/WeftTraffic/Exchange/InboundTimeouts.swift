internal import WeftModel

/// What an application port allows of waiting and silence.
package struct InboundTimeouts: Hashable, Sendable {
    /// How long a request may wait behind others for a connection, in nanoseconds.
    private static let queueLimit: Int64 = 5_000_000_000

    /// How long neither side may send a byte, in nanoseconds; zero is without end. Nil is the default: 5 min, an hour for
    /// TCP, and none for gRPC and upgraded connections.
    let idle: Int64?
    /// How long a request without a deadline waits for a connection, in nanoseconds.
    let wait: Int64

    /// - Parameters:
    ///   - idle: How long neither side may send a byte: zero is without end, nil the default.
    ///   - connect: What the pool gives a connection to the application to come about. A request without a deadline waits
    ///     for one 5 s longer than that, which is then spent behind others.
    package init(idle: Duration? = nil, connect: Duration = .milliseconds(300)) {
        self.idle = idle.map { max(0, $0.wholeNanoseconds) }
        let (wait, overflow) = max(0, connect.wholeNanoseconds).addingReportingOverflow(Self.queueLimit)
        self.wait = overflow ? .max : wait
    }
}
