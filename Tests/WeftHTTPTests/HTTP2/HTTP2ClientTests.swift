import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct HTTP2ClientTests {
    @Test func `requests are multiplexed and answered`() throws {
        let rig = try HTTP2ClientRig()
        let first = try #require(rig.open())
        let second = try #require(rig.open(.post, end: false))
        second.client?.sendData(ByteBuffer(string: "abc"), end: true)
        let frames = rig.peer.frames()
        #expect(try rig.peer.decode(frames[0].payload)[.path] == "/pay")
        #expect(frames.body(of: 3) == "abc")
        #expect(second.sent == 3)
        rig.peer.send(
            rig.peer.headers(3, [":status": "103"], end: false),
            rig.peer.headers(3, [":status": "200", "content-length": "2"], end: false), .data(3, "ok", end: true),
            rig.peer.headers(1, [":status": "200"], end: false), .data(1, ""), rig.peer.headers(1, ["grpc-status": "0"])
        )
        #expect(second.events == ["informational 103", "response 200", "closed"])
        #expect(second.body == "ok")
        #expect(first.trailers == ["grpc-status": "0"])
        #expect(first.isClosed)
        #expect(rig.connection.openStreams == 0)
    }

    @Test func `trailers-only responses come as a head that ends`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open())
        rig.peer.send(rig.peer.headers(1, [":status": "200", "grpc-status": "12"]))
        #expect(receiver.events == ["response 200 end", "closed"])
    }

    @Test func `the peer's limit on streams is kept`() throws {
        let rig = try HTTP2ClientRig(peerSettings: [(3, 1)])
        _ = try #require(rig.open())
        #expect(rig.open() == nil)
        let before = rig.delegate.capacity
        rig.peer.send(.settings([(3, 2)]))
        #expect(rig.delegate.capacity == before + 1)
        #expect(rig.open() != nil)
        rig.peer.send(rig.peer.headers(1, [":status": "204"]))
        #expect(rig.delegate.capacity == before + 2)
    }

    @Test func `refused streams were never processed, others may have been`() throws {
        let rig = try HTTP2ClientRig()
        let receivers = try (0..<4).map { _ in try #require(rig.open()) }
        _ = rig.peer.frames()
        let refused = receivers[0].client
        let failed = receivers[1].client
        rig.peer.send(.reset(1, .refusedStream), .reset(3, .internalError), .goAway(5))
        #expect(receivers[0].failure == .refused)
        #expect(refused?.requestMayHaveBeenProcessed == false)
        #expect(receivers[1].failure == .reset(.internalError))
        #expect(failed?.requestMayHaveBeenProcessed == true)
        #expect(receivers[2].failure == nil)
        #expect(receivers[3].failure == .refused)
        #expect(rig.delegate.stopped)
        #expect(rig.connection.availableStreams == 0)
        rig.peer.send(rig.peer.headers(5, [":status": "200"]))
        #expect(receivers[2].isClosed)
        #expect(rig.connection.isClosing)
    }

    @Test(arguments: [
        [(":status", "20")], [(":status", "101")], [("x", "1")], [(":status", "200"), (":path", "/")],
        [(":status", "200"), ("connection", "close")], [(":status", "200"), ("content-length", "5")],
        [(":status", "200"), ("X", "1")], [(":status", "200"), (":status", "200")],
    ])
    func `a malformed response fails its stream and not the connection`(fields: [(String, String)]) throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open())
        let other = try #require(rig.open())
        rig.peer.send(rig.peer.raw(1, fields))
        guard case .protocolError = receiver.failure else {
            Issue.record("\(String(describing: receiver.failure))")
            return
        }
        #expect(rig.peer.frames().reset(of: 1) == .protocolError)
        rig.peer.send(rig.peer.headers(3, [":status": "200"]))
        #expect(other.isClosed)
    }

    @Test func `HEAD may announce a length without a body`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open(.head))
        rig.peer.send(rig.peer.headers(1, [":status": "200", "content-length": "5"]))
        #expect(receiver.isClosed)
    }

    @Test func `a response before the request's end stops the request`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open(.post, end: false))
        _ = rig.peer.frames()
        rig.peer.send(rig.peer.headers(1, [":status": "413"]), .reset(1, .noError))
        #expect(receiver.events == ["response 413 end", "closed"])
        #expect(rig.peer.frames().reset(of: 1) == .cancel)
        receiver.client?.sendData(ByteBuffer(string: "late"), end: true)
        #expect(rig.peer.frames().isEmpty)
    }

    @Test func `pushed streams end the connection`() throws {
        let rig = try HTTP2ClientRig()
        rig.peer.send(rig.peer.headers(2, [":status": "200"]))
        #expect(rig.peer.frames().goAway == .protocolError)
    }

    @Test func `a lost connection fails what was open`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open())
        #expect(receiver.client?.requestMayHaveBeenProcessed == false)
        _ = rig.peer.frames()
        rig.peer.channel.pipeline.fireChannelInactive()
        #expect(receiver.failure == .connectionClosed)
        #expect(receiver.client?.requestMayHaveBeenProcessed == true)
        #expect(rig.delegate.closed == .closed)
    }

    @Test func `a drained connection finishes what is open and closes`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open())
        rig.connection.drain()
        #expect(rig.connection.availableStreams == 0)
        rig.peer.send(rig.peer.headers(1, [":status": "200"]))
        #expect(receiver.isClosed)
        #expect(rig.delegate.closed == .closed)
    }

    @Test func `large heads are split over frames`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = RecordingReceiver()
        var head = RequestHead(method: .get, authority: "billing", path: "/")
        head.headers.append("x-large", String(repeating: "a", count: 40_000))
        receiver.stream = rig.connection.open(head, end: true, receiver: receiver)
        let frames = rig.peer.frames()
        #expect(frames.map(\.kind) == [1, 9, 9])
        #expect(frames.map(\.flags) == [1, 0, 4])
        #expect(try rig.peer.decode(frames.flatMap(\.payload))["x-large"]?.count == 40_000)
    }

    @Test func `an upstream that resets most streams is left`() throws {
        let rig = try HTTP2ClientRig()
        var id: UInt32 = 1
        while !rig.connection.isClosing, id < 2_001 {
            _ = try #require(rig.open())
            rig.peer.send(.reset(id, .internalError))
            id += 2
        }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        let full = try HTTP2ClientRig()
        for index in 0..<1_000 {
            _ = try #require(full.open())
            full.peer.send(.reset(UInt32(1 + 2 * index), .refusedStream))
        }
        #expect(!full.connection.isClosing)
    }

    @Test func `an upstream that never says SETTINGS is left`() throws {
        let delegate = RecordingClient()
        let connection = HTTP2ClientConnection(delegate: delegate)
        let peer = try HTTP2Peer(connection)
        peer.channel.embeddedEventLoop.advanceTime(by: .seconds(12))
        #expect(peer.frames().goAway == .settingsTimeout)
        #expect(delegate.stopped && delegate.closed == .timeout)
    }

    // MARK: Upgrades that the application answers as if it had not been asked

    private func upgrade(_ rig: HTTP2ClientRig) throws -> RecordingReceiver {
        let receiver = RecordingReceiver()
        var head = RequestHead(method: .get, authority: "billing", path: "/room")
        head.headers.append(.connectProtocol, "websocket")
        receiver.stream = rig.connection.open(head, end: false, receiver: receiver)
        return try #require(receiver.stream == nil ? nil : receiver)
    }

    @Test func `an upgrade refused with success is an ordinary response to who asked`() throws {
        let rig = try HTTP2ClientRig(peerSettings: [(8, 1)])
        let receiver = try self.upgrade(rig)
        rig.peer.send(
            rig.peer.headers(
                1, [":status": "501", "content-length": "5", "x-weft-upgrade-refused": "200", "x-a": "1"], end: false),
            .data(1, "hello", end: true))
        #expect(receiver.events == ["response 200", "closed"])
        #expect(receiver.response?.headers[.status] == "200")
        #expect(receiver.response?.headers.name(at: 0) == ":status")
        #expect(receiver.response?.headers["x-weft-upgrade-refused"] == nil)
        #expect(receiver.response?.headers[.contentLength] == "5")
        #expect(receiver.body == "hello")
    }

    @Test(arguments: [("501", "101"), ("501", "404"), ("501", "x"), ("404", "200")])
    func `a refusal says nothing else by its field`(status: String, field: String) throws {
        let rig = try HTTP2ClientRig(peerSettings: [(8, 1)])
        let receiver = try self.upgrade(rig)
        rig.peer.send(rig.peer.headers(1, [":status": status, "x-weft-upgrade-refused": field]))
        #expect(receiver.response?.status == Int(status))
        #expect(receiver.response?.headers.contains(.weftUpgradeRefused) == false)
    }

    @Test func `the field of refused upgrades means nothing in other responses, and is not handed on`() throws {
        let rig = try HTTP2ClientRig()
        let receiver = try #require(rig.open())
        rig.peer.send(rig.peer.headers(1, [":status": "501", "x-weft-upgrade-refused": "200"]))
        #expect(receiver.response?.status == 501)
        #expect(receiver.response?.headers.contains(.weftUpgradeRefused) == false)
    }
}
