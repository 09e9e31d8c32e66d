internal import WeftModel

/// `Proxy-Status` (RFC 9209): what callers outside the mesh, who know nothing of `x-weft-reason`, are told by a field that
/// any proxy may send.
package enum ProxyStatus {
    /// The field's value for a reply of the proxy's own.
    package static func value(for reply: LocalReply) -> String {
        var value = "weft"
        if let error = reply.reason.proxyError { value += "; error=\(error)" }
        let sentence = reply.detail.isEmpty ? reply.reason.rawValue : "\(reply.reason.rawValue): \(reply.detail)"
        return value + "; details=\"\(Self.quoted(sentence))\""
    }

    /// As a string of structured fields (RFC 9651 §3.3.3): visible ASCII, with two characters escaped.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += "\\" + String(UnicodeScalar(byte))
            case 0x20...0x7e: result += String(UnicodeScalar(byte))
            default: result += "?"
            }
        }
        return result
    }
}

extension Reason {
    /// The proxy error type that fits best (RFC 9209 §2.3); nil where the proxy answered on purpose.
    var proxyError: String? {
        switch self {
        case .ok, .faultDelay, .faultAbort: nil
        case .noRoute: "destination_not_found"
        case .noEndpoints, .draining, .overload, .attemptRefused, .retriesExhausted, .retryBudgetExhausted:
            "destination_unavailable"
        case .connectFailed: "connection_refused"
        case .connectTimeout: "connection_timeout"
        case .tlsFailed: "tls_protocol_error"
        case .peerIdentityMismatch: "tls_certificate_error"
        case .connectionClosed, .upstreamReset: "connection_terminated"
        case .overflow: "connection_limit_reached"
        case .requestTimeout, .tryTimeout, .deadlineExceeded, .durationCapped: "http_response_timeout"
        case .streamIdleTimeout: "connection_read_timeout"
        case .rateLimited, .denied, .unauthenticated, .plaintextRefused: "http_request_denied"
        case .clientGone, .badRequest, .headersTooLarge, .protocolUnknown: "http_request_error"
        case .protocolError: "http_protocol_error"
        case .dnsFailed: "dns_error"
        case .internal: "proxy_internal_error"
        }
    }
}
