import NIOCore
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct HTTP1HeaderCaseTests {
    @Test func `an application gets the names as the caller wrote them`() throws {
        let server = try HTTP1ServerRig(prepare: { _ in })
        server.send(
            "POST / HTTP/1.1\r\nHost: billing:80\r\nUser-Agent: a\r\nsec-ch-ua: b\r\nX-REQUEST-ID: c\r\nDNT: 1\r\n"
                + "TE: trailers\r\nCookie: d=e\r\nCONTENT-LENGTH: 2\r\nConnection: keep-alive\r\n\r\nab")
        let request = try #require(server.delegate.receivers.first?.request)
        #expect(request.headers["x-request-id"] == "c" && request.headers.contains(.te))
        let client = try HTTP1ClientRig()
        let receiver = RecordingReceiver()
        receiver.stream = client.connection.open(request, end: false, receiver: receiver)
        receiver.client?.sendData(ByteBuffer(string: "ab"), end: true)
        #expect(
            client.sent()
                == "POST / HTTP/1.1\r\nHost: billing:80\r\nUser-Agent: a\r\nsec-ch-ua: b\r\nX-REQUEST-ID: c\r\nDNT: 1\r\n"
                + "TE: trailers\r\nCookie: d=e\r\nCONTENT-LENGTH: 2\r\n\r\nab")
    }

    @Test func `a caller gets the names as the application wrote them, and additions in the same form`() throws {
        let client = try HTTP1ClientRig()
        let receiver = try #require(client.open())
        client.receive(
            "HTTP/1.1 200 OK\r\nETag: a\r\nWWW-Authenticate: b\r\nSet-Cookie: c\r\nset-cookie: d\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\nx-MD5: 2\r\n\r\n")
        let response = try #require(receiver.response)
        let trailers = try #require(receiver.trailers)
        let server = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(response, end: false)
                receiver.server?.sendTrailers(trailers)
            }
        }
        let answer = server.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").answer
        #expect(
            answer
                == "HTTP/1.1 200 OK\r\nETag: a\r\nWWW-Authenticate: b\r\nSet-Cookie: c\r\nset-cookie: d\r\n"
                + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\nX-Sum: 1\r\nx-MD5: 2\r\n\r\n")
    }

    @Test func `names of a caller in lower case stay so`() throws {
        let server = try HTTP1ServerRig(prepare: { _ in })
        server.send("GET / HTTP/1.1\r\nhost: x\r\nuser-agent: a\r\nX-Odd: b\r\n\r\n")
        let request = try #require(server.delegate.receivers.first?.request)
        let client = try HTTP1ClientRig()
        let receiver = RecordingReceiver()
        receiver.stream = client.connection.open(request, end: true, receiver: receiver)
        #expect(client.sent() == "GET / HTTP/1.1\r\nhost: x\r\nuser-agent: a\r\nX-Odd: b\r\n\r\n")
    }

    @Test func `an upgrade is asked for in the form of its request, and what a sidecar says to another is not written`()
        throws
    {
        let client = try HTTP1ClientRig()
        var headers = HeaderBlock()
        headers.nameForm = .train
        headers.append(.connectProtocol, "websocket")
        headers.append(.weftCase, "t")
        _ = try #require(client.open(.get, headers: headers, end: false))
        let sent = client.sent()
        #expect(sent.contains("Host: billing:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "))
        #expect(!sent.lowercased().contains("x-weft-case"))
    }

    @Test func `trailers cannot say how names are spelled`() throws {
        let server = try HTTP1ServerRig()
        server.send(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Weft-Case: t\r\nX-Sum: 1\r\n\r\n")
        #expect(server.delegate.receivers.first?.trailers == ["x-sum": "1"])
    }
}
