import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct HTTP2ServerTests {
    @Test func `requests are answered, each on its stream`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get), rig.peer.headers(3, HTTP2ServerRig.post, end: false))
        rig.peer.send(.data(3, "ab"), .data(3, "cd", end: true))
        let frames = rig.peer.frames()
        #expect(frames.body(of: 1) == "hello")
        #expect(frames.body(of: 3) == "abcd")
        let head = try rig.peer.decode(try #require(frames.first { $0.kind == 1 }).payload)
        #expect(head[.status] == "200")
        let events = rig.delegate.receivers.map(\.events)
        #expect(events == [["request GET /pay end", "closed"], ["request POST /pay", "closed"]])
        #expect(rig.delegate.receivers.map(\.sent) == [5, 4])
        #expect(rig.connection.openStreams == 0)
    }

    @Test func `many frames of many streams leave as one write`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(
            rig.peer.headers(1, HTTP2ServerRig.get), rig.peer.headers(3, HTTP2ServerRig.get),
            rig.peer.headers(5, HTTP2ServerRig.get))
        var writes = 0
        while try rig.peer.channel.readOutbound(as: ByteBuffer.self) != nil { writes += 1 }
        #expect(writes == 1)
    }

    @Test func `a connection may come byte by byte`() throws {
        let rig = try HTTP2ServerRig()
        let frames = [
            rig.peer.headers(1, HTTP2ServerRig.post, end: false), .data(1, "abc", end: true), .ping,
            rig.peer.headers(3, HTTP2ServerRig.get),
        ]
        for byte in frames.flatMap(\.bytes) { rig.peer.send([byte]) }
        let answer = rig.peer.frames()
        #expect(answer.body(of: 1) == "abc")
        #expect(answer.body(of: 3) == "hello")
        #expect(answer.contains(WireFrame(kind: 6, flags: 1, payload: Array(0..<8))))
    }

    @Test(arguments: [
        [("connection", "close")], [("transfer-encoding", "chunked")], [("te", "gzip")], [("X-Upper", "1")],
        [("x-a", "1\r\nb: 2")], [("x-a", " 1")], [("x-a", "\u{0}")], [("", "1")], [("x:y", "1")], [(":status", "200")],
        [("content-length", "5")], [("content-length", "+0")], [("host", "other")], [("upgrade", "h2c")],
        [("content-length", "0"), ("content-length", "0")], [("x-a", "1"), (":path", "/b")], [(":path", "/b")],
        [(":protocol", "websocket")], [("content-type", "a/b"), ("content-type", "a/b")],
        [("authorization", "a"), ("authorization", "b")],
    ])
    func `a malformed request costs its stream and not the connection`(fields: [(String, String)]) throws {
        let rig = try HTTP2ServerRig()
        let start = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/")]
        rig.peer.send(rig.peer.raw(1, start + fields))
        #expect(rig.peer.frames().reset(of: 1) == .protocolError)
        #expect(rig.delegate.receivers.isEmpty)
        #expect(rig.delegate.refusals.map(\.status) == [400])
        rig.peer.send(rig.peer.headers(3, HTTP2ServerRig.get))
        #expect(rig.peer.frames().body(of: 3) == "hello")
    }

    @Test(arguments: [
        (["GET", "http", "x", "/"], true), (["GET", "http", "x", ""], false), (["GET", "http", "x", "a"], false),
        (["GET", "http", "x", "/a b"], false), (["GET", "http", "x", "/a#b"], false),
        (["GET", "http", "x", "*"], false),
        (["OPTIONS", "http", "x", "*"], true), (["G T", "http", "x", "/"], false), (["", "http", "x", "/"], false),
        (["GET", "", "x", "/"], false), (["GET", "http", "u@x", "/"], false), (["GET", "http", "", "/"], false),
        (["CONNECT", "http", "x:1", "/"], false), (["GET", "HTTPS", "x", "/"], true),
        (["GET", "ftp", "x", "/"], false), (["GET", "httpx", "x", "/"], false), (["GET", "https ", "x", "/"], false),
    ])
    func `pseudo-header fields are checked`(values: [String], accepted: Bool) throws {
        let rig = try HTTP2ServerRig()
        let names = [":method", ":scheme", ":authority", ":path"]
        rig.peer.send(rig.peer.raw(1, Array(zip(names, values))))
        #expect(rig.delegate.receivers.count == (accepted ? 1 : 0))
        #expect((rig.peer.frames().reset(of: 1) == .protocolError) != accepted)
    }

    @Test(arguments: [
        ("x:443", true), ("[::1]:443", true), ("x", false), ("[::1]", false), ("x:", false),
    ])
    func `CONNECT says which port`(authority: String, accepted: Bool) throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.raw(1, [(":method", "CONNECT"), (":authority", authority)], end: false))
        #expect(rig.delegate.receivers.count == (accepted ? 1 : 0))
        #expect((rig.peer.frames().reset(of: 1) == .protocolError) != accepted)
    }

    @Test func `a scheme is handed on in lower case`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(
            rig.peer.raw(1, [(":method", "GET"), (":scheme", "HTTPs"), (":authority", "x"), (":path", "/")]))
        #expect(rig.delegate.receivers.first?.request?.headers[.scheme] == "https")
    }

    @Test func `host and authority may differ in the case of letters`() throws {
        let rig = try HTTP2ServerRig()
        let start = [(":method", "GET"), (":scheme", "http"), (":authority", "Billing:80"), (":path", "/")]
        rig.peer.send(rig.peer.raw(1, start + [("host", "billing:80")]))
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.authority == "Billing:80")
        #expect(!head.headers.contains(.host))
    }

    @Test(arguments: [true, false]) func `an unknown expectation is answered 417`(end: Bool) throws {
        let rig = try HTTP2ServerRig()
        var head = HTTP2ServerRig.post
        head.append(.expect, "later")
        rig.peer.send(rig.peer.headers(1, head, end: end))
        let frames = rig.peer.frames()
        let answer = try #require(frames.first { $0.kind == 1 })
        #expect(try rig.peer.decode(answer.payload)[.status] == "417")
        #expect(answer.flags & 1 == 1)
        #expect(frames.reset(of: 1) == (end ? nil : .noError))
        #expect(rig.delegate.refusals.map(\.status) == [417])
        #expect(rig.delegate.receivers.isEmpty)
    }

    @Test(arguments: [true, false]) func `who waits with the body is told to go on, and nobody else`(end: Bool) throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        var head = HTTP2ServerRig.post
        head.append(.expect, "100-continue")
        rig.peer.send(rig.peer.headers(1, head, end: end))
        let answers = try rig.peer.frames().filter { $0.kind == 1 }.map { try rig.peer.decode($0.payload)[.status] }
        #expect(answers == (end ? [] : ["100"]))
    }

    @Test func `other spellings of protected names are dropped`() throws {
        let rig = try HTTP2ServerRig()
        let start = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/")]
        rig.peer.send(
            rig.peer.raw(
                1, start + [("content_length", "5"), ("x_weft_peer", "me"), ("x-forwarded_for", "1"), ("x_a", "1")]))
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect((4..<head.headers.count).map { head.headers.name(at: $0) } == ["x_a"])
    }

    @Test func `a name learnt with a bad value is still the name that it is`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        // GET http / x, then content-length with a control character in its value, put into the table.
        let start: [UInt8] = [0x86, 0x84, 0x01, 0x01, 0x78]
        let name = Array("content-length".utf8)
        rig.peer.send(
            WireFrame(kind: 1, flags: 5, stream: 1, payload: [0x82] + start + [0x40, 0x0e] + name + [2, 0x78, 1]))
        #expect(rig.peer.frames().reset(of: 1) == .protocolError)
        rig.peer.send(WireFrame(kind: 1, flags: 4, stream: 3, payload: [0x83] + start + [0x0f, 0x2f, 1, 0x35]))
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.request?.headers.number(.contentLength) == 5)
        rig.peer.send(.data(3, "abc", end: true))
        #expect(rig.peer.frames().reset(of: 3) == .protocolError)
        #expect(receiver.failure != nil)
    }

    @Test func `streams that nobody reads do not stop the others, and hold no more than their windows`() throws {
        var settings = HTTP2Settings()
        settings.streamWindow = 4_096
        settings.connectionWindow = 65_535
        let rig = try HTTP2ServerRig(settings: settings, prepare: { $0.consumes = false })
        let windowful = String(repeating: "a", count: 4_096)
        for index in 0..<250 {
            let id = UInt32(1 + 2 * index)
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.post, end: false), .data(id, windowful))
        }
        #expect(!rig.connection.isClosing)
        let stuck = rig.delegate.receivers
        #expect(stuck.reduce(0) { $0 + $1.body.utf8.count } == 250 * 4_096)
        rig.delegate.prepare = echo
        rig.peer.send(rig.peer.headers(501, HTTP2ServerRig.post, end: false))
        for _ in 0..<5 { rig.peer.send(.data(501, String(repeating: "b", count: 4_000))) }
        rig.peer.send(.data(501, "", end: true))
        #expect(rig.peer.frames().body(of: 501).utf8.count == 20_000)
        rig.peer.send(.data(1, "one more"), .data(499, "one more"))
        let frames = rig.peer.frames()
        #expect(frames.reset(of: 1) == .flowControlError && frames.reset(of: 499) == .flowControlError)
        #expect(stuck.allSatisfy { $0.body.utf8.count <= 4_096 })
    }

    /// Sends so many bytes, within what windows allow when each is consumed as it comes; the stream's window then.
    private func window(
        after bytes: Int, on id: UInt32, pausing pause: TimeAmount? = nil, _ rig: HTTP2ServerRig
    ) throws -> Int {
        rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.post, end: false))
        let piece = String(repeating: "a", count: 8_192)
        for _ in 0..<bytes / 8_192 {
            rig.peer.send(.data(id, piece))
            if let pause { rig.peer.channel.embeddedEventLoop.advanceTime(by: pause) }
        }
        return try #require(rig.delegate.receivers.last?.stream as? HTTP2Stream).window
    }

    @Test func `the window of a stream that is read quickly grows, and of no other`() throws {
        let quick = try HTTP2ServerRig(prepare: { _ in })
        #expect(try self.window(after: 3_000_000, on: 1, quick) == 1_048_576)
        let slow = try HTTP2ServerRig(prepare: { _ in })
        #expect(try self.window(after: 1_000_000, on: 1, pausing: .seconds(1), slow) == 65_536)
        #expect(!quick.connection.isClosing && !slow.connection.isClosing)
    }

    @Test func `windows grow as far as there is room, which ended streams leave to others`() throws {
        var settings = HTTP2Settings()
        settings.windowGrowth = 131_072
        let rig = try HTTP2ServerRig(settings: settings, prepare: { _ in })
        #expect(try self.window(after: 1_000_000, on: 1, rig) == 131_072)
        #expect(try self.window(after: 1_000_000, on: 3, rig) == 65_536)
        rig.peer.send(.reset(1))
        #expect(try self.window(after: 1_000_000, on: 5, rig) == 131_072)
        #expect(rig.connection.grownWindows == 65_536)
    }

    @Test func `host stands in for a missing authority`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(rig.peer.raw(1, [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "billing")]))
        let head = try #require(rig.delegate.receivers.first?.request)
        #expect(head.authority == "billing")
        #expect(!head.headers.contains(.host))
    }

    @Test(arguments: ["ab", "abcd"])
    func `a body must have its announced length`(body: String) throws {
        let rig = try HTTP2ServerRig()
        var head = HTTP2ServerRig.post
        head.append(.contentLength, 3)
        rig.peer.send(rig.peer.headers(1, head, end: false), .data(1, body, end: true))
        #expect(rig.peer.frames().reset(of: 1) == .protocolError)
        #expect(rig.delegate.receivers.first?.failure != nil)
    }

    @Test func `trailers come and go, without pseudo-header fields`() throws {
        let rig = try HTTP2ServerRig(prepare: { receiver in
            receiver.onEnd = { receiver in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendTrailers(["grpc-status": "0"])
            }
        })
        rig.peer.send(
            rig.peer.headers(1, HTTP2ServerRig.post, end: false), .data(1, "x"), rig.peer.headers(1, ["x-sum": "1"]))
        #expect(rig.delegate.receivers.first?.trailers == ["x-sum": "1"])
        #expect(rig.peer.frames().last { $0.kind == 1 }?.flags == 5)
        rig.peer.send(
            rig.peer.headers(3, HTTP2ServerRig.post, end: false), rig.peer.headers(3, [":path": "/", "x": "1"]))
        #expect(rig.peer.frames().reset(of: 3) == .protocolError)
    }

    @Test func `an oversized head is answered 431 and the table stays in step`() throws {
        var limits = HTTPLimits()
        limits.maxHeaderBytes = 2_000
        let rig = try HTTP2ServerRig(limits: limits)
        var block = HTTP2ServerRig.get
        for index in 0..<20 { block.append("x-\(index)", String(repeating: "a", count: 100)) }
        rig.peer.send(rig.peer.headers(1, block))
        let answer = try #require(rig.peer.frames().first { $0.kind == 1 })
        #expect(try rig.peer.decode(answer.payload)[.status] == "431")
        #expect(rig.delegate.refusals.map(\.status) == [431])
        rig.peer.send(rig.peer.headers(3, HTTP2ServerRig.get))
        #expect(rig.peer.frames().body(of: 3) == "hello")
    }

    @Test func `data waits for the stream's window`() throws {
        let rig = try HTTP2ServerRig(
            peerSettings: [(4, 10)],
            prepare: { receiver in
                receiver.onEnd = { receiver in
                    receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                    receiver.server?.sendData(ByteBuffer(repeating: 0x78, count: 25), end: false)
                    receiver.server?.sendTrailers(["grpc-status": "0"])
                }
            })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(rig.peer.frames().body(of: 1).count == 10)
        #expect(receiver.sent == 10)
        #expect(receiver.stream?.unsentBytes == 15)
        rig.peer.send(.settings([(4, 15)]))
        #expect(rig.peer.frames().body(of: 1).count == 5)
        // A smaller initial window makes the stream's negative; nothing leaves until it is positive again.
        rig.peer.send(.settings([(4, 0)]), .windowUpdate(1, 10))
        #expect(rig.peer.frames().body(of: 1).isEmpty)
        rig.peer.send(.windowUpdate(1, 100))
        let rest = rig.peer.frames()
        #expect(rest.body(of: 1).count == 10)
        #expect(rest.last { $0.stream == 1 }?.flags == 5)
        #expect(receiver.isClosed)
        #expect(receiver.sent == 25)
    }

    @Test func `streams share the connection's window`() throws {
        let big = ByteBuffer(repeating: 0x78, count: 60_000)
        let rig = try HTTP2ServerRig(
            peerSettings: [(4, 1_000_000)],
            prepare: { receiver in
                receiver.onEnd = { receiver in
                    receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                    receiver.server?.sendData(big, end: true)
                }
            })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get), rig.peer.headers(3, HTTP2ServerRig.get))
        let first = rig.peer.frames()
        #expect(first.body(of: 1).count + first.body(of: 3).count == 65_535)
        rig.peer.send(.windowUpdate(0, 200_000))
        let rest = rig.peer.frames()
        #expect(first.body(of: 1).count + rest.body(of: 1).count == 60_000)
        #expect(first.body(of: 3).count + rest.body(of: 3).count == 60_000)
        #expect(rig.connection.openStreams == 0)
    }

    @Test func `nothing is written into a socket that takes nothing`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        let receiver = try #require(rig.delegate.receivers.first)
        rig.peer.channel.isWritable = false
        rig.peer.channel.pipeline.fireChannelWritabilityChanged()
        receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
        receiver.server?.sendData(ByteBuffer(string: "abc"), end: true)
        #expect(rig.peer.frames().body(of: 1).isEmpty)
        #expect(receiver.sent == 0)
        rig.peer.channel.isWritable = true
        rig.peer.channel.pipeline.fireChannelWritabilityChanged()
        #expect(rig.peer.frames().body(of: 1) == "abc")
        #expect(receiver.isClosed)
    }

    @Test func `credit is given as bytes are consumed, and that of reset streams at once`() throws {
        var settings = HTTP2Settings()
        settings.streamWindow = 100
        settings.connectionWindow = 65_535
        let rig = try HTTP2ServerRig(settings: settings, prepare: { $0.consumes = false })
        let hundred = String(repeating: "a", count: 100)
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false), .data(1, hundred))
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(!rig.peer.frames().contains { $0.kind == 8 })
        receiver.stream?.consumed(60)
        #expect(rig.peer.frames() == [.windowUpdate(1, 60)])
        rig.peer.send(.data(1, String(repeating: "a", count: 61)))
        #expect(rig.peer.frames().reset(of: 1) == .flowControlError)
        for round in 0..<200 {
            let id = UInt32(3 + 2 * round)
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.post, end: false), .data(id, hundred))
            rig.delegate.receivers.last?.stream?.reset(.cancel)
        }
        #expect(rig.peer.frames().contains { $0.kind == 8 && $0.stream == 0 })
    }

    @Test func `more streams than allowed are refused`() throws {
        var limits = HTTPLimits()
        limits.maxStreams = 2
        let rig = try HTTP2ServerRig(limits: limits, prepare: { _ in })
        for id in [1, 3, 5] as [UInt32] { rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get)) }
        #expect(rig.peer.frames().reset(of: 5) == .refusedStream)
        #expect(rig.connection.openStreams == 2)
    }

    @Test func `a reset fails its stream, and stale calls do nothing`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false), .reset(1))
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.failure == .reset(.cancel))
        receiver.server?.sendResponse(ResponseHead(status: 200), end: true)
        rig.peer.send(.data(1, "late"), .windowUpdate(1, 5), .reset(1))
        #expect(rig.peer.frames().isEmpty)
    }

    @Test func `a response before the request's end resets what is left of it`() throws {
        let rig = try HTTP2ServerRig(prepare: { receiver in
            receiver.onRequest = { receiver, _ in receiver.server?.sendResponse(ResponseHead(status: 403), end: true) }
        })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        #expect(rig.delegate.receivers.first?.isClosed == true)
        // Not with the answer: some clients would forget that they got one.
        #expect(rig.peer.frames().reset(of: 1) == nil)
        rig.peer.send(.data(1, "late"))
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .milliseconds(20))
        #expect(rig.peer.frames().reset(of: 1) == .noError)
    }

    @Test(arguments: [200, 204, 404])
    func `an upgrade that the application answers with something else is refused with that`(status: Int) throws {
        let rig = try HTTP2ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                var head = ResponseHead(status: status)
                head.headers.append(.weftUpgradeRefused, "299")
                receiver.server?.sendResponse(head, end: false)
                receiver.server?.sendData(ByteBuffer(string: "page"), end: true)
            }
        }
        let head: HeaderBlock = [
            ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", ":authority": "x", ":path": "/room",
        ]
        rig.peer.send(rig.peer.headers(1, head, end: false))
        let frames = rig.peer.frames()
        let answer = try rig.peer.decode(try #require(frames.first { $0.kind == 1 }).payload)
        #expect(answer[.status] == (status == 404 ? "404" : "501"))
        #expect(answer[.weftUpgradeRefused] == (status == 404 ? nil : "\(status)"))
        #expect(frames.body(of: 1) == "page")
        #expect(rig.delegate.receivers.first?.isClosed == true)
    }

    @Test func `a drain is announced before it is decided`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.connection.drain()
        let announced = rig.peer.frames()
        #expect(announced.first { $0.kind == 7 }?.number() == 0x7fff_ffff)
        let ping = try #require(announced.last)
        rig.peer.send(rig.peer.headers(3, HTTP2ServerRig.get))
        #expect(rig.delegate.receivers.count == 2)
        rig.peer.send(WireFrame(kind: 6, flags: 1, payload: ping.payload))
        #expect(rig.peer.frames().first { $0.kind == 7 }?.number() == 3)
        rig.peer.send(rig.peer.headers(5, HTTP2ServerRig.get))
        #expect(rig.delegate.receivers.count == 2)
        for receiver in rig.delegate.receivers { receiver.server?.sendResponse(ResponseHead(status: 200), end: true) }
        #expect(rig.connection.isClosing)
    }

    @Test func `idle connections are closed`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .seconds(61))
        #expect(rig.peer.frames().goAway == .noError)
        #expect(rig.connection.isClosing)
    }
}
