import Testing
import WeftIdentity

@Suite struct HandshakeFailureTests {
    @Test(arguments: [
        ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "no_certificate"), ("TLSV1_ALERT_UNKNOWN_CA", "refused_by_peer"),
        ("UNSUPPORTED_PROTOCOL", "no_tls13"), ("TLSV1_ALERT_PROTOCOL_VERSION", "no_tls13"),
        ("WRONG_VERSION_NUMBER", "not_tls"), ("HTTP_REQUEST", "not_tls"), ("BAD_SIGNATURE", "no_key"),
        ("KEY_USAGE_BIT_INCORRECT", "wrong_usage"), ("WRONG_SIGNATURE_TYPE", "weak_algorithm"),
        ("EXCESSIVE_MESSAGE_SIZE", "too_large"), ("BAD_DECRYPT", "protocol"), ("DECODE_ERROR", "malformed"),
    ])
    func `what the TLS library says is told by its cause, without its sources`(name: String, label: String) {
        let failure = HandshakeFailure(
            library: "sslError([Error: 268435650 error:100000c0:SSL routines:OPENSSL_internal:\(name) at /a/b.cc:1])")
        #expect(failure.label == label)
        #expect(!failure.cause.contains("/"))
    }

    @Test func `a refusal that comes on an open connection is told in words, and other failures as they are`() {
        let alert =
            "sslError([Error: 1 error:10000416:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN at /a/b.cc:4])"
        #expect(
            HandshakeFailure.words(ofTransport: alert) == "the peer refused this side: sslv3 alert certificate unknown")
        #expect(HandshakeFailure.words(ofTransport: "read: broken pipe") == "read: broken pipe")
    }

    @Test(arguments: [
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", true), ("TLSV1_ALERT_UNKNOWN_CA", true),
        ("TLSV1_ALERT_CERTIFICATE_REQUIRED", true), ("TLSV1_ALERT_INTERNAL_ERROR", false),
        ("SSLV3_ALERT_BAD_RECORD_MAC", false), ("BAD_DECRYPT", false),
    ])
    func `only a refusal of the certificate shows that nothing was read`(name: String, isRefusal: Bool) {
        let text = "sslError([Error: 1 error:10000416:SSL routines:OPENSSL_internal:\(name) at /a/b.cc:4])"
        #expect(HandshakeFailure.refusal(inTransport: text)?.label == (isRefusal ? "refused_by_peer" : nil))
    }

    @Test func `what the library has no name for is told in its words, and a cut connection as one`() {
        #expect(HandshakeFailure(library: "odd").label == "failed")
        #expect(HandshakeFailure(library: "odd").cause.contains("odd"))
        #expect(HandshakeFailure(library: "handshakeFailed(sslError([Error:  EOF during handshake]))") == .closed)
        #expect(HandshakeFailure(library: "uncleanShutdown") == .closed)
        #expect(HandshakeFailure(library: "read: Connection reset by peer (errno: 104)") == .closed)
    }
}
