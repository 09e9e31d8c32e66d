internal import WeftModel

/// What an attempt says about its endpoint.
package enum EndpointOutcome: Hashable, Sendable {
    case success
    /// 429: too much for it, which counts for the success rate and not for failures in a row.
    case throttled
    case failure

    /// Of a response. Nil when it says nothing about the endpoint: its proxy refused the request by policy, or the
    /// service is going away in good order.
    ///
    /// - Parameter peerReason: what the endpoint's proved proxy said about a response that it made itself.
    init?(status: Int, grpcStatus: Int?, peerReason: Reason?) {
        switch peerReason {
        case .overload, .attemptRefused, .deadlineExceeded, .rateLimited, .denied, .unauthenticated, .draining,
            .faultAbort, .noRoute, .badRequest:
            return nil
        default: break
        }
        if let grpcStatus {
            self = Self.isFailure(grpcStatus: grpcStatus) ? .failure : .success
        } else {
            self = status == 429 ? .throttled : status >= 500 ? .failure : .success
        }
        if status >= 500 { self = .failure }
    }

    /// UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
    static func isFailure(grpcStatus: Int) -> Bool {
        switch grpcStatus {
        case 2, 4, 13, 14, 15: true
        default: false
        }
    }
}

extension UpstreamFailure {
    /// Whether the failure speaks against the endpoint. A refused stream and a connection that closed before the request
    /// was seen belong to a restart in good order; limits of our own say nothing about anybody.
    func blamesEndpoint(unprocessed: Bool) -> Bool {
        switch self {
        case .overflow, .refused, .headersTooLarge: false
        case .connectionClosed: !unprocessed
        case .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch, .dnsFailed, .reset, .protocolError,
            .tryTimeout:
            true
        }
    }
}
