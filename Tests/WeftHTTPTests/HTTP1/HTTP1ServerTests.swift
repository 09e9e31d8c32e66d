import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

/// A server connection on a channel without a socket.
final class HTTP1ServerRig {
    let delegate = RecordingServer()
    let channel: EmbeddedChannel
    let connection: HTTP1ServerConnection

    init(limits: HTTPLimits = HTTPLimits(), prepare: @escaping (RecordingReceiver) -> Void = echo) throws {
        self.delegate.prepare = prepare
        self.connection = HTTP1ServerConnection(delegate: self.delegate, limits: limits)
        self.channel = EmbeddedChannel(handler: self.connection)
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    func send(_ text: String) { self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        _ = try? self.channel.writeInbound(ByteBuffer(bytes: bytes))
        self.channel.embeddedEventLoop.run()
    }

    func answer() -> String {
        var text = ""
        while let buffer = try? self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    /// What came back, and whether the connection has ended or is about to.
    func exchange(_ text: String) -> (answer: String, closes: Bool) {
        self.send(text)
        return (self.answer(), self.connection.isClosing)
    }
}

@Suite struct HTTP1ServerTests {
    @Test func `a caller that closes while its request is under way is gone, and what waited behind it is not begun`()
        throws
    {
        let rig = try HTTP1ServerRig { _ in }
        rig.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.events == ["request GET /slow end"])
        rig.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        rig.channel.embeddedEventLoop.run()
        #expect(receiver.events.count == 2 && receiver.events.last?.hasPrefix("failed") == true, "\(receiver.events)")
        #expect(rig.connection.isClosing)
    }

    @Test func `a request without body is answered and the connection goes on`() throws {
        let rig = try HTTP1ServerRig()
        for _ in 0..<3 {
            let (answer, closes) = rig.exchange("GET /a?b=c HTTP/1.1\r\nHost: x:80\r\nX-Odd: \t v \r\n\r\n")
            #expect(answer == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
            #expect(!closes)
        }
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.events == ["request GET /a?b=c end", "closed"])
        #expect(receiver.request?.authority == "x:80")
        #expect(receiver.request?.headers["x-odd"] == "v")
        #expect(receiver.request?.headers.contains(.host) == false)
        #expect(receiver.sent == 5)
    }

