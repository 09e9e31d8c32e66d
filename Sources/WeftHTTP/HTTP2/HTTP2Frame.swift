internal import NIOCore

/// A frame's nine-byte head (RFC 9113 §4.1).
struct HTTP2FrameHead {
    static let count = 9

    enum Kind {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let priority: UInt8 = 2
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let pushPromise: UInt8 = 5
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9
    }

    enum Flag {
        static let endStream: UInt8 = 0x1
        static let ack: UInt8 = 0x1
        static let endHeaders: UInt8 = 0x4
        static let padded: UInt8 = 0x8
        static let priority: UInt8 = 0x20
    }

    var length: Int
    var kind: UInt8
    var flags: UInt8
    var stream: UInt32

    func has(_ flag: UInt8) -> Bool { self.flags & flag != 0 }

    /// Reads a head without moving on; nil when nine bytes are not there.
    init?(_ input: ByteBuffer) {
        guard input.readableBytes >= Self.count else { return nil }
        (self.length, self.kind, self.flags, self.stream) = input.withUnsafeReadableBytes { bytes in
            let first = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
            let stream = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 5, as: UInt32.self))
            return (Int(first >> 8), UInt8(truncatingIfNeeded: first), bytes[4], stream & 0x7fff_ffff)
        }
    }
}

extension ByteBuffer {
    /// Appends a frame's head.
    @inline(__always)
    mutating func writeFrameHead(_ kind: UInt8, flags: UInt8, stream: UInt32, length: Int) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: HTTP2FrameHead.count) { target in
            target.storeBytes(
                of: (UInt32(truncatingIfNeeded: length) << 8 | UInt32(kind)).bigEndian, toByteOffset: 0,
                as: UInt32.self)
            target[4] = flags
            target.storeBytes(of: stream.bigEndian, toByteOffset: 5, as: UInt32.self)
            return HTTP2FrameHead.count
        }
    }

    mutating func writeReset(_ stream: UInt32, _ code: StreamResetCode) {
        self.writeFrameHead(HTTP2FrameHead.Kind.reset, flags: 0, stream: stream, length: 4)
        self.writeInteger(code.rawValue)
    }

    mutating func writeWindowUpdate(_ stream: UInt32, _ increment: Int) {
        self.writeFrameHead(HTTP2FrameHead.Kind.windowUpdate, flags: 0, stream: stream, length: 4)
        self.writeInteger(UInt32(truncatingIfNeeded: increment))
    }

    mutating func writeGoAway(lastStream: UInt32, _ code: StreamResetCode) {
        self.writeFrameHead(HTTP2FrameHead.Kind.goAway, flags: 0, stream: 0, length: 8)
        self.writeInteger(lastStream)
        self.writeInteger(code.rawValue)
    }

    mutating func writePing(_ payload: UInt64, ack: Bool) {
        self.writeFrameHead(
            HTTP2FrameHead.Kind.ping, flags: ack ? HTTP2FrameHead.Flag.ack : 0, stream: 0, length: 8)
        self.writeInteger(payload)
    }

    mutating func writeSettings(_ values: [(id: UInt16, value: UInt32)]) {
        self.writeFrameHead(HTTP2FrameHead.Kind.settings, flags: 0, stream: 0, length: values.count * 6)
        for (id, value) in values {
            self.writeInteger(id)
            self.writeInteger(value)
        }
    }
}

/// What ends a connection: the code for GOAWAY, and the cause for the log.
struct HTTP2ConnectionError: Error {
    var code: StreamResetCode
    var cause: String

    init(_ code: StreamResetCode, _ cause: String) {
        self.code = code
        self.cause = cause
    }
}
