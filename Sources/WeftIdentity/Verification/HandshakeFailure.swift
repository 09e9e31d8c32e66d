package import WeftModel

/// Why a handshake with a peer came to nothing, in words and as one of a fixed set of labels.
package struct HandshakeFailure: Hashable, Sendable {
    /// The `result` label of the handshake counter; `docs/reasons/tls_failed.md` lists them.
    package let label: String
    package let cause: String
    package private(set) var reason = Reason.tlsFailed

    package init(label: String, cause: String) {
        self.label = label
        self.cause = cause
    }

    /// The peer's certificate was judged and found wanting.
    package init(_ error: SVIDError) {
        self.label = error.label
        self.cause = "\(error)"
        self.reason = error.reason
    }

    /// The peer was silent for too long.
    package static func timedOut(after seconds: Int) -> Self {
        Self(label: "timeout", cause: "the handshake took longer than \(seconds) s")
    }

    /// The peer went away before the handshake was over.
    package static let closed = Self(label: "closed", cause: "the peer closed the connection during the handshake")

    /// What a TLS library of BoringSSL's family says, which names its own sources; only the failure's name is kept.
    package init(library text: String) {
        let name = text.word(after: "OPENSSL_internal:").uppercased()
        let words = name.lowercased().replacing("_", with: " ")
        if name.isEmpty {
            self =
                ["reset", "uncleanshutdown", "eof during handshake"].contains(where: text.lowercased().contains)
                ? .closed
                : Self(label: "failed", cause: "the connection failed during the handshake: \(text.prefix(200))")
        } else if let known = Self.known.first(where: { name.contains($0.name) }) {
            self.init(label: known.label, cause: known.cause)
        } else if name.contains("_ALERT_") {
            self.init(label: "refused_by_peer", cause: "the peer refused this side: \(words)")
        } else {
            self.init(label: "protocol", cause: "what the peer sent is no proper handshake: \(words)")
        }
    }

    /// The same of a connection that was open already, where a peer's refusal of our certificate may still arrive; a text
    /// that is not the TLS library's stays as it is.
    package static func words(ofTransport text: String) -> String {
        let name = text.word(after: "OPENSSL_internal:")
        guard !name.isEmpty else { return text }
        let words = name.lowercased().replacing("_", with: " ")
        return name.uppercased().contains("_ALERT_") ? "the peer refused this side: \(words)" : "TLS failed: \(words)"
    }

    /// The same where it is a refusal of this side's certificate; nil for any other failure.
    ///
    /// In TLS 1.3 the side that connects believes the handshake to be over before the other has judged its certificate;
    /// whoever says so has read nothing that was sent since. Source: RFC 8446 §4.4.2.4, §6.2.
    package static func refusal(inTransport text: String) -> Self? {
        let name = text.word(after: "OPENSSL_internal:").uppercased()
        guard let alert = name.firstRange(of: "_ALERT_"),
            self.ofCertificates.contains(String(name[alert.upperBound...]))
        else { return nil }
        return Self(label: "refused_by_peer", cause: self.words(ofTransport: text))
    }

    /// Alerts that say what is wrong with a certificate, or that one is wanted.
    private static let ofCertificates: Set<String> = [
        "ACCESS_DENIED", "BAD_CERTIFICATE", "CERTIFICATE_EXPIRED", "CERTIFICATE_REQUIRED", "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "UNSUPPORTED_CERTIFICATE",
    ]

    /// The library's names for what peers do; the first that fits counts.
    private static let known: [(name: String, label: String, cause: String)] = [
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "no_certificate", "\(SVIDError.noCertificate)"),
        ("UNSUPPORTED_PROTOCOL", "no_tls13", "the peer does not offer TLS 1.3"),
        ("ALERT_PROTOCOL_VERSION", "no_tls13", "the peer does not take TLS 1.3"),
        ("WRONG_VERSION_NUMBER", "not_tls", "what the peer sent is not TLS"),
        ("HTTP_REQUEST", "not_tls", "the peer sent an HTTP request without TLS"),
        ("HTTPS_PROXY_REQUEST", "not_tls", "the peer sent a CONNECT without TLS"),
        ("NO_APPLICATION_PROTOCOL", "no_alpn", "the two have no application protocol (ALPN) in common"),
        ("INVALID_ALPN", "no_alpn", "the peer chose an application protocol that was not offered"),
        ("DECODE_ERROR", "malformed", "a message of the handshake, or a certificate in it, cannot be read"),
        ("CANNOT_PARSE_LEAF_CERT", "malformed", "a certificate cannot be read: the leaf is not proper DER"),
        ("CERTIFICATE_UNKNOWN_TYPE", "malformed", "a certificate cannot be read: its type is unknown"),
        ("KEY_USAGE_BIT_INCORRECT", "wrong_usage", "the certificate's key may not make digital signatures"),
        ("ECC_CERT_NOT_FOR_SIGNING", "wrong_usage", "the certificate's key may not make digital signatures"),
        ("UNKNOWN_CERTIFICATE_TYPE", "weak_algorithm", "the certificate's key is of a kind that is not accepted"),
        ("WRONG_CURVE", "weak_algorithm", "the certificate's key is on a curve that is not accepted"),
        ("UNSUPPORTED_ALGORITHM", "weak_algorithm", "the certificate's key is of a kind that is not accepted"),
        ("UNKNOWN_GROUP", "weak_algorithm", "the certificate's key is on a curve that is not accepted"),
        ("WRONG_SIGNATURE_TYPE", "weak_algorithm", "the peer signed in a way that is not accepted"),
        ("NO_COMMON_SIGNATURE_ALGORITHMS", "weak_algorithm", "the two have no way of signing in common"),
        ("BAD_SIGNATURE", "no_key", "the peer does not hold the key of the certificate it showed"),
        ("EXCESSIVE_MESSAGE_SIZE", "too_large", "a message of the handshake is too large"),
        ("CERTIFICATE_VERIFY_FAILED", "failed", "the peer's certificate was refused"),
    ]
}

extension String {
    /// The word of letters, digits and underscores behind the first `marker`; empty when there is none.
    fileprivate func word(after marker: String) -> String {
        guard let range = self.firstRange(of: marker) else { return "" }
        return String(self[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
    }
}