    @Test(arguments: [
        // Length and coding.
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", 400), ("Transfer-Encoding: chunked, chunked", 400),
        ("Transfer-Encoding: chunked, identity", 400), ("Transfer-Encoding: xchunked", 501),
        ("Transfer-Encoding: gzip, chunked", 501), ("Transfer-Encoding: identity", 501),
        ("Transfer-Encoding:\u{0b}chunked", 400), ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", 400),
        ("Transfer-Encoding: chunked,", 400), ("Transfer-Encoding: \"chunked\"", 501),
        ("Transfer-Encoding:", 501), ("Content-Length: +5", 400), ("Content-Length: -1", 400),
        ("Content-Length: 5, 6", 400), ("Content-Length: 5\r\nContent-Length: 6", 400), ("Content-Length: 0x5", 400),
        ("Content-Length: 5 5", 400), ("Content-Length:", 400), ("Content-Length: 9223372036854775808", 400),
        ("Content-Length: 5,", 400), ("Content-Length : 5", 400), ("Content_Length: 5", 200),
        // Names, values and lines.
        ("X: a\nY: b", 400), ("X: a\rY: b", 400), ("X: a\r\n b", 400), ("X: a\r\n\tb", 400), ("X\t: a", 400),
        (" X: a", 400), ("X: \u{0}", 400), ("X\u{0}: a", 400), (": a", 400), ("X", 400), ("X: \u{7f}", 400),
        ("Host: y", 400), (":path: /admin", 400), ("X Y: a", 400), ("X: \u{1}", 400),
        ("X: \u{e9}", 200), ("X: a\tb", 200),
        // Fields that have one value.
        ("Content-Type: a\r\nContent-Type: b", 400), ("Authorization: a\r\nX: y\r\nauthorization: a", 400),
        ("Accept: a\r\nAccept: b", 200),
        // Others.
        ("Expect: 200-ok", 417), ("Connection: close, bad option", 400),
    ])
    func `a head that two parsers could read in two ways is refused`(fields: String, status: Int) throws {
        let rig = try HTTP1ServerRig()
        let (answer, closes) = rig.exchange("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        #expect(closes == (status != 200))
        #expect(rig.delegate.receivers.count == (status == 200 ? 1 : 0))
        #expect(rig.delegate.refusals.map(\.status) == (status == 200 ? [] : [status]))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1", 200), ("GET  / HTTP/1.1", 400), ("GET / HTTP/1.1 ", 400), ("GET /a b HTTP/1.1", 400),
        ("GET\t/ HTTP/1.1", 400), ("GET / HTTP/2.0", 505), ("GET / HTTP/1.2", 505), ("GET / http/1.1", 400),
        ("GET / HTTP/1.10", 400), ("GET /", 400), ("GET", 400), ("G(T / HTTP/1.1", 400), ("GET /#a HTTP/1.1", 400),
        ("GET a HTTP/1.1", 400), ("GET * HTTP/1.1", 400), ("OPTIONS * HTTP/1.1", 200), ("GET /\u{7f} HTTP/1.1", 400),
        ("GET ftp://x/ HTTP/1.1", 400), ("GET http:///a HTTP/1.1", 400), ("GET http://u@y/a HTTP/1.1", 400),
        ("CONNECT /a HTTP/1.1", 400), ("CONNECT x HTTP/1.1", 400), ("CONNECT x:443 HTTP/1.1", 200),
        ("\u{16}\u{3}\u{1}", 400), ("PATCHED /a HTTP/1.1", 200), ("GET /caf\u{e9} HTTP/1.1", 400),
    ])
    func `a request line is taken exactly or not at all`(line: String, status: Int) throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: true)
            }
        }
        let (answer, _) = rig.exchange("\(line)\r\nHost: x\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
    }

    @Test(arguments: [
        ("x", true), ("x:80", true), ("[::1]:80", true), ("[::1]", true), ("x:", false), ("x:y", false), ("", false),
        ("x y", false), ("x,y", false), ("u@x", false), ("x/y", false), ("::1", false), ("x:123456", false),
        ("[::1", false), ("[::1]x", false),
    ])
    func `Host must be an authority`(host: String, accepted: Bool) throws {
        let rig = try HTTP1ServerRig()
        let (answer, _) = rig.exchange("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        #expect(answer.hasPrefix(accepted ? "HTTP/1.1 200 " : "HTTP/1.1 400 "))
    }

    @Test func `a missing Host is refused in HTTP 1·1 and 1·0`() throws {
        for version in ["1.1", "1.0"] {
            let rig = try HTTP1ServerRig()
            #expect(rig.exchange("GET / HTTP/\(version)\r\n\r\n").answer.hasPrefix("HTTP/1.1 400 "))
        }
    }

    @Test func `an absolute target overrules Host`() throws {
        let rig = try HTTP1ServerRig()
        rig.send("GET http://billing:8080?q=1 HTTP/1.1\r\nHost: other\r\n\r\n")
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.authority == "billing:8080")
        #expect(head.path == "/?q=1")
        #expect(head.headers[.scheme] == "http")
    }

    @Test(arguments: ["CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", "CONNECT x:80 HTTP/1.0\r\nHost: x:80\r\n\r\n"])
    func `what follows a granted CONNECT is left to the tunnel's reader`(request: String) throws {
        let tunnel = TunnelReader()
        var connection: HTTP1ServerConnection?
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: true)
                connection?.handOver(to: tunnel)
            }
        }
        connection = rig.connection
        rig.send(request + "PRI * HT")
        rig.send("TP/2.0\r\n")
        // RFC 9110: neither length nor coding, and the connection stays.
        #expect(rig.answer() == "HTTP/1.1 200 OK\r\n\r\n")
        #expect(tunnel.text == "PRI * HTTP/2.0\r\n")
        #expect(rig.delegate.receivers.map(\.events) == [["request CONNECT ", "closed"]])
        #expect(rig.channel.isActive)
    }

    @Test func `what follows a refused CONNECT is not read as requests`() throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                let status = receiver.request?.method == .connect ? 404 : 200
                receiver.server?.sendResponse(ResponseHead(status: status), end: true)
            }
        }
        rig.send("CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n")
        #expect(rig.answer().hasPrefix("HTTP/1.1 404"))
        rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.answer().isEmpty)
    }

    private final class TunnelReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var text = ""
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.text += String(buffer: Self.unwrapInboundIn(data))
        }
    }

    @Test func `equal lengths become one, and hop-by-hop fields are gone`() throws {
        let rig = try HTTP1ServerRig()
        rig.send(
            """
            POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\nContent-Length: 2\r\nConnection: x-secret, x-weft-peer, \
            x-forwarded-for, cookie, TE\r\nX-Secret: 1\r\nX-Weft-Peer: p\r\nX-Forwarded-For: f\r\nCookie: c\r\n\
            TE: gzip, trailers\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\
            Proxy-Authorization: b\r\n\r\nab
            """)
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.headers.values(of: "content-length") == ["2"])
        #expect(head.headers["x-secret"] == nil)
        #expect(head.headers["x-weft-peer"] == "p")
        #expect(head.headers["x-forwarded-for"] == "f")
        #expect(head.headers["cookie"] == "c")
        #expect(head.headers["te"] == "trailers")
        for name in ["connection", "keep-alive", "upgrade", "http2-settings", "proxy-authorization"] {
            #expect(head.headers[name] == nil)
        }
        #expect(rig.delegate.receivers.first?.body == "ab")
    }

    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("005;a=b\r\nhello\r\n0;c\r\n\r\n", "hello"),
        ("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello"), ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\nX-Sum: 9\r\nHost: evil\r\n\r\n", "hello"),
    ])
    func `chunked bodies come through at every split`(body: String, expected: String) throws {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        let bytes = Array((head + body).utf8)
        for split in 0..<bytes.count {
            let rig = try HTTP1ServerRig()
            rig.send(Array(bytes[..<split]))
            rig.send(Array(bytes[split...]))
            let receiver = try #require(rig.delegate.receivers.first)
            #expect(receiver.body == expected)
            #expect(receiver.isClosed)
            #expect(receiver.trailers == (body.contains("Sum") ? ["x-sum": "9"] : nil))
            #expect(rig.answer().hasSuffix(expected.isEmpty ? "hello" : expected))
            #expect(rig.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").answer.hasSuffix("hello"))
        }
    }

    @Test func `a body of any shape may come byte by byte`() throws {
        let text =
            "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n"
            + "\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ndefGET /c HTTP/1.1\r\nHost: x\r\n\r\n"
        let rig = try HTTP1ServerRig()
        for byte in Array(text.utf8) { rig.send([byte]) }
        #expect(rig.delegate.receivers.map { $0.request?.path } == ["/a", "/b", "/c"])
        #expect(rig.delegate.receivers.map(\.body) == ["abc", "def", ""])
    }

    @Test(arguments: [
        "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "x\r\n", "-1\r\n", "+1\r\n",
        " 5\r\n",
        "5 \r\nhello\r\n", "0x5\r\n", "\r\n", "ffffffffffffffff\r\n", "00000000000000005\r\nhello\r\n",
        "5;a\rb\r\nhello",
        "5;a\u{0}\r\nhello", "0\r\nX: a\n\r\n", "0\r\n X: a\r\n\r\n", "0\r\nX : a\r\n\r\n", "8000000000000000\r\n",
    ])
    func `a malformed chunk is answered 400 and closes`(body: String) throws {
        let rig = try HTTP1ServerRig()
        let (answer, closes) = rig.exchange(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
        #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        #expect(closes)
        #expect(rig.delegate.receivers.first?.failure != nil)
    }

    @Test func `chunk extensions are bounded, one by one and together`() throws {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        let rig = try HTTP1ServerRig()
        #expect(rig.exchange(head + "1;" + String(repeating: "a", count: 2_000)).closes)
        let many = try HTTP1ServerRig()
        many.send(head)
        for _ in 0..<200 { many.send("1;" + String(repeating: "a", count: 900) + "\r\nx\r\n") }
        #expect(many.connection.isClosing)
    }

    @Test func `oversized parts are answered 414 and 431`() throws {
        let long = String(repeating: "a", count: 20_000)
        let rig = try HTTP1ServerRig()
        #expect(rig.exchange("GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n").answer.hasPrefix("HTTP/1.1 414 "))
        let unfinished = try HTTP1ServerRig()
        #expect(unfinished.exchange("GET /\(long)").answer.hasPrefix("HTTP/1.1 414 "))
        let big = try HTTP1ServerRig()
        let fields = (0..<4).map { "X-\($0): \(long)\r\n" }.joined()
        #expect(big.exchange("GET / HTTP/1.1\r\nHost: x\r\n\(fields)").answer.hasPrefix("HTTP/1.1 431 "))
        let many = try HTTP1ServerRig()
        let names = (0..<300).map { "X-\($0): a\r\n" }.joined()
        #expect(many.exchange("GET / HTTP/1.1\r\nHost: x\r\n\(names)\r\n").answer.hasPrefix("HTTP/1.1 431 "))
    }

    @Test func `pipelined requests are handed on one at a time`() throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.delegate.receivers.count == 1)
        rig.delegate.receivers[0].server?.sendResponse(ResponseHead(status: 204), end: true)
        rig.channel.embeddedEventLoop.run()
        #expect(rig.delegate.receivers.count == 2)
        #expect(rig.answer() == "HTTP/1.1 204 No Content\r\n\r\n")
        // The first request's stream is dead, whoever still holds it.
        rig.delegate.receivers[0].server?.sendResponse(ResponseHead(status: 500), end: true)
        rig.delegate.receivers[0].stream?.reset(.cancel)
        #expect(rig.answer() == "")
        rig.delegate.receivers[1].server?.sendResponse(ResponseHead(status: 200), end: true)
        #expect(rig.answer() == "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    }

    @Test func `100 Continue is sent for a body that waits for it`() throws {
        let rig = try HTTP1ServerRig()
        let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        #expect(rig.exchange(head).answer == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(rig.delegate.receivers.first?.request?.headers.contains(.expect) == false)
        #expect(rig.exchange("ab").answer.hasSuffix("\r\n\r\nab"))
    }

    @Test func `an immediate refusal takes the place of 100 Continue and ends the connection`() throws {
        let rig = try HTTP1ServerRig(prepare: { receiver in
            receiver.onRequest = { receiver, _ in receiver.server?.sendResponse(ResponseHead(status: 403), end: true) }
        })
        let (answer, closes) = rig.exchange(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(answer == "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        #expect(closes)
    }

    @Test func `a response without length is chunked, with trailers, and raw for HTTP 1·0`() throws {
        let respond: (RecordingReceiver) -> Void = { receiver in
            receiver.onEnd = { receiver in
                receiver.server?.sendInformational(ResponseHead(status: 103))
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendData(ByteBuffer(string: "0123456789abcdefg"), end: false)
                receiver.server?.sendTrailers(["grpc-status": "0"])
            }
        }
        let rig = try HTTP1ServerRig(prepare: respond)
        #expect(
            rig.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").answer
                == "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                + "11\r\n0123456789abcdefg\r\n0\r\ngrpc-status: 0\r\n\r\n")
        let old = try HTTP1ServerRig(prepare: respond)
        let (answer, closes) = old.exchange("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
        #expect(answer == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789abcdefg")
        #expect(closes)
    }

    @Test func `HTTP 1·0 keeps the connection only when both say so`() throws {
        let rig = try HTTP1ServerRig()
        let kept = rig.exchange("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
        #expect(kept.answer == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello")
        #expect(!kept.closes)
        #expect(rig.exchange("GET / HTTP/1.0\r\nHost: x\r\n\r\n").closes)
    }

    @Test func `HEAD keeps its length and sends no body`() throws {
        let rig = try HTTP1ServerRig()
        let answer = rig.exchange("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").answer
        #expect(answer == "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        #expect(rig.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").answer.hasSuffix("hello"))
    }

    @Test func `Connection close and drain end the connection after the answer`() throws {
        let rig = try HTTP1ServerRig()
        let (answer, closes) = rig.exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n")
        #expect(answer.contains("connection: close\r\n"))
        #expect(closes)
        let draining = try HTTP1ServerRig(prepare: { _ in })
        draining.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        draining.connection.drain()
        draining.delegate.receivers[0].server?.sendResponse(ResponseHead(status: 200), end: true)
        draining.channel.embeddedEventLoop.run()
        #expect(draining.answer().contains("connection: close\r\n"))
        #expect(draining.delegate.closed == .closed)
        let idle = try HTTP1ServerRig()
        idle.connection.drain()
        idle.channel.embeddedEventLoop.run()
        #expect(idle.delegate.closed == .closed)
    }

    @Test func `reading stops while the receiver owes credit`() throws {
        var limits = HTTPLimits()
        limits.receiveBufferBytes = 10
        let rig = try HTTP1ServerRig(limits: limits, prepare: { $0.consumes = false })
        rig.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789")
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(rig.connection.isPaused)
        receiver.stream?.consumed(10)
        #expect(!rig.connection.isPaused)
    }

    @Test func `a slow head is answered 408 and an idle connection closed`() throws {
        let rig = try HTTP1ServerRig()
        rig.send("GET / HTT")
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(rig.answer().hasPrefix("HTTP/1.1 408 "))
        #expect(rig.delegate.refusals.map(\.status) == [408])
        let idle = try HTTP1ServerRig()
        _ = idle.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(idle.delegate.closed == .timeout)
    }

    @Test func `a client that goes away fails its stream`() throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
        rig.channel.pipeline.fireChannelInactive()
        #expect(rig.delegate.receivers.first?.failure == .connectionClosed)
        #expect(rig.delegate.closed == .closed)
    }

    @Test func `random bytes and random damage never do more than end the connection`() throws {
        var random = SeededGenerator(state: 11)
        let model = Array(
            ("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n"
                + "GET http://y/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").utf8)
        for round in 0..<3_000 {
            let rig = try HTTP1ServerRig()
            var bytes = model
            if round % 3 == 0 {
                bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            } else {
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let split = Int.random(in: 0..<bytes.count, using: &random)
            rig.send(Array(bytes[..<split]))
            rig.send(Array(bytes[split...]))
            rig.channel.pipeline.fireChannelInactive()
            #expect(rig.delegate.closed != nil)
            for receiver in rig.delegate.receivers { #expect(receiver.isClosed != (receiver.failure != nil)) }
        }
    }
}
