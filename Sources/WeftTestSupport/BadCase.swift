/// One way in which a peer is bad, and how it is told of.
package struct BadCase: Sendable, CustomStringConvertible {
    /// In the words of `scripts/make-bad-certificates` and `scripts/bad-peer`.
    package let name: String
    /// The `result` of the handshake counter.
    package let label: String
    /// Part of the cause in the log.
    package let cause: String

    package init(_ name: String, _ label: String, _ cause: String) {
        self.name = name
        self.label = label
        self.cause = cause
    }

    package var description: String { self.name }

    /// In handfuls, since logs tell only so many refusals in a row.
    package static func handfuls(_ cases: [BadCase]) -> [[BadCase]] {
        stride(from: 0, to: cases.count, by: 12).map { Array(cases[$0..<min($0 + 12, cases.count)]) }
    }

    /// Certificates that nobody takes, whoever shows them.
    package static let certificates: [BadCase] = [
        BadCase("expired", "expired", "expired at"),
        BadCase("not-yet-valid", "not_yet_valid", "compare the clocks"),
        BadCase("foreign-domain", "foreign_trust_domain", "of a trust domain that is not trusted here"),
        BadCase("no-uri", "not_svid", "names no URI"),
        BadCase("dns-only", "not_svid", "names no URI"),
        BadCase("two-uris", "not_svid", "names 2 URIs"),
        BadCase("https-uri", "not_svid", "https://shop.default/ is not a SPIFFE ID"),
        BadCase("no-path", "not_svid", "names a trust domain, not a workload"),
        BadCase("trailing-slash", "not_svid", "is not a SPIFFE ID"),
        BadCase("dot-segment", "not_svid", "is not a SPIFFE ID"),
        BadCase("query", "not_svid", "is not a SPIFFE ID"),
        BadCase("upper-case-domain", "not_svid", "is not a SPIFFE ID"),
        BadCase("percent", "not_svid", "is not a SPIFFE ID"),
        BadCase("with-port", "not_svid", "is not a SPIFFE ID"),
        BadCase("long-uri", "not_svid", "is not a SPIFFE ID"),
        BadCase("authority-as-leaf", "wrong_usage", "is a signing certificate, not a workload's"),
        BadCase("leaf-may-certify", "wrong_usage", "may sign certificates"),
        BadCase("leaf-as-authority", "bad_path", "is not a certificate authority"),
        BadCase("no-key-usage", "wrong_usage", "states no key usage"),
        BadCase("encipher-only", "wrong_usage", "may not make digital signatures"),
        BadCase("client-only", "wrong_usage", "lacks server or client authentication"),
        BadCase("server-only", "wrong_usage", "lacks server or client authentication"),
        BadCase("code-signing", "wrong_usage", "lacks server or client authentication"),
        BadCase("rsa-1024", "weak_algorithm", "a key that is not accepted"),
        BadCase("rsa-2048", "weak_algorithm", "a key that is not accepted"),
        BadCase("p224", "weak_algorithm", "of a kind that is not accepted"),
        BadCase("sha1", "weak_algorithm", "a signature that is not accepted"),
        BadCase("rsa-issuer", "weak_algorithm", "a signature that is not accepted"),
        BadCase("self-signed", "unknown_issuer", "which is not trusted here"),
        BadCase("unknown-issuer", "unknown_issuer", "stranger, which is not trusted here"),
        BadCase("same-name-issuer", "unknown_issuer", "which did not sign it"),
        BadCase("wrong-signature", "unknown_issuer", "which did not sign it"),
        BadCase("critical-extension", "bad_path", "critical extension 1.2.3.4"),
        BadCase("name-constraints", "bad_path", "has name constraints"),
        BadCase("path-too-long", "bad_path", "too many certificates below"),
        BadCase("expired-intermediate", "expired", "expired intermediate"),
        BadCase("future-intermediate", "not_yet_valid", "future intermediate"),
        BadCase("intermediate-no-authority", "bad_path", "is not a certificate authority"),
        BadCase("intermediate-no-usage", "bad_path", "states no key usage"),
        BadCase("intermediate-may-not-sign", "bad_path", "may not sign certificates"),
        BadCase("missing-intermediate", "unknown_issuer", "intermediate, which is not trusted here"),
        BadCase("nine-certificates", "malformed", "the peer showed 9 certificates"),
        BadCase("negative-serial", "malformed", "cannot be read"),
        BadCase("trailing-garbage", "malformed", "cannot be read"),
        BadCase("truncated", "malformed", "cannot be read"),
        BadCase("not-der", "malformed", "cannot be read"),
        BadCase("garbage-second", "malformed", "cannot be read"),
        BadCase("wrong-key", "no_key", "does not hold the key"),
        BadCase("bad-finished", "protocol", "no proper handshake"),
        BadCase("mid-certificate", "closed", "closed the connection"),
    ]
}
