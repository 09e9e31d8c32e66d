import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct ProtocolDetectionTests {
    private func classify(_ text: String, isLast: Bool = false) -> DetectedProtocol {
        Array(text.utf8).withUnsafeBytes { ProtocolDetection.classify($0, isLast: isLast) }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", DetectedProtocol.http1), ("OPTIONS * HTTP/1.0\n", .http1),
        ("M-SEARCH * HTTP/1.1\r\n", .http1),
        ("GET ", .undecided), ("GE", .undecided), ("", .undecided), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2),
        ("PRI * HTTP/2.0\r\n", .undecided), ("\u{16}\u{3}\u{1}", .tls), ("\u{16}", .undecided),
        ("\u{16}\u{16}", .bytes),
        ("\0\0\0\u{8}", .bytes), (String(repeating: "A", count: 300), .bytes),
    ])
    func `the first bytes tell`(text: String, expected: DetectedProtocol) {
        #expect(self.classify(text) == expected)
    }

    @Test(arguments: [
        ("", DetectedProtocol.bytes), ("\u{16}", .bytes), ("GET /ab", .http1), ("EHLO mai", .bytes), ("ruok", .bytes),
        // A caller that dawdles within its request line does not pass by the rules for requests.
        ("G", .http1), ("get", .http1), ("DELETE foo", .http1), ("M-SEARCH2 /ab", .http1), ("\r\n", .http1),
        ("P", .http1), ("PRI * HT", .http2),
    ])
    func `when no more comes it is decided`(text: String, expected: DetectedProtocol) {
        #expect(self.classify(text, isLast: true) == expected)
    }

    @Test(arguments: [
        // What lenient applications take for requests; the codec refuses most of it.
        "GET / HTTP/1.1\r\n", "\r\nGET / HTTP/1.1\r\n", "\r\n\r\n\nGET / HTTP/1.1\r\n", " GET / HTTP/1.1\r\n",
        "get / HTTP/1.1\r\n", "Get /admin http/1.1\r\n", "M-SEARCH2 / HTTP/1.1\r\n", "FOO_BAR /x HTTP/1.1\r\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", "GET / HTTP/1.1\t\r\n",
        "GET  /  HTTP/1.1\r\n", "GET\t/\tHTTP/1.1\r\n", "GET / HTTP/1.1\n", "GET / HTTP/1\r\n", "GET / HTTP/11\r\n",
        "GET / HTTP/1.1x\r\n", "GET / HTTP/2.0\r\n", "GET / HTTP/0.9\r\n", "GET /admin\r\n", "GET /admin\n",
        "POST /a b c\r\n", "GET / HTCPCP/1.0\r\n", "GET http://x/ HTTP/1.1\r\n", "GET HTTPS://x/\r\n",
        "foo http://x/ HTTP/1.1\r\n", "CONNECT x:80 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "GET x HTTP/1.1\r\n",
        "DELETE /x",
    ])
    func `what an application may take for a request is HTTP`(text: String) {
        #expect(self.classify(text) == .http1)
        #expect(Array(text.utf8).withUnsafeBytes { ProtocolDetection.looksLikeHTTP($0) })
    }

    @Test(arguments: [
        // Redis, in both of its forms.
        "PING\r\n", "GET key\r\n", "get key\r\n", "SET key value\r\n", "KEYS *\r\n", "DELETE x\r\n",
        "*1\r\n$4\r\nPING\r\n",
        // memcached, keys that look like paths included.
        "get key\r\n", "get /views/a /views/b\r\n", "set /key 0 0 5\r\nhello\r\n", "delete /key\r\n", "stats\r\n",
        // Mail, chat, queues, monitoring.
        "HELO x\r\n", "EHLO mail\r\n", "EHLO x HTTP\r\n", "QUIT\r\n", "a1 LOGIN x y\r\n", "NICK x\r\n",
        "CONNECT\naccept-version:1.2\n", "CONNECT {\"verbose\":false}\r\n", "SUB /topic 1\r\n", "put 0 0 60 5\r\n",
        "servers.a.load 0.5 1700000000\n", "SSH-2.0-OpenSSH_9.2 x\r\n", "ruok\n",
        // RTSP and SIP resemble HTTP, and are not.
        "OPTIONS rtsp://x/y RTSP/1.0\r\n", "OPTIONS sip:x@y SIP/2.0\r\n",
        // Words that only resemble a version, and versions behind the first line.
        "client okhttp/4.9 x\r\n", "a HTTP/ 1\r\n", "a HTTPS/1\r\n", "ehlo\r\nGET / HTTP/1.1\r\n",
        // Binary beginnings: PostgreSQL, MongoDB, Kafka, a protobuf message, Cassandra.
        "\0\0\0\u{8}\u{4}\u{d2}\u{16}/", "\u{3f}\0\0\0\u{1}\0\0\0", "\0\0\0\u{14}\0\u{12}\0\u{3}", "\n\u{5}hello",
        "\u{4}\0\0\0\u{5}",
    ])
    func `what no application takes for a request stays bytes`(text: String) {
        #expect(self.classify(text) == .bytes)
        #expect(!Array(text.utf8).withUnsafeBytes { ProtocolDetection.looksLikeHTTP($0) })
    }

    /// What stands around a version of HTTP is not looked at: some reader takes it for a request. The texts are Latin-1.
    @Test(arguments: [
        "F(O / HTTP/1.1\r\n", "\"GET\" / HTTP/1.1\r\n", "GET\0 / HTTP/1.1\r\n", "GET\u{a0}/secret\u{a0}HTTP/1.1\r\n",
        "\u{85}GET / HTTP/1.1\r\n", "\u{1c}\u{1f}GET / HTTP/1.1\r\n", "GET\u{1f}/\u{85}http/1.1\r\n",
        "\u{16}x / HTTP/1.1\r\n", "\u{85}\nF(O / HTTP/1.1\r\n", "\(String(repeating: "A", count: 300)) / HTTP/1.1\r\n",
        "\(String(repeating: "A", count: 40_000)) / HTTP/1.1\r\n",
        "F(O /\(String(repeating: "a", count: 20_000)) HTTP/1.0\r\n", "HHTTP/1",
        // Python's own server needs no version after GET.
        "GET\u{a0}/secret\r\n", "\u{1e}GET\u{1d}/s\n",
        // Lines of a web server's log: ports that take them are declared `tcp`.
        "127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5\n", "{\"line\": \"GET / HTTP/1.1\"}\n",
    ])
    func `a first line with a version of HTTP in it is HTTP, whatever else it holds`(text: String) {
        let bytes = text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        #expect(bytes.withUnsafeBytes { ProtocolDetection.classify($0) } == .http1)
        // However it is cut, it is found before its line has passed.
        for size in bytes.count > 1_000 ? [4_096, 5_000] : [1, 7, 4_096] {
            var search = HiddenRequestSearch()
            var found = HiddenRequestSearch.Finding.looking
            var start = 0
            while start < bytes.count, found != .request {
                let end = min(bytes.count, start + size)
                found = bytes[start..<end].withUnsafeBytes { search.look($0, isLast: end == bytes.count) }
                start = end
            }
            #expect(found == .request, "in pieces of \(size)")
        }
    }

    @Test func `what begins otherwise is searched until its first line ends, and no further than 1 MiB`() {
        var lines = HiddenRequestSearch()
        #expect(Array("ehlo x".utf8).withUnsafeBytes { lines.look($0, isLast: false) } == .looking)
        #expect(Array("y\r\n".utf8).withUnsafeBytes { lines.look($0, isLast: false) } == .bytes)
        #expect(Array("GET / HTTP/1.1\r\n".utf8).withUnsafeBytes { lines.look($0, isLast: false) } == .bytes)
        var binary = HiddenRequestSearch()
        let zeros = [UInt8](repeating: 0, count: 1 << 19)
        #expect(zeros.withUnsafeBytes { binary.look($0, isLast: false) } == .looking)
        #expect(zeros.withUnsafeBytes { binary.look($0, isLast: false) } == .bytes)
    }

    @Test func `a TLS handshake that offers HTTP is a handshake`() {
        let message = ClientHelloTests.hello(name: "x", protocols: ["h2", "http/1.1", "http/1.0"])
        let hello: [UInt8] = [22, 3, 1, 0, UInt8(message.count)] + message
        #expect(hello.withUnsafeBytes { ProtocolDetection.classify($0) } == .tls)
        var search = HiddenRequestSearch()
        #expect(hello.withUnsafeBytes { search.look($0, isLast: false) } != .request)
    }

    @Test func `a handshake is no request, and neither is silence`() {
        for text in ["\u{16}\u{3}\u{1}a", ""] {
            #expect(!Array(text.utf8).withUnsafeBytes { ProtocolDetection.looksLikeHTTP($0) })
        }
    }

    @Test func `every beginning of a decided input is undecided or decided alike`() {
        for text in [
            "GET /x HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "EHLO x HTTP\r\n",
            "\u{16}\u{3}\u{1}a", "\r\n\r\nget /x HTTP/1.1\r\n", "get /x\r\n", "GET /x\r\n", "FOO x HTTP/1.1 \r\n",
            "GET http://x/\r\n",
        ] {
            let whole = self.classify(text)
            for count in 0...text.utf8.count {
                let beginning = String(decoding: Array(text.utf8)[..<count], as: UTF8.self)
                let found = self.classify(beginning)
                #expect(found == .undecided || found == whole, "\(beginning)")
            }
        }
    }
}

