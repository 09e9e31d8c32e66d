import NIOCore
import NIOEmbedded
import WeftMessage

@testable import WeftHTTP

/// A frame as it lies on the wire.
struct WireFrame: Equatable {
    var kind: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    var bytes: [UInt8] {
        let length = self.payload.count
        return [UInt8(length >> 16 & 0xff), UInt8(length >> 8 & 0xff), UInt8(length & 0xff), self.kind, self.flags]
            + Self.number(self.stream) + self.payload
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: value >> shift) }
    }

    static func settings(_ values: [(UInt16, UInt32)] = []) -> Self {
        Self(kind: 4, payload: values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 0xff)] + Self.number($0.1) })
    }

    static func reset(_ stream: UInt32, _ code: StreamResetCode = .cancel) -> Self {
        Self(kind: 3, stream: stream, payload: Self.number(code.rawValue))
    }

    static func data(_ stream: UInt32, _ text: String, end: Bool = false) -> Self {
        Self(kind: 0, flags: end ? 1 : 0, stream: stream, payload: Array(text.utf8))
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Self {
        Self(kind: 8, stream: stream, payload: Self.number(increment))
    }

    static func goAway(_ last: UInt32, _ code: StreamResetCode = .noError) -> Self {
        Self(kind: 7, payload: Self.number(last) + Self.number(code.rawValue))
    }

    static let ping = Self(kind: 6, payload: Array(0..<8))

    /// The number in the payload's four bytes from `offset`.
    func number(at offset: Int = 0) -> UInt32 {
        self.payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

/// The peer of a connection under test: speaks frames, and HPACK without dynamic table.
final class HTTP2Peer {
    let channel: EmbeddedChannel
    private let encoder = HPACKEncoder(maxTableSize: 0)
    private let decoder = HPACKDecoder()
    private var unread = ByteBuffer()

    init(_ handler: some ChannelHandler) throws {
        self.channel = EmbeddedChannel(handler: handler)
        try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        self.channel.embeddedEventLoop.run()
    }

    func send(_ bytes: [UInt8]) {
        _ = try? self.channel.writeInbound(ByteBuffer(bytes: bytes))
        self.channel.embeddedEventLoop.run()
    }

    func send(_ frames: WireFrame...) { self.send(frames.flatMap(\.bytes)) }

    func headers(_ stream: UInt32, _ block: HeaderBlock, end: Bool = true) -> WireFrame {
        var encoded = ByteBuffer()
        self.encoder.encode(block, into: &encoded)
        return WireFrame(
            kind: 1, flags: end ? 5 : 4, stream: stream, payload: Array(encoded.readableBytesView))
    }

    /// HEADERS with fields exactly as given, whatever they are.
    func raw(_ stream: UInt32, _ fields: [(String, String)], end: Bool = true) -> WireFrame {
        var payload: [UInt8] = []
        for (name, value) in fields {
            payload += [0x00, UInt8(name.utf8.count)] + Array(name.utf8)
            payload += [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        return WireFrame(kind: 1, flags: end ? 5 : 4, stream: stream, payload: payload)
    }

    /// Everything that came, as frames; a client's preface is skipped.
    func frames() -> [WireFrame] {
        self.channel.embeddedEventLoop.run()
        while var buffer = try? self.channel.readOutbound(as: ByteBuffer.self) { self.unread.writeBuffer(&buffer) }
        if self.unread.getInteger(at: self.unread.readerIndex, as: UInt8.self) == UInt8(ascii: "P") {
            self.unread.moveReaderIndex(forwardBy: 24)
        }
        var frames: [WireFrame] = []
        while let head = HTTP2FrameHead(self.unread), self.unread.readableBytes >= 9 + head.length {
            self.unread.moveReaderIndex(forwardBy: 9)
            frames.append(
                WireFrame(
                    kind: head.kind, flags: head.flags, stream: head.stream,
                    payload: self.unread.readBytes(length: head.length) ?? []))
        }
        return frames
    }

    func decode(_ payload: [UInt8]) throws -> HeaderBlock {
        var block = HeaderBlock()
        _ = try payload.withUnsafeBytes {
            try self.decoder.decode($0, into: &block, maxListSize: 1_000_000, maxFields: 10_000)
        }
        return block
    }
}

extension [WireFrame] {
    /// The code of the GOAWAY that came, if one did.
    var goAway: StreamResetCode? {
        self.last { $0.kind == 7 }.map { StreamResetCode(rawValue: $0.number(at: 4)) }
    }

    /// The code of the RST_STREAM of this stream, if one came.
    func reset(of stream: UInt32) -> StreamResetCode? {
        self.last { $0.kind == 3 && $0.stream == stream }.map { StreamResetCode(rawValue: $0.number()) }
    }

    /// All DATA of this stream.
    func body(of stream: UInt32) -> String {
        String(decoding: self.filter { $0.kind == 0 && $0.stream == stream }.flatMap(\.payload), as: UTF8.self)
    }
}

final class HTTP2ServerRig {
    let delegate = RecordingServer()
    let connection: HTTP2ServerConnection
    let peer: HTTP2Peer

    init(
        limits: HTTPLimits = HTTPLimits(), settings: HTTP2Settings = HTTP2Settings(),
        peerSettings: [(UInt16, UInt32)] = [], prepare: @escaping (RecordingReceiver) -> Void = echo
    ) throws {
        self.delegate.prepare = prepare
        self.connection = HTTP2ServerConnection(delegate: self.delegate, limits: limits, settings: settings)
        self.peer = try HTTP2Peer(self.connection)
        self.peer.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + WireFrame.settings(peerSettings).bytes)
        _ = self.peer.frames()
    }

    static let get: HeaderBlock = [":method": "GET", ":scheme": "http", ":authority": "billing", ":path": "/pay"]
    static let post: HeaderBlock = [":method": "POST", ":scheme": "http", ":authority": "billing", ":path": "/pay"]
}

final class HTTP2ClientRig {
    let delegate = RecordingClient()
    let connection: HTTP2ClientConnection
    let peer: HTTP2Peer

    init(settings: HTTP2Settings = HTTP2Settings(), peerSettings: [(UInt16, UInt32)] = []) throws {
        self.connection = HTTP2ClientConnection(delegate: self.delegate, settings: settings)
        self.peer = try HTTP2Peer(self.connection)
        self.peer.send(.settings(peerSettings))
        _ = self.peer.frames()
    }

    func open(_ method: HTTPMethod = .get, end: Bool = true) -> RecordingReceiver? {
        let receiver = RecordingReceiver()
        let head = RequestHead(method: method, authority: "billing", path: "/pay")
        receiver.stream = self.connection.open(head, end: end, receiver: receiver)
        return receiver.stream == nil ? nil : receiver
    }
}
