import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

/// Peers that send slowly, send without end, or never read.
@Suite struct HTTP1SlowPeerTests {
    private static let chunkedHead = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let longHead = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"

    private func advance(_ rig: HTTP1ServerRig, _ seconds: Int64) {
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(seconds))
    }

    // MARK: Chunks

    @Test func `digits of a chunk size are no extension, however many chunks there are`() throws {
        let rig = try HTTP1ServerRig()
        rig.send(Self.chunkedHead)
        for _ in 0..<5_000 { rig.send("00000001\r\nx\r\n") }
        rig.send("0\r\n\r\n")
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.body.utf8.count == 5_000)
        #expect(receiver.isClosed && !rig.connection.isClosing)
    }

    @Test func `extensions count from their semicolon, whatever else has come`() throws {
        var limits = HTTPLimits()
        limits.maxChunkExtensionBytes = 10
        let chunk = "1;aaaa\r\nx\r\n"
        let rig = try HTTP1ServerRig(limits: limits)
        rig.send(Self.chunkedHead + chunk + chunk + "0\r\n\r\n")
        #expect(rig.delegate.receivers.first?.body == "xx")
        let more = try HTTP1ServerRig(limits: limits)
        more.send(Self.chunkedHead + chunk + chunk + "1;\r\nx\r\n" + String(repeating: "1\r\nx\r\n", count: 1_000))
        #expect(more.answer().hasPrefix("HTTP/1.1 400 "))
    }

    // MARK: Slow senders

    @Test(arguments: [
        (chunkedHead + "3;", "x"), (chunkedHead + "1\r\nx", "\r"), (chunkedHead + "0\r\n", "a: b\r\n"),
        (chunkedHead + "0\r\na", "b"),
    ])
    func `a line of a chunked body and trailers must end in the time of a head`(start: String, more: String) throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send(start)
        for round in 0..<4 {
            self.advance(rig, 2)
            if round > 0 || more != "\r" { rig.send(more == "\r" ? "" : more) } else { rig.send(more) }
        }
        #expect(!rig.connection.isClosing)
        self.advance(rig, 3)
        #expect(rig.answer().hasPrefix("HTTP/1.1 408 "))
        #expect(rig.connection.isClosing)
        #expect(rig.delegate.receivers.first?.failure != nil)
    }

    @Test func `each line has its own time`() throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send(Self.chunkedHead)
        for _ in 0..<10 {
            rig.send("1\r")
            self.advance(rig, 6)
            rig.send("\nx\r\n1")
            self.advance(rig, 6)
            rig.send("\r\ny\r\n")
        }
        #expect(!rig.connection.isClosing)
        #expect(rig.delegate.receivers.first?.body == String(repeating: "xy", count: 10))
    }

    @Test(arguments: [longHead, chunkedHead + "ffff\r\n"])
    func `bytes that were announced must come at a least rate`(head: String) throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send(head)
        for _ in 0..<14 {
            self.advance(rig, 2)
            rig.send("x")
        }
        #expect(!rig.connection.isClosing)
        self.advance(rig, 3)
        #expect(rig.answer().hasPrefix("HTTP/1.1 408 "))
        let fast = try HTTP1ServerRig(prepare: { _ in })
        fast.send(head)
        for _ in 0..<60 {
            self.advance(fast, 1)
            fast.send(String(repeating: "x", count: 600))
        }
        #expect(!fast.connection.isClosing)
        // Once fast is not for ever.
        self.advance(fast, 61)
        #expect(fast.connection.isClosing)
    }

    @Test func `a sender is not late while its reader is not ready`() throws {
        var limits = HTTPLimits()
        limits.receiveBufferBytes = 10
        let rig = try HTTP1ServerRig(limits: limits, prepare: { $0.consumes = false })
        rig.send(Self.longHead + "0123456789")
        self.advance(rig, 600)
        #expect(!rig.connection.isClosing)
        rig.delegate.receivers.first?.stream?.consumed(10)
        self.advance(rig, 29)
        #expect(!rig.connection.isClosing)
        self.advance(rig, 2)
        #expect(rig.answer().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `between chunks an upload may rest, once its response has begun for any time`() throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send(Self.chunkedHead)
        for _ in 0..<5 {
            rig.send("1\r\nx\r\n")
            self.advance(rig, 290)
        }
        #expect(!rig.connection.isClosing)
        rig.delegate.receivers.first?.server?.sendResponse(ResponseHead(status: 200), end: false)
        self.advance(rig, 36_000)
        #expect(!rig.connection.isClosing)
        let silent = try HTTP1ServerRig(prepare: { _ in })
        silent.send(Self.chunkedHead + "1\r\nx\r\n")
        self.advance(silent, 301)
        #expect(silent.answer().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `a rate of zero asks for none`() throws {
        var limits = HTTPLimits()
        limits.minBodyRate = 0
        let rig = try HTTP1ServerRig(limits: limits, prepare: { _ in })
        rig.send(Self.longHead + "x")
        self.advance(rig, 3_600)
        #expect(!rig.connection.isClosing)
    }

    @Test func `when the body is whole nothing is owed`() throws {
        let rig = try HTTP1ServerRig(prepare: { _ in })
        rig.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
        self.advance(rig, 20)
        rig.send("b")
        self.advance(rig, 3_600)
        #expect(!rig.connection.isClosing)
    }

    @Test(arguments: ["3;", "0\r\na: b\r\n", "1\r\nx\r"])
    func `an application that never ends a line fails its response`(start: String) throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(start)")
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(receiver.failure == nil)
        rig.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        guard case .protocolError = receiver.failure else {
            Issue.record("\(String(describing: receiver.failure))")
            return
        }
        #expect(rig.delegate.stopped)
    }

    @Test(arguments: [
        "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        "Transfer-Encoding: chunked\r\n\r\nff\r\nx", "Content-Length: 9\r\n\r\nx", "\r\nx",
    ])
    func `otherwise a response may take its time`(rest: String) throws {
        let rig = try HTTP1ClientRig()
        let receiver = try #require(rig.open())
        rig.receive("HTTP/1.1 200 OK\r\n\(rest)")
        rig.channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(receiver.failure == nil && !rig.connection.isClosing)
    }

    // MARK: Peers that do not read

    private func setWritable(_ rig: HTTP1ServerRig, _ isWritable: Bool) {
        rig.channel.isWritable = isWritable
        rig.channel.pipeline.fireChannelWritabilityChanged()
        rig.channel.embeddedEventLoop.run()
    }

    @Test func `requests wait while the answers before them do`() throws {
        let rig = try HTTP1ServerRig()
        let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        _ = rig.exchange(request)
        self.setWritable(rig, false)
        rig.send(request + request)
        #expect(rig.delegate.receivers.count == 1)
        #expect(rig.connection.isPaused)
        // Long, but it takes something in the end.
        self.advance(rig, 200)
        self.setWritable(rig, true)
        #expect(rig.delegate.receivers.count == 3)
        #expect(!rig.connection.isPaused && !rig.connection.isClosing)
        #expect(rig.answer().hasSuffix("hello"))
        self.advance(rig, 61)
        #expect(rig.delegate.closed == .timeout)
    }

    @Test func `a peer that takes nothing for long loses its connection`() throws {
        let rig = try HTTP1ServerRig()
        self.setWritable(rig, false)
        rig.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.advance(rig, 301)
        #expect(rig.delegate.receivers.isEmpty)
        #expect(rig.delegate.closed == .timeout)
    }

    /// Stands before the socket of a peer that does not close its side, and perhaps does not read.
    private final class StubbornPeer: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer

        let reads: Bool
        private var held: [EventLoopPromise<Void>] = []

        init(reads: Bool) { self.reads = reads }

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if self.reads {
                context.write(data, promise: promise)
            } else if let promise {
                self.held.append(promise)
            }
        }

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            if mode == .output {
                promise?.succeed()
                return
            }
            let held = self.held
            self.held = []
            for promise in held { promise.fail(ChannelError.ioOnClosedChannel) }
            context.close(mode: mode, promise: promise)
        }
    }

    @Test(arguments: [true, false])
    func `a refused peer that goes on sending is read from for a mebibyte and no more`(reads: Bool) throws {
        let delegate = RecordingServer()
        let connection = HTTP1ServerConnection(delegate: delegate)
        let channel = EmbeddedChannel(handlers: [StubbornPeer(reads: reads), connection])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/9\r\nHost: x\r\n\r\n"))
        channel.embeddedEventLoop.run()
        #expect(connection.isClosing && !connection.isPaused)
        let piece = ByteBuffer(string: String(repeating: "x", count: 65_536))
        for _ in 0..<16 { try channel.writeInbound(piece) }
        #expect(!connection.isPaused && channel.isActive)
        try channel.writeInbound(piece)
        channel.embeddedEventLoop.run()
        #expect(connection.isPaused)
        // Who has taken the answer has a moment to read it.
        #expect(channel.isActive == reads)
        channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!channel.isActive)
        #expect(delegate.closed != nil)
    }

    // MARK: Responses cut short

    @Test(arguments: [("1.1", "3\r\nabc\r\n"), ("1.0", "abc")])
    func `what came before a failure is delivered, and the connection does not go on`(
        version: String, body: String
    ) throws {
        let rig = try HTTP1ServerRig { receiver in
            receiver.onRequest = { receiver, _ in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendData(ByteBuffer(string: "abc"), end: false)
                receiver.stream?.reset(.internalError)
            }
        }
        let (answer, closes) = rig.exchange("GET / HTTP/\(version)\r\nHost: x\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\n\(body)"), "\(answer)")
        #expect(closes && !rig.channel.isActive)
        #expect(rig.delegate.receivers.count == 1)
    }
}