@Suite struct ClientHelloTests {
    /// A ClientHello as RFC 8446 §4.1.2 has it.
    static func hello(name: String?, protocols: [String] = []) -> [UInt8] {
        func sized(_ bytes: [UInt8], _ width: Int) -> [UInt8] {
            (0..<width).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) } + bytes
        }
        var extensions: [UInt8] = [0, 43, 0, 3, 2, 3, 4]
        if let name { extensions += [0, 0] + sized(sized([0] + sized(Array(name.utf8), 2), 2), 2) }
        if !protocols.isEmpty {
            extensions += [0, 16] + sized(sized(protocols.flatMap { sized(Array($0.utf8), 1) }, 2), 2)
        }
        let body =
            [3, 3] + [UInt8](repeating: 7, count: 32) + [0] + sized([0x13, 1], 2) + sized([0], 1) + sized(extensions, 2)
        return [1] + sized(body, 3)
    }

    private func read(_ bytes: [UInt8]) -> ClientHello.Outcome { bytes.withUnsafeBytes { ClientHello.read($0) } }

    private func records(_ message: [UInt8], of size: Int) -> [UInt8] {
        stride(from: 0, to: message.count, by: size).flatMap { start in
            let piece = message[start..<min(message.count, start + size)]
            return [22, 3, 1, UInt8(piece.count >> 8), UInt8(piece.count & 0xff)] + piece
        }
    }

    @Test(arguments: [1, 5, 50, 4000]) func `the name is found in records of any size, and no sooner than it is there`(
        size: Int
    ) {
        let bytes = self.records(Self.hello(name: "Billing.default", protocols: ["h2", "http/1.1"]), of: size)
        #expect(
            self.read(bytes)
                == .complete(ClientHello(serverName: "billing.default", applicationProtocols: ["h2", "http/1.1"])))
        for count in 0..<bytes.count { #expect(self.read(Array(bytes[..<count])) == .needsMore) }
    }

    @Test func `a client may name nobody`() {
        #expect(self.read(self.records(Self.hello(name: nil), of: 4000)) == .complete(ClientHello()))
    }

    @Test func `what is no ClientHello is told apart, whatever is done to its bytes`() {
        #expect(self.read(Array("GET / HTTP/1.1\r\n".utf8)) == .malformed)
        #expect(self.read([22, 3, 1, 0, 4, 2, 0, 0, 0]) == .malformed)
        var random = SeededGenerator(state: 5)
        let whole = self.records(Self.hello(name: "a.b", protocols: ["h2"]), of: 60)
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<2 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            if case .complete(let hello) = self.read(bytes) {
                #expect((hello.serverName ?? "").utf8.count <= 255)
            }
        }
    }
}

