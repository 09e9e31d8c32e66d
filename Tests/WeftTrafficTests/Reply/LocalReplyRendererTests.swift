import Testing
import WeftMessage
import WeftModel

@testable import WeftTraffic

@Suite struct LocalReplyRendererTests {
    private let reply = LocalReply(.noEndpoints, detail: "billing.default:80 has no \"endpoints\"")

    @Test(
        arguments: [
            (nil, false), ("*/*", false), ("application/json", true), ("text/html, application/json;q=0.9", false),
            ("application/json, text/plain;q=0.5", true), ("application/json;q=0", false), ("text/plain", false),
        ] as [(String?, Bool)])
    func `JSON is for those who prefer it, text for all others`(accept: String?, isJSON: Bool) {
        var head = request()
        if let accept { head.headers.append(.accept, accept) }
        let rendered = LocalReplyRenderer.render(self.reply, for: head)
        let body = String(decoding: rendered.body, as: UTF8.self)
        #expect(rendered.head.status == 503)
        #expect(rendered.head.headers[.weftReason] == "no_endpoints")
        #expect(rendered.head.headers[.contentLength] == "\(rendered.body.count)")
        if isJSON {
            #expect(rendered.head.headers[.contentType] == "application/json")
            #expect(
                body == #"{"status":503,"reason":"no_endpoints","detail":"billing.default:80 has no \"endpoints\""}"#
                    + "\n")
        } else {
            #expect(rendered.head.headers[.contentType] == "text/plain; charset=utf-8")
            #expect(body == "weft: no_endpoints: billing.default:80 has no \"endpoints\"\n")
        }
    }

    @Test func `HEAD is answered without the body it describes`() {
        let rendered = LocalReplyRenderer.render(self.reply, for: request(.head))
        #expect(rendered.body.isEmpty)
        #expect(rendered.head.headers.number(.contentLength) ?? 0 > 0)
    }

    @Test func `a gRPC caller gets trailers only, with status and encoded message`() {
        let head = request(.post, "/s/M", ["content-type": "application/grpc+proto"])
        let rendered = LocalReplyRenderer.render(LocalReply(.noEndpoints, detail: "100 % né"), for: head)
        #expect(rendered.head.status == 200 && rendered.body.isEmpty)
        #expect(rendered.head.headers[.grpcStatus] == "14")
        #expect(rendered.head.headers[.grpcMessage] == "no_endpoints: 100 %25 n%C3%A9")
        #expect(rendered.head.headers[.weftReason] == "no_endpoints")
        #expect(rendered.head.headers[.contentType] == "application/grpc")
    }

    @Test func `retry-after is told when known`() {
        let rendered = LocalReplyRenderer.render(LocalReply(.rateLimited, retryAfterSeconds: 3), for: request())
        #expect(rendered.head.headers[.retryAfter] == "3" && rendered.head.status == 429)
    }

    @Test func `every answer of a proxy has the id of the request`() {
        let plain = request(.get, "/", ["x-request-id": "r-1"])
        let call = request(.post, "/s/M", ["x-request-id": "r-1", "content-type": "application/grpc"])
        for head in [plain, call] {
            for reply in [self.reply, LocalReply(.ok, status: 302, location: "https://billing/")] {
                let headers = LocalReplyRenderer.render(reply, for: head).head.headers
                #expect(headers.values(of: "x-request-id") == ["r-1"])
            }
        }
        #expect(LocalReplyRenderer.render(self.reply, for: request()).head.headers[.xRequestID] == nil)
    }
}
