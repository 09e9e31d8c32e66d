/// Why a request ended as it did: stable by contract, one page each in `docs/reasons/`.
package enum Reason: String, Hashable, Sendable, CaseIterable, Codable {
    case ok
    case noRoute = "no_route"
    case noEndpoints = "no_endpoints"
    case connectFailed = "connect_failed"
    case connectTimeout = "connect_timeout"
    case tlsFailed = "tls_failed"
    case peerIdentityMismatch = "peer_identity_mismatch"
    case connectionClosed = "connection_closed"
    case upstreamReset = "upstream_reset"
    case overflow
    case retryBudgetExhausted = "retry_budget_exhausted"
    case retriesExhausted = "retries_exhausted"
    case requestTimeout = "request_timeout"
    case tryTimeout = "try_timeout"
    case deadlineExceeded = "deadline_exceeded"
    case streamIdleTimeout = "stream_idle_timeout"
    case durationCapped = "duration_capped"
    case rateLimited = "rate_limited"
    case denied
    case unauthenticated
    case plaintextRefused = "plaintext_refused"
    case clientGone = "client_gone"
    case badRequest = "bad_request"
    case headersTooLarge = "headers_too_large"
    case protocolError = "protocol_error"
    case protocolUnknown = "protocol_unknown"
    case faultDelay = "fault_delay"
    case faultAbort = "fault_abort"
    case draining
    case overload
    case dnsFailed = "dns_failed"
    case attemptRefused = "attempt_refused"
    case `internal`

    /// Whether policies did not let the call through: its caller's doing, and no failure of the destination.
    package var isPolicyRefusal: Bool { [.denied, .unauthenticated, .plaintextRefused].contains(self) }

    /// Envoy's response flag for the same outcome; empty where it has none.
    package var envoyFlag: String {
        switch self {
        case .ok, .draining, .attemptRefused, .internal: ""
        case .noRoute: "NR"
        case .noEndpoints: "UH"
        case .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch: "UF"
        case .connectionClosed: "UC"
        case .upstreamReset: "UR"
        case .overflow: "UO"
        case .retryBudgetExhausted, .retriesExhausted: "URX"
        case .requestTimeout, .tryTimeout: "UT"
        case .deadlineExceeded: "DT"
        case .streamIdleTimeout: "SI"
        case .durationCapped: "UMSDR"
        case .rateLimited: "RL"
        case .denied, .unauthenticated, .plaintextRefused: "UAEX"
        case .clientGone: "DC"
        case .badRequest, .headersTooLarge, .protocolUnknown: "DPE"
        case .protocolError: "UPE"
        case .faultDelay: "DI"
        case .faultAbort: "FI"
        case .overload: "OM"
        case .dnsFailed: "DF"
        }
    }

    /// The status of the reply a proxy makes itself for this reason.
    package var status: Int {
        switch self {
        case .ok: 200
        case .noRoute: 404
        case .noEndpoints, .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch, .overflow, .draining,
            .overload, .dnsFailed, .attemptRefused, .retryBudgetExhausted, .retriesExhausted:
            503
        case .connectionClosed, .upstreamReset, .protocolError: 502
        case .requestTimeout, .tryTimeout, .deadlineExceeded, .streamIdleTimeout, .durationCapped: 504
        case .rateLimited: 429
        case .denied, .plaintextRefused: 403
        case .unauthenticated: 401
        case .clientGone: 499
        case .badRequest, .protocolUnknown: 400
        case .headersTooLarge: 431
        case .faultDelay, .faultAbort: 503
        case .internal: 500
        }
    }

    /// The gRPC status of the reply a proxy makes itself for a gRPC caller.
    package var grpcStatus: Int {
        switch self {
        case .ok: 0
        case .requestTimeout, .tryTimeout, .deadlineExceeded, .durationCapped: 4
        case .noRoute: 12
        case .denied, .plaintextRefused: 7
        case .unauthenticated: 16
        case .rateLimited, .overload, .headersTooLarge: 8
        case .clientGone: 1
        case .badRequest, .protocolUnknown, .protocolError, .internal: 13
        case .noEndpoints, .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch, .connectionClosed,
            .upstreamReset, .overflow, .retryBudgetExhausted, .retriesExhausted, .streamIdleTimeout, .faultDelay,
            .faultAbort, .draining, .dnsFailed, .attemptRefused:
            14
        }
    }
}
