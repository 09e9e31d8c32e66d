internal import NIOCore
internal import WeftMessage

/// Takes one HTTP/1 message's body out of the byte stream (RFC 9112 §6–§7).
struct HTTP1BodyDecoder {
    enum Event {
        case needsMore
        case data(ByteBuffer)
        case end
        case trailers(HeaderBlock)
    }

    private enum State {
        case length(Int)
        case untilClose
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailers
        case done
    }

    private let limits: HTTPLimits
    private var state: State
    private var extensionBytes = 0
    private var scanned = 0
    /// Chunk-size lines so far.
    private var lines = 0

    init(_ framing: BodyFraming, limits: HTTPLimits) {
        self.limits = limits
        switch framing {
        case .none: self.state = .done
        case .length(let length): self.state = .length(length)
        case .chunked: self.state = .chunkSize
        case .untilClose: self.state = .untilClose
        }
    }

    /// Whether the whole body has been taken.
    var isDone: Bool {
        if case .done = self.state { true } else { false }
    }

    /// Whether the end of the connection is the end of the body.
    var endsWithConnection: Bool {
        if case .untilClose = self.state { true } else { false }
    }

    /// What the peer has to send when nothing more can be taken and this is left.
    func owed(_ rest: ByteBuffer) -> HTTP1BodyPace.Owed {
        switch self.state {
        case .done, .untilClose: .nothing
        case .length, .chunk: .bytes
        case .chunkSize: rest.readableBytes > 0 ? .line(self.lines) : .chunk
        case .chunkEnd, .trailers: .line(self.lines)
        }
    }

    /// Takes the next piece; after data, `isDone` tells a body of known length that has been taken whole.
    mutating func next(_ input: inout ByteBuffer) throws(MessageRefusal) -> Event {
        while true {
            switch self.state {
            case .done: return .end
            case .untilClose:
                guard input.readableBytes > 0, let data = input.readSlice(length: input.readableBytes) else {
                    return .needsMore
                }
                return .data(data)
            case .length(let remaining):
                let count = min(remaining, input.readableBytes)
                guard count > 0, let data = input.readSlice(length: count) else { return .needsMore }
                self.state = remaining == count ? .done : .length(remaining - count)
                return .data(data)
            case .chunkSize:
                guard let size = try self.chunkSize(&input) else { return .needsMore }
                self.state = size == 0 ? .trailers : .chunk(size)
            case .chunk(let remaining):
                let count = min(remaining, input.readableBytes)
                guard count > 0, let data = input.readSlice(length: count) else { return .needsMore }
                self.state = remaining == count ? .chunkEnd : .chunk(remaining - count)
                return .data(data)
            case .chunkEnd:
                guard input.readableBytes >= 2 else {
                    if input.readableBytes == 1, input.getInteger(at: input.readerIndex) != UInt8(ascii: "\r") {
                        throw .malformed("a chunk does not end with CR LF")
                    }
                    return .needsMore
                }
                guard input.readInteger(as: UInt16.self) == 0x0d0a else {
                    throw .malformed("a chunk does not end with CR LF")
                }
                self.state = .chunkSize
            case .trailers:
                return try self.trailers(&input)
            }
        }
    }

    // MARK: Chunks