@Suite struct UpgradeTests {
    private static let request =
        "GET /room HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    @Test func `a WebSocket is opened by 101, with the proof that its key asks for`() throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 101), end: false)
            }
        }
        rig.send(Self.request + "early")
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.request?.method == .get)
        #expect(receiver.request?.headers[.connectProtocol] == "websocket")
        #expect(receiver.request?.headers["upgrade"] == nil)
        let answer = rig.answer()
        #expect(answer.hasPrefix("HTTP/1.1 101 "))
        #expect(answer.lowercased().contains("upgrade: websocket\r\n"))
        // The example of RFC 6455 §1.3.
        #expect(answer.lowercased().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="))
        #expect(receiver.body == "early")
        rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.delegate.receivers.count == 1)
        #expect(receiver.body.hasSuffix("Host: x\r\n\r\n"))
        receiver.server?.sendData(ByteBuffer(string: "from the other side"), end: false)
        rig.channel.embeddedEventLoop.run()
        #expect(rig.answer() == "from the other side")
    }

    @Test func `an upgrade that the application does not take leaves an ordinary connection`() throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 404), end: true)
            }
        }
        rig.send(Self.request)
        #expect(rig.answer().hasPrefix("HTTP/1.1 404 "))
        rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(rig.delegate.receivers.map(\.request?.method) == [.get, .get])
        #expect(rig.delegate.receivers.map(\.isClosed) == [true, true])
    }

    @Test func `an upgrade that is answered 200 is an ordinary exchange, and one`() throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendData(ByteBuffer(string: "page"), end: true)
            }
        }
        for count in 1...2 {
            rig.send(Self.request)
            #expect(rig.answer() == "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npage\r\n0\r\n\r\n")
            #expect(rig.delegate.receivers.map(\.isClosed) == Array(repeating: true, count: count))
        }
        #expect(!rig.connection.isClosing)
    }

    @Test func `an application that answers an upgrade with 200 has refused it, and its connection serves on`() throws {
        let rig = try HTTP1ClientRig()
        var headers = HeaderBlock()
        headers.append(.connectProtocol, "websocket")
        let receiver = try #require(rig.open(.get, headers: headers, end: false))
        receiver.client?.sendData(ByteBuffer(string: "early"), end: false)
        #expect(rig.sent().components(of: "GET /pay HTTP/1.1\r\n") == 1)
        rig.receive("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage")
        #expect(receiver.events == ["response 200", "closed"])
        #expect(receiver.body == "page" && receiver.ended)
        #expect(rig.sent().isEmpty)
        #expect(rig.connection.availableStreams == 1)
    }

    @Test(arguments: [
        ("Sec-WebSocket-Version: 13\r\n", ""), ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 8\r\n"),
        ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 13, 8\r\n"),
    ])
    func `a WebSocket of another version is told which would do`(written: String, instead: String) throws {
        let rig = try HTTP1ServerRig()
        let (answer, closes) = rig.exchange(try #require(Self.request.replacing(written, instead)))
        #expect(answer.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
        #expect(answer.contains("sec-websocket-version: 13\r\n"))
        #expect(answer.contains("connection: close, Upgrade\r\nupgrade: websocket\r\n"))
        #expect(closes && rig.delegate.receivers.isEmpty)
        #expect(rig.delegate.refusals.map(\.status) == [426])
    }

    @Test(arguments: [
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "Sec-WebSocket-Version: 13\r\n",
    ])
    func `a handshake that says a thing twice is refused`(more: String) throws {
        let rig = try HTTP1ServerRig()
        let request = try #require(Self.request.replacing("Upgrade: websocket\r\n", "Upgrade: websocket\r\n\(more)"))
        #expect(rig.exchange(request).answer.hasPrefix("HTTP/1.1 400 "))
    }

    @Test func `an application is told the version where its caller did not say one`() throws {
        for version in [nil, "13"] {
            let rig = try HTTP1ClientRig()
            var headers = HeaderBlock()
            headers.append(.connectProtocol, "websocket")
            if let version { headers.append(.webSocketVersion, version) }
            _ = try #require(rig.open(.get, headers: headers, end: false))
            #expect(rig.sent().components(of: "sec-websocket-version: 13\r\n") == 1)
        }
    }

    @Test(arguments: [
        ("foo", "foo"), ("foo/2", "foo/2"), ("foo, h2c", "foo"), ("h2c, foo", "foo"),
        ("TLS/1.0,HTTP/2.0 , foo, bar", "foo"),
        ("connect-udp", nil), ("Connect-IP, h2c", nil), ("webtransport", nil), ("", nil), ("f@o", nil),
    ])
    func `the first protocol that may pass is asked for, and no other`(tokens: String, expected: String?) throws {
        let rig = try HTTP1ServerRig()
        rig.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: \(tokens)\r\n\r\n")
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.headers[.connectProtocol] == expected)
        #expect(head.headers["upgrade"] == nil)
    }

    @Test(arguments: ["h2c", "HTTP/2.0", "TLS/1.0", "h2c, HTTP/2.0"])
    func `an upgrade to another HTTP or TLS is not passed on`(token: String) throws {
        let rig = try HTTP1ServerRig()
        rig.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: \(token)\r\n\r\n")
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.headers[.connectProtocol] == nil && head.headers["upgrade"] == nil)
        #expect(rig.answer().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `the application's proof is checked and made anew for each hop`() throws {
        let rig = try HTTP1ClientRig()
        var headers = HeaderBlock()
        headers.append(.connectProtocol, "websocket")
        let receiver = try #require(rig.open(.get, headers: headers, end: false))
        let sent = rig.sent()
        #expect(sent.hasPrefix("GET /pay HTTP/1.1\r\n") && sent.lowercased().contains("upgrade: websocket\r\n"))
        let key = try #require(
            sent.lowercased().contains("sec-websocket-key: ")
                ? sent.split(separator: "\r\n").first {
                    $0.lowercased().hasPrefix("sec-websocket-key: ")
                }?.dropFirst(19) : nil)
        let accept = try #require(WebSocketHandshake.accept(forKey: String(key)))
        rig.receive(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: \(accept)\r\n\r\nhello"
        )
        #expect(receiver.response?.status == 101)
        #expect(receiver.body == "hello")
        receiver.client?.sendData(ByteBuffer(string: "frame"), end: false)
        #expect(rig.sent() == "frame")
    }

    @Test(arguments: ["AAAA", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="])
    func `an application that did not read the key is not believed`(accept: String) throws {
        let rig = try HTTP1ClientRig()
        var headers = HeaderBlock()
        headers.append(.connectProtocol, "websocket")
        let receiver = try #require(rig.open(.get, headers: headers, end: false))
        _ = rig.sent()
        rig.receive(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
        )
        #expect(receiver.response == nil)
        #expect(receiver.failure != nil)
    }
}

@Suite struct RawConnectionTests {
    private struct Rig {
        let delegate = RecordingServer()
        let connection: RawServerConnection
        let channel: EmbeddedChannel

        init(status: Int) throws {
            self.delegate.prepare = { receiver in
                receiver.onRequest = { receiver, _ in
                    receiver.server?.sendResponse(ResponseHead(status: status), end: status != 200)
                }
            }
            self.connection = RawServerConnection(
                delegate: self.delegate, limits: HTTPLimits(), authority: "cache:6379")
            self.channel = EmbeddedChannel(handler: self.connection)
            try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func receive(_ text: String) {
            _ = try? self.channel.writeInbound(ByteBuffer(string: text))
            self.channel.embeddedEventLoop.run()
        }

        func sent() -> String {
            self.channel.embeddedEventLoop.run()
            var text = ""
            while let buffer = try? self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
            return text
        }
    }

    @Test func `a connection is one CONNECT, and its bytes are the stream's`() throws {
        let rig = try Rig(status: 200)
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.request?.method == .connect && receiver.request?.authority == "cache:6379")
        rig.receive("PING\r\n")
        #expect(receiver.body == "PING\r\n")
        receiver.server?.sendData(ByteBuffer(string: "+PONG\r\n"), end: false)
        #expect(rig.sent() == "+PONG\r\n")
        rig.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(receiver.ended && !receiver.isClosed)
        receiver.server?.sendData(ByteBuffer(string: "bye"), end: true)
        #expect(rig.sent() == "bye")
        // The channel of this test knows no half-closed sockets; real ones are in the interoperability tests.
        #expect(receiver.events.count { $0 == "closed" || $0 == "failed" } == 1)
    }

    @Test func `a refusal says nothing to a client whose protocol is not known`() throws {
        let rig = try Rig(status: 503)
        #expect(rig.sent().isEmpty)
        #expect(!rig.channel.isActive)
        #expect(rig.delegate.receivers.map(\.isClosed) == [true])
    }

    @Test func `a client that sends faster than the other side takes is no longer read`() throws {
        let rig = try Rig(status: 200)
        let receiver = try #require(rig.delegate.receivers.first)
        receiver.consumes = false
        for _ in 0..<40 { rig.receive(String(repeating: "x", count: 65_536)) }
        #expect(rig.connection.isPaused)
        receiver.server?.consumed(receiver.body.utf8.count)
        #expect(!rig.connection.isPaused)
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        let (text, part) = (Array(self.utf8), Array(part.utf8))
        for start in text.indices where text[start...].starts(with: part) { count += 1 }
        return count
    }

    /// With the first occurrence of `part` replaced; nil when there is none.
    fileprivate func replacing(_ part: String, _ other: String) -> String? {
        let (text, part) = (Array(self.utf8), Array(part.utf8))
        guard let start = text.indices.first(where: { text[$0...].starts(with: part) }) else { return nil }
        return String(decoding: text[..<start] + Array(other.utf8) + text[(start + part.count)...], as: UTF8.self)
    }
}
