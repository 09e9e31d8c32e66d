import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct HTTP2AbuseTests {
    static let broken: [(WireFrame, StreamResetCode)] = [
        (WireFrame(kind: 0, stream: 0, payload: [1]), .protocolError),
        (WireFrame(kind: 0, stream: 1, payload: [1]), .protocolError),
        (WireFrame(kind: 1, flags: 4, stream: 0), .protocolError),
        (WireFrame(kind: 1, flags: 5, stream: 2), .protocolError),
        (WireFrame(kind: 1, flags: 0xd, stream: 1, payload: [9, 1]), .protocolError),
        (WireFrame(kind: 1, flags: 5, stream: 1, payload: [0xff, 0xff, 0xff, 0xff, 0xff]), .compressionError),
        (WireFrame(kind: 1, flags: 5, stream: 1, payload: [0xbe]), .compressionError),
        (WireFrame(kind: 2, stream: 0, payload: [0, 0, 0, 0, 0]), .protocolError),
        (WireFrame(kind: 2, stream: 1, payload: [0]), .frameSizeError),
        (WireFrame(kind: 3, stream: 0, payload: [0, 0, 0, 0]), .protocolError),
        (WireFrame(kind: 3, stream: 1, payload: [0, 0, 0, 0]), .protocolError),
        (WireFrame(kind: 3, stream: 1, payload: [0]), .frameSizeError),
        (WireFrame(kind: 4, stream: 1), .protocolError),
        (WireFrame(kind: 4, payload: [1]), .frameSizeError),
        (WireFrame(kind: 4, flags: 1, payload: [0, 1, 0, 0, 0, 0]), .frameSizeError),
        (.settings([(2, 2)]), .protocolError),
        (.settings([(4, 0x8000_0000)]), .flowControlError),
        (.settings([(5, 1)]), .protocolError),
        (WireFrame(kind: 5, stream: 1, payload: [0, 0, 0, 2]), .protocolError),
        (WireFrame(kind: 6, payload: [0]), .frameSizeError),
        (WireFrame(kind: 6, stream: 1, payload: Array(0..<8)), .protocolError),
        (WireFrame(kind: 7, payload: [0]), .frameSizeError),
        (.windowUpdate(0, 0), .protocolError),
        (.windowUpdate(0, 0x7fff_ffff), .flowControlError),
        (.windowUpdate(1, 1), .protocolError),
        (WireFrame(kind: 9, flags: 4, stream: 1), .protocolError),
        (WireFrame(kind: 0, stream: 1, payload: Array(repeating: 0, count: 65_537)), .frameSizeError),
    ]

    @Test(arguments: broken)
    func `a broken frame ends the connection with the right code`(frame: WireFrame, code: StreamResetCode) throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(frame)
        #expect(rig.peer.frames().goAway == code)
        #expect(rig.connection.isClosing)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\u{8}\u{6}\0\0\0\0\0abcdefgh"])
    func `the first bytes must be the preface and SETTINGS`(first: String) throws {
        let delegate = RecordingServer()
        let peer = try HTTP2Peer(HTTP2ServerConnection(delegate: delegate))
        peer.send(Array(first.utf8))
        #expect(peer.frames().goAway == .protocolError)
    }

    @Test func `a preface must be followed by SETTINGS in time`() throws {
        let delegate = RecordingServer()
        let peer = try HTTP2Peer(HTTP2ServerConnection(delegate: delegate))
        peer.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
        peer.channel.embeddedEventLoop.advanceTime(by: .seconds(12))
        #expect(peer.frames().goAway == .settingsTimeout)
        #expect(delegate.closed == .timeout)
    }

    @Test func `a header block must be whole in time, however it dribbles`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.peer.send(WireFrame(kind: 1, flags: 1, stream: 3, payload: [0x82]))
        for _ in 0..<3 {
            rig.peer.channel.embeddedEventLoop.advanceTime(by: .seconds(3))
            #expect(!rig.connection.isClosing)
            rig.peer.send(WireFrame(kind: 9, stream: 3))
        }
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(rig.peer.frames().goAway == .protocolError)
        #expect(rig.delegate.receivers.map(\.failure) == [.connectionClosed])
    }

    @Test func `half a frame must be followed by the other half in time`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.peer.send(Array(WireFrame.ping.bytes.prefix(12)))
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .seconds(11))
        #expect(rig.peer.frames().goAway == .protocolError)
        let patient = try HTTP2ServerRig(prepare: { _ in })
        patient.peer.send(patient.peer.headers(1, HTTP2ServerRig.post, end: false))
        let body = WireFrame.data(1, "abcdef", end: true).bytes
        patient.peer.send(Array(body.prefix(12)))
        patient.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(2))
        #expect(!patient.connection.isClosing)
        patient.peer.send(Array(body.dropFirst(12)))
        #expect(patient.delegate.receivers.first?.body == "abcdef")
        patient.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(20))
        #expect(!patient.connection.isClosing)
    }

    @Test func `SETTINGS of many entries are refused, and of the rest the last counts`() throws {
        let many = try HTTP2ServerRig()
        many.peer.send(.settings(Array(repeating: (4, 70_000), count: 33)))
        #expect(many.peer.frames().goAway == .enhanceYourCalm)
        let rig = try HTTP2ServerRig(peerSettings: [(4, 10)]) { receiver in
            receiver.onEnd = { receiver in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendData(ByteBuffer(repeating: 0x78, count: 100), end: true)
            }
        }
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        #expect(rig.peer.frames().body(of: 1).utf8.count == 10)
        rig.peer.send(.settings([(4, 100), (4, 20), (3, 1), (4, 15)]))
        #expect(rig.peer.frames().body(of: 1).utf8.count == 5)
    }

    @Test func `a header block may not be interrupted`() throws {
        let rig = try HTTP2ServerRig()
        var open = rig.peer.headers(1, HTTP2ServerRig.get)
        open.flags = 1
        rig.peer.send(open, .ping)
        #expect(rig.peer.frames().goAway == .protocolError)
    }

    @Test func `a header block may come in several frames`() throws {
        let rig = try HTTP2ServerRig()
        var open = rig.peer.headers(1, HTTP2ServerRig.get)
        let rest = Array(open.payload[2...])
        open.payload = Array(open.payload[..<2])
        open.flags = 1
        rig.peer.send(open, WireFrame(kind: 9, stream: 1), WireFrame(kind: 9, flags: 4, stream: 1, payload: rest))
        #expect(rig.peer.frames().body(of: 1) == "hello")
    }

    @Test func `endless CONTINUATION frames are cut off`() throws {
        let rig = try HTTP2ServerRig()
        rig.peer.send(WireFrame(kind: 1, flags: 1, stream: 1, payload: [0x82]))
        for _ in 0..<20 { rig.peer.send(WireFrame(kind: 9, stream: 1)) }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        let large = try HTTP2ServerRig()
        large.peer.send(WireFrame(kind: 1, flags: 1, stream: 1, payload: [0x82]))
        for _ in 0..<12 {
            large.peer.send(WireFrame(kind: 9, stream: 1, payload: Array(repeating: 0, count: 16_000)))
        }
        #expect(large.peer.frames().goAway == .enhanceYourCalm)
    }

    @Test func `rapid resets are cut off`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        var id: UInt32 = 1
        while !rig.connection.isClosing, id < 2_001 {
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get), .reset(id))
            id += 2
        }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        #expect(id < 700)
    }

    @Test func `resets that we are provoked to are cut off`() throws {
        let rig = try HTTP2ServerRig()
        var id: UInt32 = 1
        while !rig.connection.isClosing, id < 2_001 {
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.post, end: false), .windowUpdate(id, 0))
            id += 2
        }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
    }

    @Test func `a caller may give up many requests among more that it does not`() throws {
        let rig = try HTTP2ServerRig()
        for round in 0..<1_500 {
            let id = UInt32(1 + 2 * round)
            if round % 3 == 0 {
                rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.post, end: false), .reset(id))
            } else {
                rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get))
            }
        }
        #expect(!rig.connection.isClosing)
    }

    @Test func `resets before an answer are few among many, however many the many are`() throws {
        let rig = try HTTP2ServerRig()
        var id: UInt32 = 1
        while !rig.connection.isClosing, id < 20_001 {
            rig.peer.send(
                rig.peer.headers(id, HTTP2ServerRig.post, end: false), .reset(id),
                rig.peer.headers(id + 2, HTTP2ServerRig.get), rig.peer.headers(id + 4, HTTP2ServerRig.get))
            id += 6
        }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        let busy = try HTTP2ServerRig()
        for round in 0..<12_000 {
            let id = UInt32(1 + 2 * round)
            if round % 10 == 9 {
                busy.peer.send(busy.peer.headers(id, HTTP2ServerRig.post, end: false), .reset(id))
            } else {
                busy.peer.send(busy.peer.headers(id, HTTP2ServerRig.get))
            }
        }
        #expect(!busy.connection.isClosing)
    }

    @Test func `refused streams do not make up for resets`() throws {
        var limits = HTTPLimits()
        limits.maxStreams = 1
        let rig = try HTTP2ServerRig(limits: limits, prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        var id: UInt32 = 3
        while !rig.connection.isClosing, id < 2_001 {
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get))
            id += 2
        }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
    }

    @Test func `a window of DATA may follow a reset, and no more`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        let piece = String(repeating: "a", count: 16_384)
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        rig.delegate.receivers.first?.stream?.reset(.cancel)
        for _ in 0..<4 { rig.peer.send(.data(1, piece)) }
        #expect(!rig.connection.isClosing)
        for _ in 0..<5 { rig.peer.send(.data(1, piece)) }
        #expect(rig.peer.frames().goAway == .streamClosed)
    }

    @Test func `small pieces of DATA after a reset are in order, and not for ever`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        rig.delegate.receivers.first?.stream?.reset(.cancel)
        for _ in 0..<1_000 { rig.peer.send(.data(1, "a")) }
        #expect(!rig.connection.isClosing)
        for _ in 0..<2_000 { rig.peer.send(.data(1, "a")) }
        #expect(rig.peer.frames().goAway == .streamClosed)
    }

    @Test func `small pieces of DATA that are consumed are as good as large ones`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        for _ in 0..<100 {
            rig.peer.send((0..<1_000).flatMap { _ in WireFrame.data(1, "abcdef").bytes })
        }
        #expect(!rig.connection.isClosing)
        #expect(rig.delegate.receivers.first?.body.utf8.count == 600_000)
    }

    @Test func `DATA for a stream that came after the end was announced is expected`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.connection.drain()
        rig.peer.send(WireFrame(kind: 6, flags: 1, payload: Array(repeating: 0, count: 8)))
        rig.peer.send(rig.peer.headers(3, HTTP2ServerRig.post, end: false), .data(3, "abc", end: true))
        #expect(!rig.connection.isClosing)
        #expect(rig.delegate.receivers.count == 1)
    }

    @Test(arguments: [
        .ping, .settings(), WireFrame(kind: 2, stream: 1, payload: [0, 0, 0, 9, 0]), WireFrame(kind: 99),
        .windowUpdate(0, 1), WireFrame(kind: 4, flags: 1),
    ])
    func `floods of frames that ask for nothing are cut off`(frame: WireFrame) throws {
        let rig = try HTTP2ServerRig()
        for _ in 0..<1_100 { rig.peer.send(frame) }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        var patient = HTTPLimits()
        patient.idleTimeout = nil
        let slow = try HTTP2ServerRig(limits: patient)
        for _ in 0..<1_100 {
            slow.peer.send(frame)
            slow.peer.channel.embeddedEventLoop.advanceTime(by: .milliseconds(50))
        }
        #expect(slow.peer.frames().goAway == nil)
    }

    @Test func `empty DATA frames are cut off`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        for _ in 0..<20 { rig.peer.send(.data(1, "")) }
        #expect(rig.peer.frames().goAway == .enhanceYourCalm)
        let mixed = try HTTP2ServerRig(prepare: { _ in })
        mixed.peer.send(mixed.peer.headers(1, HTTP2ServerRig.post, end: false))
        for _ in 0..<20 { mixed.peer.send(.data(1, ""), .data(1, ""), .data(1, "a")) }
        #expect(mixed.peer.frames().goAway == .enhanceYourCalm)
    }

    @Test func `a peer that takes nothing of what waits is left`() throws {
        let rig = try HTTP2ServerRig(peerSettings: [(4, 0)])
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(11))
        #expect(rig.delegate.closed == .timeout)
        #expect(rig.delegate.receivers.first?.failure == .connectionClosed)
    }

    @Test func `a peer that reads no answer is asked for no more requests, and left in the end`() throws {
        let rig = try HTTP2ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                var head = ResponseHead(status: 204)
                head.headers.append(.setCookie, String(repeating: "a", count: 1_000))
                receiver.server?.sendResponse(head, end: true)
            }
        }
        rig.peer.channel.isWritable = false
        rig.peer.channel.pipeline.fireChannelWritabilityChanged()
        var id: UInt32 = 1
        while !rig.connection.isPaused, id < 10_000 {
            rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get))
            id += 2
        }
        let taken = rig.delegate.receivers.count
        #expect(taken < 300)
        rig.peer.send(rig.peer.headers(id, HTTP2ServerRig.get))
        #expect(rig.delegate.receivers.count == taken)
        #expect(rig.connection.output.readableBytes < 300_000)
        rig.peer.channel.isWritable = true
        rig.peer.channel.pipeline.fireChannelWritabilityChanged()
        #expect(rig.peer.frames().count { $0.kind == 1 } == taken + 1)
        #expect(!rig.connection.isPaused)
    }

    @Test func `a socket that takes nothing is given up although a stream has nothing to send`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get), rig.peer.headers(3, HTTP2ServerRig.get))
        rig.peer.channel.isWritable = false
        rig.peer.channel.pipeline.fireChannelWritabilityChanged()
        rig.delegate.receivers[0].server?.sendResponse(ResponseHead(status: 204), end: true)
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(4))
        #expect(rig.delegate.closed == nil)
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(2))
        #expect(rig.delegate.closed == .timeout)
    }

    @Test func `pieces that wait cost what they hold, however small they are`() throws {
        let rig = try HTTP2ServerRig(peerSettings: [(4, 0)], prepare: { _ in })
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        let receiver = try #require(rig.delegate.receivers.first)
        receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
        var whole = ByteBuffer(repeating: 0x78, count: 131_072)
        for _ in 0..<65_536 { receiver.server?.sendData(whole.readSlice(length: 1) ?? ByteBuffer(), end: false) }
        let stream = try #require(receiver.stream as? HTTP2Stream)
        #expect(stream.pending.count <= 2)
        #expect(stream.pending.allSatisfy { $0.capacity <= 65_536 })
        #expect(stream.unsentBytes == 65_536)
        receiver.server?.sendData(ByteBuffer(string: "end"), end: true)
        rig.peer.send(.windowUpdate(1, 100_000), .windowUpdate(0, 100_000))
        #expect(rig.peer.frames().body(of: 1).utf8.count == 65_539)
        #expect(receiver.isClosed && receiver.sent == 65_539)
    }

    @Test func `a stream whose reader takes its time does not cost the others their connection`() throws {
        let rig = try HTTP2ServerRig(prepare: { _ in })
        rig.peer.send(
            .settings([(4, 0)]), rig.peer.headers(1, HTTP2ServerRig.get), rig.peer.headers(3, HTTP2ServerRig.get))
        let stalled = rig.delegate.receivers[0]
        stalled.server?.sendResponse(ResponseHead(status: 200), end: false)
        stalled.server?.sendData(ByteBuffer(string: "abc"), end: true)
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(30))
        #expect(rig.delegate.closed == nil)
        rig.peer.send(.reset(1))
        rig.peer.channel.embeddedEventLoop.advanceTime(by: .minutes(30))
        #expect(rig.delegate.closed == nil)
        #expect(rig.connection.openStreams == 1)
    }

    @Test func `a huge list from a small block is refused while decoding`() throws {
        let rig = try HTTP2ServerRig()
        // One large entry in the table, then thousands of references of one byte.
        let value = [UInt8](repeating: 0x61, count: 3_000)
        let literal: [UInt8] = [0x40, 1, 0x78, 0x7f, 0xb9, 0x16] + value
        let references = [UInt8](repeating: 0xbe, count: 10_000)
        rig.peer.send(WireFrame(kind: 1, flags: 5, stream: 1, payload: literal + references))
        #expect(rig.delegate.receivers.isEmpty)
        #expect(rig.delegate.refusals.map(\.status) == [431])
    }

    @Test func `random damage never does more than end the connection`() throws {
        var random = SeededGenerator(state: 5)
        for _ in 0..<1_500 {
            let rig = try HTTP2ServerRig()
            let frames: [WireFrame] = [
                rig.peer.headers(1, HTTP2ServerRig.post, end: false), .data(1, "abc"), .data(1, "def", end: true),
                .settings([(4, 70_000)]), .windowUpdate(0, 100), rig.peer.headers(3, HTTP2ServerRig.get), .reset(3),
                .ping, .goAway(0),
            ]
            var bytes = frames.flatMap(\.bytes)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            rig.peer.send(bytes)
            rig.peer.channel.pipeline.fireChannelInactive()
            #expect(rig.delegate.closed != nil)
            for receiver in rig.delegate.receivers { #expect(receiver.isClosed != (receiver.failure != nil)) }
        }
    }
}