    private mutating func chunkSize(_ input: inout ByteBuffer) throws(MessageRefusal) -> Int? {
        let line = try Self.withBytes(input) {
            bytes throws(MessageRefusal) -> (size: Int, count: Int, extensions: Int)? in
            var size = 0
            var position = 0
            digits: while position < bytes.count {
                let digit: UInt8
                switch bytes[position] {
                case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"): digit = byte - 0x30
                case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"): digit = byte - 0x57
                case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"): digit = byte - 0x37
                default: break digits
                }
                guard position < 16, size <= Int.max >> 4 else { throw .malformed("a chunk size is too large") }
                size = size << 4 | Int(digit)
                position += 1
            }
            guard position < bytes.count else { return nil }
            guard position > 0 else { throw .malformed("a chunk size is not a number") }
            guard bytes[position] == UInt8(ascii: "\r") || bytes[position] == UInt8(ascii: ";") else {
                throw .malformed("a chunk size is not a number")
            }
            guard let lineFeed = FieldSyntax.find(UInt8(ascii: "\n"), in: bytes, from: position) else {
                guard bytes.count <= self.limits.maxChunkLineBytes else {
                    throw .malformed("a chunk extension is too long")
                }
                return nil
            }
            guard lineFeed <= self.limits.maxChunkLineBytes else { throw .malformed("a chunk extension is too long") }
            guard lineFeed > position, bytes[lineFeed - 1] == UInt8(ascii: "\r"),
                FieldSyntax.isValue(UnsafeRawBufferPointer(rebasing: bytes[position..<(lineFeed - 1)]))
            else { throw .malformed("a chunk-size line is malformed") }
            return (size, lineFeed + 1, lineFeed - 1 - position)
        }
        guard let line else { return nil }
        self.extensionBytes += line.extensions
        guard self.extensionBytes <= self.limits.maxChunkExtensionBytes else {
            throw .malformed("chunk extensions are too long")
        }
        input.moveReaderIndex(forwardBy: line.count)
        self.lines &+= 1
        return line.size
    }

    private mutating func trailers(_ input: inout ByteBuffer) throws(MessageRefusal) -> Event {
        guard input.readableBytes >= 2 else { return .needsMore }
        if input.getInteger(at: input.readerIndex, as: UInt16.self) == 0x0d0a {
            input.moveReaderIndex(forwardBy: 2)
            self.state = .done
            return .end
        }
        let limits = self.limits
        var scanned = self.scanned
        let section = try Self.withBytes(input) { bytes throws(MessageRefusal) -> (HeaderBlock, Int)? in
            let length: Int?
            do throws(MessageRefusal) {
                length = try HTTP1HeadParser(limits: limits).headLength(bytes, scanned: &scanned)
            } catch {
                // There is no start line here that could be too long.
                throw error.isTooLarge ? MessageRefusal(status: 431, cause: "the trailers are too large") : error
            }
            guard let length else { return nil }
            var block = HeaderBlock()
            var fields = HTTP1FieldParser(limits: limits)
            try fields.parse(UnsafeRawBufferPointer(rebasing: bytes[..<length]), from: 0, into: &block)
            return (block, length)
        }
        self.scanned = scanned
        guard let (fields, length) = section else { return .needsMore }
        var block = fields
        input.moveReaderIndex(forwardBy: length)
        self.state = .done
        for index in stride(from: block.count - 1, through: 0, by: -1)
        where block.fields[index].name.isForbiddenInTrailers { block.remove(at: index) }
        return block.isEmpty ? .end : .trailers(block)
    }

    private static func withBytes<Result>(
        _ input: ByteBuffer, _ body: (UnsafeRawBufferPointer) throws(MessageRefusal) -> Result
    ) throws(MessageRefusal) -> Result {
        // The buffer's own accessor rethrows without the error's type.
        let outcome = input.withUnsafeReadableBytes { bytes in
            Swift.Result { () throws(MessageRefusal) -> Result in try body(bytes) }
        }
        return try outcome.get()
    }
}

extension FieldName {
    /// Fields that frame, route or authenticate a message and are dropped from trailers (RFC 9110 §6.5.1).
    var isForbiddenInTrailers: Bool {
        switch self {
        case .contentLength, .transferEncoding, .host, .authorization, .contentEncoding, .contentType, .trailer,
            .cookie, .setCookie, .te, .expect, .maxForwards, .range, .cacheControl, .xForwardedClientCert,
            .xForwardedFor, .xForwardedHost, .xForwardedProto, .weftAttempt, .weftCase, .weftDeadline, .weftPeer,
            .weftReason, .weftUpgradeRefused:
            true
        default: self.isPseudo
        }
    }
}
