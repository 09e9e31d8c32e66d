package import WeftModel

/// Why an attempt got no response, or no whole one.
package enum UpstreamFailure: Error, Hashable, Sendable {
    /// TCP did not connect; the text says why.
    case connectFailed(String)
    /// Neither connected nor failed within the connect timeout.
    case connectTimeout
    /// The TLS handshake failed; the text says why.
    case tlsFailed(String)
    /// The peer proved another identity than the endpoint must have; the text says which.
    case peerIdentityMismatch(String)
    /// The endpoint's name did not resolve.
    case dnsFailed(String)
    /// A limit of the pool: too many connections or waiting requests.
    case overflow
    /// HTTP/2: refused before any processing (REFUSED_STREAM, or above GOAWAY's last stream).
    case refused
    /// The peer reset the stream, with this HTTP/2 error code.
    case reset(code: UInt32)
    /// The connection closed, or failed below HTTP, in the middle; the text says how.
    case connectionClosed(String)
    /// The peer broke the protocol; the text says how.
    case protocolError(String)
    /// The response head was larger than the limit.
    case headersTooLarge
    /// The attempt took longer than the route's per-try timeout.
    case tryTimeout

    /// What is told to the caller and recorded.
    package var reason: Reason {
        switch self {
        case .connectFailed: .connectFailed
        case .connectTimeout: .connectTimeout
        case .tlsFailed: .tlsFailed
        case .peerIdentityMismatch: .peerIdentityMismatch
        case .dnsFailed: .dnsFailed
        case .overflow: .overflow
        case .refused, .reset: .upstreamReset
        case .connectionClosed: .connectionClosed
        case .protocolError, .headersTooLarge: .protocolError
        case .tryTimeout: .tryTimeout
        }
    }

    /// Whether no connection came to be: the request cannot have been seen.
    package var isConnectFailure: Bool {
        switch self {
        case .connectFailed, .connectTimeout, .tlsFailed, .peerIdentityMismatch, .dnsFailed: true
        case .overflow, .refused, .reset, .connectionClosed, .protocolError, .headersTooLarge, .tryTimeout: false
        }
    }

    /// Whether the failure itself shows that the application has not seen the request.
    package var provesUnprocessed: Bool { self.isConnectFailure || self == .refused }

    /// For the caller and the log, in a few words; never an address.
    package var detail: String {
        switch self {
        case .connectFailed(let cause): "connection failed: \(cause)"
        case .connectTimeout: "no connection within the connect timeout"
        case .tlsFailed(let cause): "TLS handshake failed: \(cause)"
        case .peerIdentityMismatch(let cause): "the peer is not who the endpoint must be: \(cause)"
        case .dnsFailed(let cause): "name not resolved: \(cause)"
        case .overflow: "too many requests are waiting for a connection"
        case .refused: "the peer refused the stream before processing it"
        case .reset(let code): "the peer reset the stream (HTTP/2 error \(code))"
        case .connectionClosed(let cause): cause.isEmpty ? "the connection closed" : "the connection closed: \(cause)"
        case .protocolError(let cause): "the peer broke the protocol: \(cause)"
        case .headersTooLarge: "the response head is too large"
        case .tryTimeout: "the attempt took longer than its timeout"
        }
    }
}
