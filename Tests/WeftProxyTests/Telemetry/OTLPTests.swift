import GRPCCore
import Testing
import WeftTelemetry

@testable import WeftProxy

@Suite struct OTLPTests {
    @Test func `only what the protocol says is tried again`() {
        let again: [RPCError.Code] = [
            .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss,
        ]
        let never: [RPCError.Code] = [
            .unknown, .invalidArgument, .notFound, .alreadyExists, .permissionDenied, .resourceExhausted,
            .failedPrecondition, .unimplemented, .internalError, .unauthenticated,
        ]
        for code in again { #expect(OTLPAnswer.outcome(of: code) == .retry(after: nil)) }
        for code in never { #expect(OTLPAnswer.outcome(of: code) == .refused) }
        for status in 100...599 {
            let outcome = OTLPAnswer.outcome(ofStatus: status, retryAfter: nil)
            switch status {
            case 200..<300: #expect(outcome == .taken)
            case 429, 502, 503, 504: #expect(outcome == .retry(after: nil))
            default: #expect(outcome == .refused)
            }
        }
        #expect(OTLPAnswer.outcome(ofStatus: 503, retryAfter: "7") == .retry(after: 7_000_000_000))
        #expect(OTLPAnswer.outcome(ofStatus: 503, retryAfter: "soon") == .retry(after: nil))
        #expect(OTLPAnswer.outcome(rejected: 3) == .partly(lost: 3))
        #expect(OTLPAnswer.outcome(rejected: 0) == .taken)
    }

    @Test(
        arguments: [
            ("http://collector:4317", "http://collector:4317 (grpc)"), ("http://c", "http://c:4317 (grpc)"),
            ("http://c:4318", "http://c:4318 (http)"), ("https://c:4318/otlp/", "https://c:4318/otlp (http)"),
            ("http://[::1]:4317/", "http://[::1]:4317 (grpc)"), ("http://[::1]", "http://[::1]:4317 (grpc)"),
            ("collector:4317", nil), ("http://", nil), ("http://c:0", nil), ("http://c:x", nil), ("ftp://c", nil),
            ("http://a:b@c", nil), ("http://c/?x", nil), ("", nil),
        ] as [(String, String?)])
    func `a collector is an address with a port`(text: String, expected: String?) {
        #expect(OTLPEndpoint(text)?.description == expected)
    }

    @Test func `the protocol that is asked for decides the port`() {
        #expect(OTLPEndpoint("http://c", transport: .http)?.port == 4318)
        #expect(OTLPEndpoint("http://c:4317", transport: .http)?.transport == .http)
    }
}
