internal import WeftMessage

/// What an exchange needs to know about a request, read in one pass over its fields.
struct RequestTraits {
    var isGRPC = false
    /// The method is idempotent, or the request has an idempotency key.
    var isIdempotent = false
    /// The method alone is.
    var hasIdempotentMethod = false
    /// CONNECT, or an upgrade: bytes both ways, no end in sight.
    var isTunnel = false
    /// CONNECT: TCP, or what a caller makes of it.
    var isConnect = false
    /// The caller asked for server-sent events.
    var wantsEventStream = false
    /// What `x-weft-attempt` says; 1 where absent or not a number.
    var attempt = 1
    var hasAttemptField = false
    var hasDeadlineField = false

    init() {}

    init(_ head: borrowing RequestHead) {
        self.hasIdempotentMethod = head.method.isIdempotent
        self.isIdempotent = self.hasIdempotentMethod
        self.isConnect = head.method == .connect
        self.isTunnel = self.isConnect
        let headers = head.headers
        for index in 0..<headers.fields.count {
            switch headers.fields[index].name {
            case .connectProtocol: self.isTunnel = true
            case .contentType: self.isGRPC = head.isGRPC
            case .idempotencyKey: self.isIdempotent = true
            case .weftAttempt:
                self.hasAttemptField = true
                self.attempt = max(1, headers.withValue(at: index) { Int(decimal: $0) } ?? 1)
            case .weftDeadline, .grpcTimeout, .xEnvoyExpectedTimeout: self.hasDeadlineField = true
            case .accept:
                self.wantsEventStream = headers.withValue(at: index) { value in
                    let word: StaticString = "text/event-stream"
                    return value.count >= word.utf8CodeUnitCount
                        && value[..<word.utf8CodeUnitCount].elementsEqual(
                            UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
                }
            default: continue
            }
        }
    }

    /// May go on for as long as both sides like: gRPC, a tunnel, server-sent events.
    var isStream: Bool { self.isGRPC || self.isTunnel || self.wantsEventStream }

    /// What ends a call for which no request timeout is set: 15 s for idempotent unary HTTP calls, in nanoseconds.
    var defaultRequestTimeout: Int64? {
        self.hasIdempotentMethod && !self.isStream ? 15_000_000_000 : nil
    }

    /// How long a stream may be silent where nothing is set: 5 min, an hour for TCP, and gRPC streams and upgraded
    /// connections for ever.
    var defaultIdleTimeout: Int64? {
        if self.isTunnel { return self.isConnect ? 3_600_000_000_000 : nil }
        return self.isGRPC ? nil : 300_000_000_000
    }

    /// Whether an answer of this status turns the request into a stream of bytes.
    func opensTunnel(_ status: Int) -> Bool {
        self.isTunnel && (self.isConnect ? status / 100 == 2 : status == 101)
    }
}
