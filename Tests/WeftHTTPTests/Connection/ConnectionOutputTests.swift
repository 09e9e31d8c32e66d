import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

/// What a connection hands to a channel whose peer reads slowly, or not at all.
@Suite struct ConnectionOutputTests {
    /// A socket with room in name only: it takes every write, and lets go of none until told.
    private final class HoldingSocket: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        private(set) var held: [ByteBuffer] = []
        private var promises: [EventLoopPromise<Void>] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            self.held.append(Self.unwrapOutboundIn(data))
            if let promise { self.promises.append(promise) }
        }

        func flush(context: ChannelHandlerContext) {}

        /// Everything leaves; what it was.
        func release() -> [ByteBuffer] {
            let (left, told) = (self.held, self.promises)
            (self.held, self.promises) = ([], [])
            for promise in told { promise.succeed() }
            return left
        }
    }

    private struct Rig {
        let delegate = RecordingServer()
        let connection: RawServerConnection
        let socket = HoldingSocket()
        let channel: EmbeddedChannel
        let receiver: RecordingReceiver

        init(holds: Bool = false) throws {
            self.delegate.prepare = { receiver in
                receiver.onRequest = { receiver, _ in
                    receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                }
            }
            self.connection = RawServerConnection(
                delegate: self.delegate, limits: HTTPLimits(), authority: "cache:6379")
            self.channel = EmbeddedChannel(handlers: holds ? [self.socket, self.connection] : [self.connection])
            try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            self.receiver = try #require(self.delegate.receivers.first)
        }

        func send(_ count: Int, pieces: Int = 1) {
            for _ in 0..<pieces {
                self.receiver.server?.sendData(ByteBuffer(repeating: 0x78, count: count), end: false)
                self.channel.embeddedEventLoop.run()
            }
        }

        func setWritable(_ isWritable: Bool) {
            self.channel.isWritable = isWritable
            self.channel.pipeline.fireChannelWritabilityChanged()
            self.channel.embeddedEventLoop.run()
        }

        func sent() throws -> [Int] {
            var counts: [Int] = []
            while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
                counts.append(buffer.readableBytes)
            }
            return counts
        }
    }

    @Test func `while the socket takes nothing, small pieces wait as one`() throws {
        let rig = try Rig()
        rig.setWritable(false)
        rig.send(1, pieces: 1_000)
        #expect(try rig.sent() == [])
        #expect(rig.receiver.sent == 0)
        #expect(rig.connection.output.readableBytes == 1_000)
        rig.setWritable(true)
        #expect(try rig.sent() == [1_000])
        #expect(rig.receiver.sent == 1_000)
    }

    @Test func `a socket that lets go of nothing is not given piece after piece`() throws {
        let rig = try Rig(holds: true)
        rig.send(1, pieces: 1_000)
        #expect(rig.socket.held.count <= 32)
        #expect(rig.connection.output.readableBytes + rig.socket.held.count == 1_000)
        let first = rig.socket.release()
        rig.channel.embeddedEventLoop.run()
        let rest = rig.socket.release()
        #expect(rest.count == 1)
        #expect((first + rest).reduce(0) { $0 + $1.readableBytes } == 1_000)
        #expect(rig.receiver.sent == 1_000)
        rig.send(1)
        #expect(rig.socket.held.count == 1)
    }

    @Test func `a large piece is passed on although the socket takes no more, and sent`() throws {
        let rig = try Rig()
        rig.setWritable(false)
        rig.send(10)
        rig.send(20_000)
        #expect(try rig.sent() == [10, 20_000])
        #expect(rig.receiver.sent == 0)
        rig.setWritable(true)
        #expect(rig.receiver.sent == 20_010)
    }

    @Test func `what waits goes before the end of the output`() throws {
        let rig = try Rig()
        rig.setWritable(false)
        rig.send(10)
        rig.receiver.server?.sendData(ByteBuffer(string: "end"), end: true)
        rig.channel.embeddedEventLoop.run()
        #expect(try rig.sent().reduce(0, +) == 13)
    }

    @Test func `an idle connection keeps little memory for its output`() throws {
        let rig = try HTTP2ServerRig { receiver in
            receiver.onEnd = { receiver in
                receiver.server?.sendResponse(ResponseHead(status: 200), end: false)
                receiver.server?.sendData(ByteBuffer(repeating: 0x78, count: 60_000), end: true)
            }
        }
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.get))
        #expect(rig.peer.frames().body(of: 1).utf8.count == 60_000)
        #expect(rig.connection.output.capacity <= 4_096)
    }
}
