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
        [(":protocol", "websocket")], [("expect", "later")],
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
        (["CONNECT", "http", "x:1", "/"], false),
    ])
    func `pseudo-header fields are checked`(values: [String], accepted: Bool) throws {
        let rig = try HTTP2ServerRig()
        let names = [":method", ":scheme", ":authority", ":path"]
        rig.peer.send(rig.peer.raw(1, Array(zip(names, values))))
        #expect(rig.delegate.receivers.count == (accepted ? 1 : 0))
        #expect((rig.peer.frames().reset(of: 1) == .protocolError) != accepted)
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
        #expect(rig.peer.frames().reset(of: 1) == .noError)
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
