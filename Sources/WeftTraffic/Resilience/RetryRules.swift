package import WeftModel

/// What came of an attempt, as far as retrying cares.
package enum AttemptOutcome: Hashable, Sendable {
    /// No response head. `unprocessed` when it is certain that the application has not seen the request.
    case failed(UpstreamFailure, unprocessed: Bool)
    /// A response head; the gRPC status of a trailers-only response, and the reason if the peer's proxy made it.
    case answered(status: Int, grpcStatus: Int?, peerReason: Reason?)
}

/// Which outcomes are worth another attempt; a retry policy made ready.
package struct RetryRules: Hashable, Sendable {
    /// Attempts after the first, 0–10.
    package let attempts: Int
    package let backoff: Backoff

    /// Bit n for status 400 + n.
    private let statuses: (UInt64, UInt64, UInt64, UInt64)
    private let grpcStatuses: UInt32
    private let nonIdempotent: Bool
    private let policy: RetryPolicy

    package init(_ policy: RetryPolicy = RetryPolicy()) {
        self.policy = policy
        self.attempts = max(0, min(10, policy.attempts))
        self.backoff = Backoff(base: policy.backoffBase)
        self.nonIdempotent = policy.nonIdempotent
        var bits: [UInt64] = [0, 0, 0, 0]
        for status in policy.statuses where (400..<600).contains(status) {
            bits[(status - 400) / 64] |= 1 << UInt64((status - 400) % 64)
        }
        self.statuses = (bits[0], bits[1], bits[2], bits[3])
        self.grpcStatuses = policy.grpcStatuses.reduce(0) { (1...16).contains($1) ? $0 | 1 << UInt32($1) : $0 }
    }

    /// Whether another attempt could help and cannot do harm.
    ///
    /// Always when the application has not seen the request. For idempotent requests also after 502, 503, 504, and when
    /// no response came. Listed statuses too, for idempotent requests, or for all when the policy says so; listed gRPC
    /// statuses always, since a call of gRPC is a POST whatever it does, and who lists them means such calls. Never when the
    /// peer's proxy said that it wants no further attempt.
    package func allows(_ outcome: AttemptOutcome, idempotent: Bool) -> Bool {
        switch outcome {
        case .failed(.overflow, _): false
        case .failed(.headersTooLarge, _): false
        case .failed(let failure, let unprocessed): unprocessed || failure.provesUnprocessed || idempotent
        case .answered(let status, let grpcStatus, let peerReason):
            switch peerReason {
            case .attemptRefused, .overload, .rateLimited, .deadlineExceeded, .denied, .unauthenticated, .noRoute: false
            case .connectFailed, .connectTimeout, .overflow, .draining: true
            default:
                (idempotent && (status == 502 || status == 503 || status == 504))
                    || ((idempotent || self.nonIdempotent || (grpcStatus ?? 0) != 0) && self.lists(status, grpcStatus))
            }
        }
    }

    private func lists(_ status: Int, _ grpcStatus: Int?) -> Bool {
        if let grpcStatus, (1...16).contains(grpcStatus) { return self.grpcStatuses & 1 << UInt32(grpcStatus) != 0 }
        guard (400..<600).contains(status) else { return false }
        let bit = UInt64(1) << UInt64((status - 400) % 64)
        return switch (status - 400) / 64 {
        case 0: self.statuses.0 & bit != 0
        case 1: self.statuses.1 & bit != 0
        case 2: self.statuses.2 & bit != 0
        default: self.statuses.3 & bit != 0
        }
    }

    package static func == (left: Self, right: Self) -> Bool { left.policy == right.policy }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.policy) }
}
