import NIOCore
import NIOEmbedded
import Testing
import WeftMessage

@testable import WeftHTTP

/// Both server codecs under inputs that nobody thought of, the same ones in every run: a stream of valid requests means the
/// same however it is cut, and whatever is done to its bytes, each request that was begun ends once.
@Suite struct CodecFuzzTests {
    private static let seeds = Array(UInt64(1)...12)

    // MARK: HTTP/1

    private static func http1Requests(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            let body = String(repeating: "b", count: Int.random(in: 0...300, using: &random))
            let fields = ["X-A: 1", "Accept:  */*\t", "Cookie: a=b", "TE: trailers", "Via: 1.0 x"].shuffled(
                using: &random
            )
            .prefix(Int.random(in: 0...5, using: &random)).map { $0 + "\r\n" }.joined()
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes += "GET /a/b?c=%20 HTTP/1.1\r\nHost: x\r\n\(fields)\r\n".utf8
            case 1: bytes += "HEAD http://y:80/ HTTP/1.1\r\n\(fields)Host: x\r\n\r\n".utf8
            case 2:
                bytes += "PUT /p HTTP/1.1\r\nHost: x\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8
            default:
                bytes += "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\(fields)\r\n".utf8
                var rest = Substring(body)
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...100, using: &random))
                    bytes +=
                        "\(String(piece.utf8.count, radix: 16, uppercase: Bool.random(using: &random)));e=\"v\"\r\n"
                        .utf8
                    bytes += "\(piece)\r\n".utf8
                    rest = rest.dropFirst(piece.count)
                }
                bytes += "0\r\n\(Bool.random(using: &random) ? "X-Sum: 1\r\n" : "")\r\n".utf8
            }
        }
        return bytes
    }

    private static func pieces(of bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(
                bytes.count,
                start + Int.random(in: 1...([1, 7, 80].randomElement(using: &random) ?? 1), using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    private static func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: [13, 10, 0, 32, 58, 255].shuffled(using: &random).prefix(2), at: place)
            default:
                let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
                bytes.insert(contentsOf: bytes[place..<end], at: place)
            }
        }
    }

    private struct Outcome: Equatable {
        var requests: [[String]]
        var bodies: [String]
        var heads: [HeaderBlock?]
        var answer: String
    }

    private static func http1(_ pieces: [[UInt8]]) throws -> (outcome: Outcome, rig: HTTP1ServerRig) {
        let rig = try HTTP1ServerRig()
        var answer = ""
        for piece in pieces {
            rig.send(piece)
            answer += rig.answer()
        }
        let receivers = rig.delegate.receivers
        return (
            Outcome(
                requests: receivers.map(\.events), bodies: receivers.map(\.body),
                heads: receivers.map(\.request?.headers),
                answer: answer), rig
        )
    }

    @Test(arguments: Self.seeds) func `requests of HTTP 1 mean the same however they are cut`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<60 {
            let bytes = Self.http1Requests(&random)
            let whole = try Self.http1([bytes]).outcome
            #expect(whole.requests.allSatisfy { $0.last == "closed" } && !whole.requests.isEmpty)
            let cut = try Self.http1(Self.pieces(of: bytes, &random)).outcome
            try #require(cut == whole, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test(arguments: Self.seeds) func `whatever comes as HTTP 1, each request ends once`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed &* 77)
        for _ in 0..<150 {
            var bytes = Self.http1Requests(&random)
            Self.damage(&bytes, &random)
            let whole = try Self.http1([bytes])
            let cut = try Self.http1(Self.pieces(of: bytes, &random))
            // What was made of it does not depend on how it was cut either; only an end in the middle may differ.
            #expect(cut.outcome.heads == whole.outcome.heads, "\(String(decoding: bytes, as: UTF8.self))")
            for rig in [whole.rig, cut.rig] {
                _ = try? rig.channel.finish()
                rig.channel.embeddedEventLoop.run()
                #expect(rig.delegate.refusals.count <= 1)
                for receiver in rig.delegate.receivers {
                    let ends = receiver.events.count { $0 == "closed" || $0 == "failed" }
                    try #require(ends == 1, "\(receiver.events) \(String(decoding: bytes, as: UTF8.self))")
                }
            }
        }
    }

    // MARK: HTTP/2

    private static func http2Frames(_ peer: HTTP2Peer, _ random: inout SeededGenerator) -> [WireFrame] {
        var frames: [WireFrame] = []
        var stream: UInt32 = 1
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let hasBody = Bool.random(using: &random)
            let head = peer.headers(stream, hasBody ? HTTP2ServerRig.post : HTTP2ServerRig.get, end: !hasBody)
            if Bool.random(using: &random), head.payload.count > 2 {
                // The same in two frames.
                let half = head.payload.count / 2
                frames.append(
                    WireFrame(kind: 1, flags: head.flags & 1, stream: stream, payload: Array(head.payload[..<half])))
                frames.append(WireFrame(kind: 9, flags: 4, stream: stream, payload: Array(head.payload[half...])))
            } else {
                frames.append(head)
            }
            if hasBody {
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    frames.append(.data(stream, String(repeating: "d", count: Int.random(in: 1...200, using: &random))))
                }
                frames.append(.data(stream, "", end: true))
            }
            if Bool.random(using: &random) { frames.append(.ping) }
            if Int.random(in: 0..<4, using: &random) == 0 { frames.append(.windowUpdate(0, 1000)) }
            if Int.random(in: 0..<6, using: &random) == 0 { frames.append(.settings([(4, 70_000)])) }
            stream += 2
        }
        return frames
    }

    @Test(arguments: Self.seeds) func `frames mean the same however they are cut`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<60 {
            let whole = try HTTP2ServerRig()
            let bytes = Self.http2Frames(whole.peer, &random).flatMap(\.bytes)
            whole.peer.send(bytes)
            let cut = try HTTP2ServerRig()
            for piece in Self.pieces(of: bytes, &random) { cut.peer.send(piece) }
            #expect(whole.delegate.receivers.allSatisfy(\.isClosed) && !whole.delegate.receivers.isEmpty)
            try #require(cut.delegate.receivers.map(\.events) == whole.delegate.receivers.map(\.events))
            #expect(cut.delegate.receivers.map(\.body) == whole.delegate.receivers.map(\.body))
            #expect(whole.peer.frames().goAway == nil && cut.peer.frames().goAway == nil)
        }
    }

    @Test func `a large frame is handed on as it comes, and means the same`() throws {
        let rig = try HTTP2ServerRig { _ in }
        let body = String(repeating: "0123456789", count: 6_000)
        rig.peer.send(rig.peer.headers(1, HTTP2ServerRig.post, end: false))
        let bytes = WireFrame.data(1, body, end: true).bytes + WireFrame.ping.bytes
        rig.peer.send(Array(bytes[..<20_000]))
        let receiver = try #require(rig.delegate.receivers.first)
        #expect(receiver.body == body.prefix(20_000 - 9) && !receiver.ended)
        // Too little to be worth a call.
        rig.peer.send(Array(bytes[20_000..<20_100]))
        #expect(receiver.body.utf8.count == 20_000 - 9)
        rig.peer.send(Array(bytes[20_100...]))
        #expect(receiver.body == body && receiver.ended)
        #expect(rig.peer.frames().contains { $0.kind == 6 && $0.flags == 1 })
    }

    @Test(arguments: Self.seeds) func `whatever comes as HTTP 2, each stream ends once`(seed: UInt64) throws {
        var random = SeededGenerator(state: seed &* 99)
        for _ in 0..<150 {
            let rig = try HTTP2ServerRig()
            var bytes = Self.http2Frames(rig.peer, &random).flatMap(\.bytes)
            Self.damage(&bytes, &random)
            for piece in Self.pieces(of: bytes, &random) { rig.peer.send(piece) }
            let frames = rig.peer.frames()
            // It is told why, once, before the connection ends.
            if rig.connection.isClosing { #expect(frames.count { $0.kind == 7 } >= 1) }
            _ = try? rig.peer.channel.finish()
            rig.peer.channel.embeddedEventLoop.run()
            for receiver in rig.delegate.receivers {
                let ends = receiver.events.count { $0 == "closed" || $0 == "failed" }
                try #require(ends == 1, "\(receiver.events)")
            }
        }
    }
}
