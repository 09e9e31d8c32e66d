import NIOCore
import Testing
import WeftMessage

@testable import WeftHTTP

/// Which fields of an HTTP/1 head reach an application.
@Suite struct HTTP1FieldTests {
    private func request(_ fields: String) throws -> HeaderBlock {
        let rig = try HTTP1ServerRig()
        rig.send("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n")
        return try #require(rig.delegate.receivers.first?.request).headers
    }

    @Test(arguments: [
        "idempotency-key", "origin", "x-envoy-expected-rq-timeout-ms", "grpc-timeout", "grpc-tags-bin", "x-request-id",
        "x-weft-anything", "x-forwarded-port", "range", "if-none-match", "cache-control", "authorization",
        "traceparent",
        "sec-websocket-version",
    ])
    func `Connection cannot take an end-to-end field away`(name: String) throws {
        let headers = try self.request("Connection: x-own, \(name.uppercased())\r\nX-Own: 1\r\n\(name): 2\r\n")
        #expect(headers[name] == "2")
        #expect(headers["x-own"] == nil)
    }

    @Test(arguments: [
        "Content_Length: 5", "Transfer_Encoding: chunked", "TRANSFER_ENCODING: chunked", "X_Weft_Peer: spiffe://a/b",
        "X-Weft_Peer: spiffe://a/b", "X_Forwarded_Client_Cert: a", "x-forwarded_for: 1.2.3.4", "X_Weft-Case: t",
    ])
    func `a name that an application may take for a protected one is dropped`(line: String) throws {
        let name = String(line.prefix { $0 != ":" }).lowercased()
        let headers = try self.request("\(line)\r\nX_Custom_Name: 1\r\n")
        #expect(headers[name] == nil)
        #expect(headers["x_custom_name"] == "1")
        let rig = try HTTP1ServerRig()
        rig.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\(line)\r\n\r\n")
        #expect(rig.delegate.receivers.first?.trailers == ["x-sum": "1"])
    }

    @Test func `a response may repeat what a request may not`() throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive("HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\nContent-Length: 0\r\n\r\n")
        #expect(receiver.response?.headers.values(of: "content-type") == ["a", "b"])
    }
}
