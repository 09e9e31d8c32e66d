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
        ("GET /", .undecided), ("GE", .undecided), ("", .undecided), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2),
        ("PRI * HTTP/2.0\r\n", .undecided), ("\u{16}\u{3}\u{1}", .tls), ("\u{16}", .undecided),
        ("\u{16}\u{16}", .bytes),
        ("EHLO mail\r\n", .bytes), ("QUIT\r\n", .bytes), ("*1\r\n$4\r\nPING\r\n", .bytes),
        ("get / HTTP/1.1\r\n", .bytes),
        ("GET / HTCPCP/1.0\r\n", .bytes), ("\0\0\0\u{8}", .bytes), ("AAAAAAAAAAAAAAAAAAAAAAAAA", .bytes),
    ])
    func `the first bytes tell`(text: String, expected: DetectedProtocol) {
        #expect(self.classify(text) == expected)
    }

    @Test(arguments: [
        ("", DetectedProtocol.bytes), ("GET", .bytes), ("GET /ab", .http1), ("EHLO mai", .bytes), ("PRI * HT", .bytes),
        ("\u{16}", .bytes),
    ])
    func `when no more comes it is decided`(text: String, expected: DetectedProtocol) {
        #expect(self.classify(text, isLast: true) == expected)
    }

    @Test func `every beginning of a decided input is undecided or decided alike`() {
        for text in [
            "GET /x HTTP/1.1\r\nHost: x\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "EHLO x HTTP\r\n",
            "\u{16}\u{3}\u{1}a",
        ] {
            let whole = self.classify(text)
            for count in 0...text.utf8.count {
                let found = self.classify(String(text.prefix(count)))
                #expect(found == .undecided || found == whole, "\(text.prefix(count))")
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

    @Test(arguments: ["h2c", "HTTP/2.0", "TLS/1.0", "h2c, websocket"])
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
