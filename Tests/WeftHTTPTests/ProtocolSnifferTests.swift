import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct ProtocolSnifferTests {
    private func serve(_ bytes: [UInt8], split: Int) throws -> (RecordingServer, EmbeddedChannel) {
        let delegate = RecordingServer()
        delegate.prepare = echo
        let channel = EmbeddedChannel(
            handler: ProtocolSniffer(
                makeHTTP1: { HTTP1ServerConnection(delegate: delegate) },
                makeHTTP2: { HTTP2ServerConnection(delegate: delegate) }))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try channel.writeInbound(ByteBuffer(bytes: bytes[..<split]))
        try channel.writeInbound(ByteBuffer(bytes: bytes[split...]))
        channel.embeddedEventLoop.run()
        return (delegate, channel)
    }

    @Test func `the codec follows from the first bytes, however they come`() throws {
        let one = Array("GET /one HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        for split in 0..<one.count {
            let (delegate, channel) = try self.serve(one, split: split)
            #expect(delegate.receivers.map(\.request?.path) == ["/one"])
            #expect(
                try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }?.hasSuffix("hello") == true)
        }
        // GET / over HTTP/2: method, scheme and path from the static table, authority as literal.
        let get = WireFrame(kind: 1, flags: 5, stream: 1, payload: [0x82, 0x86, 0x84, 0x41, 0x01, 0x78])
        let two = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + WireFrame.settings().bytes + get.bytes
        for split in 0..<two.count {
            let (delegate, _) = try self.serve(two, split: split)
            #expect(delegate.receivers.map(\.request?.path) == ["/"])
        }
    }

    @Test func `a PRI request in HTTP 1 form is refused`() throws {
        let (delegate, channel) = try self.serve(Array("PRI * HTTP/2.1\r\n\r\n".utf8), split: 3)
        #expect(delegate.receivers.isEmpty)
        #expect(
            try channel.readOutbound(as: ByteBuffer.self).map { String(buffer: $0) }?.hasPrefix("HTTP/1.1 505") == true)
    }
}
