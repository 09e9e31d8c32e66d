import Testing
import WeftMessage

@testable import WeftHTTP

/// What is told of requests that could not be read.
@Suite struct RefusedRequestTests {
    static func request(
        _ method: String = "", _ authority: String = "", _ path: String = "", id: String = ""
    ) -> RefusedRequest {
        var request = RefusedRequest()
        request.method = method
        request.authority = authority
        request.path = path
        request.id = id
        return request
    }

    @Test(arguments: [
        (
            "GET /a\u{1} HTTP/1.1\r\nHost: billing\r\nX-Request-Id: r-1\r\n\r\n",
            request("GET", "billing", "/a\u{1}", id: "r-1")
        ),
        ("GET /a b HTTP/1.1\r\nhost: x\r\n\r\n", request("GET", "x", "/a")),
        ("GET http://u@h:1/p?q HTTP/3\r\nHost: other\r\nx-request-id:  r 1 \r\n\r\n", request("GET", "u@h:1", "/p?q")),
        ("CONNECT h:x HTTP/1.1\r\n\r\n", request("CONNECT", "h:x")),
        ("GET /\nHost: h\nX-Request-ID:\tr-2 \n", request("GET", "h", "/", id: "r-2")),
        ("GET / HTTP/1.1\r\n\r\nX-Request-ID: of-the-body\r\n", request("GET", "", "/")),
        (
            "GET / HTTP/1.1\r\nX-Request-ID: a\u{1b}[1m\r\nX-Request-ID: second\r\n",
            request("GET", "", "/", id: "second")
        ),
        ("\u{16}\u{3}\u{1} / HTTP/1.1\r\n", request()), ("GET\r\n", request()), ("", request()), (" / x", request()),
    ])
    func `a head of HTTP 1 tells what can be made out`(text: String, known: RefusedRequest) {
        #expect(Array(text.utf8).withUnsafeBytes { RefusedRequest(head: $0) } == known)
    }

    @Test func `an id that is too long to be repeated is none`() {
        let head = "GET / HTTP/1.1\r\nx-request-id: \(String(repeating: "a", count: 129))\r\n\r\n"
        #expect(Array(head.utf8).withUnsafeBytes { RefusedRequest(head: $0) }.id.isEmpty)
    }

    @Test func `both codecs say what they refuse`() throws {
        let first = try HTTP1ServerRig()
        let answer = first.exchange("GET /a\\ HTTP/1.1\r\nHost: h\r\nHost: h\r\nx-request-id: r-1\r\n\r\n")
        #expect(answer.answer.hasPrefix("HTTP/1.1 400 "))
        #expect(first.delegate.refused == [Self.request("GET", "h", "/a\\", id: "r-1")])
        let second = try HTTP2ServerRig()
        var block: HeaderBlock = [":method": "GET", ":scheme": "http", ":authority": "h", ":path": "/a#b"]
        block.append(.xRequestID, "r-2")
        second.peer.send(second.peer.headers(1, block))
        #expect(second.delegate.refused == [Self.request("GET", "h", "/a#b", id: "r-2")])
    }
}
