package import WeftModel

/// What became of one request: what the access log, metrics and the request ring need.
package struct ExchangeRecord {
    /// The `route` label; empty when no route matched.
    package var route: String
    /// The destination; nil when no route matched.
    package var service: ServiceName?
    /// The cluster's name; empty when no route matched.
    package var cluster: String
    /// The response status sent downstream, or what would have been (499 for a client that left).
    package var status: Int
    /// The final gRPC status of a gRPC call; nil where none came.
    package var grpcStatus: Int?
    package var isGRPC: Bool
    package var reason: Reason
    /// Why, in words; empty for `ok`.
    package var detail: String
    /// The resource that set the value the outcome comes from, else the one whose route was followed; nil for built-in
    /// behaviour.
    package var provenance: Provenance?
    /// In order; empty when none was started.
    package var attempts: [AttemptRecord]
    /// Body bytes from and to downstream.
    package var requestBytes: Int
    package var responseBytes: Int
    package var start: MonotonicInstant
    /// When the response head went downstream; nil if none did.
    package var responseStart: MonotonicInstant?
    package var end: MonotonicInstant
    /// What was left of the caller's budget at the end; nil without a deadline, negative when overrun.
    package var deadlineLeft: Duration?
    /// The request body outgrew the replay buffer, so that no further attempt was possible.
    package var outgrewReplay: Bool

    package var duration: Duration { self.end - self.start }
    /// The last attempt's endpoint, or the one that answered.
    package var endpoint: Endpoint? { self.attempts.last?.endpoint }
    package var retries: Int { max(0, self.attempts.count - 1) }
}

/// One attempt of an exchange.
package struct AttemptRecord {
    package var upstream: UpstreamEndpoint
    package var start: MonotonicInstant
    /// When it ended; for one that was answered, when its response head came.
    package var end: MonotonicInstant
    /// The status of its response; nil where none came.
    package var status: Int?
    /// `ok` when a response came, whatever its status.
    package var reason: Reason
    /// It was the second of two at once.
    package var isHedge = false
    /// Another answered first, and this one was given up.
    package var isLost = false
    /// How the endpoint was picked.
    package var pick = AttemptPick()
    /// When its request went out; nil where no connection came about.
    package var sentAt: MonotonicInstant?
    /// Whether the connection had served before; means nothing without `sentAt`.
    package var isKept = false
    /// Why it got no response, or no whole one.
    package var failure: UpstreamFailure?
    /// What was decided after it.
    package var after = AfterAttempt.nothing

    package var endpoint: Endpoint { self.upstream.endpoint }
}
