import Testing

@testable import WeftProxy

@Suite struct NoteLimiterTests {
    @Test func `a burst is said, then one note a second, which tells how many went unsaid`() {
        var limiter = NoteLimiter()
        let said = (0..<100).filter { _ in limiter.admit(now: 5_000_000_000) != nil }
        #expect(said.count == 20)
        #expect(limiter.admit(now: 5_900_000_000) == nil)
        #expect(limiter.admit(now: 6_000_000_000) == 81)
        #expect(limiter.admit(now: 6_500_000_000) == nil)
        #expect(limiter.admit(now: 106_000_000_000) == 1)
    }

    @Test(arguments: [
        (
            "sslError([Error: 268435650 error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE at /a/b.cc:1])",
            "no_certificate"
        ),
        ("error:1:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA at /a/b.cc:1", "refused_by_peer"),
        ("error:1:SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL at /a/b.cc:1", "no_tls13"),
        ("error:1:SSL routines:OPENSSL_internal:BAD_DECRYPT at /a/b.cc:1", "failed"), ("eof", "failed"),
    ])
    func `what the TLS library says is told by its cause, without its sources`(text: String, label: String) {
        struct Raw: Error, CustomStringConvertible { let description: String }
        let failure = HandshakeFailure(Raw(description: text))
        #expect(failure.label == label)
        #expect(!failure.cause.contains("/"))
    }
}
