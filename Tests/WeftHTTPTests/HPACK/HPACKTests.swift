import NIOCore
import Testing
import WeftMessage

@testable import WeftHTTP

@Suite struct HPACKTests {
    /// A block of RFC 7541 Appendix C and what it says.
    struct Vector: Sendable {
        let hex: String
        let fields: [[String]]
    }

    /// Decodes in order with one decoder.
    private func decodeAll(_ vectors: [Vector], tableSize: Int) throws {
        let decoder = HPACKDecoder(maxTableSize: tableSize)
        for vector in vectors {
            var headers = HeaderBlock()
            let outcome = try bytes(vector.hex).withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 65_536, maxFields: 100)
            }
            #expect(outcome == .complete)
            #expect((0..<headers.count).map { [headers.name(at: $0), headers.value(at: $0)] } == vector.fields)
        }
    }

    @Test func `requests of C3 decode with a growing table`() throws {
        try self.decodeAll(Self.requests(huffman: false), tableSize: 4096)
    }

    @Test func `requests of C4 decode with Huffman codes`() throws {
        try self.decodeAll(Self.requests(huffman: true), tableSize: 4096)
    }

    @Test func `responses of C5 decode while a small table evicts`() throws {
        try self.decodeAll(Self.responses(huffman: false), tableSize: 256)
    }

    @Test func `responses of C6 decode with Huffman codes while a small table evicts`() throws {
        try self.decodeAll(Self.responses(huffman: true), tableSize: 256)
    }

    @Test func `what the encoder writes the decoder reads, block after block`() throws {
        let encoder = HPACKEncoder()
        let decoder = HPACKDecoder()
        var random = SystemRandomNumberGenerator()
        for round in 0..<300 {
            var block: HeaderBlock = [":method": "GET", ":path": "/r/\(round % 7)", ":authority": "billing.default"]
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                block.append("x-\(Int.random(in: 0..<60, using: &random))", "v\(Int.random(in: 0..<9, using: &random))")
            }
            block.append(.authorization, "Bearer secret")
            var wire = ByteBuffer()
            encoder.encode(block, into: &wire)
            var read = HeaderBlock()
            let outcome = try wire.withUnsafeReadableBytes {
                try decoder.decode($0, into: &read, maxListSize: 65_536, maxFields: 100)
            }
            #expect(outcome == .complete)
            #expect(read == block)
        }
    }

    @Test func `a repeated block shrinks to an index for each field`() {
        let encoder = HPACKEncoder()
        let block: HeaderBlock = [
            ":method": "GET", ":scheme": "http", ":authority": "billing", ":path": "/pay", "x-a": "b",
        ]
        var first = ByteBuffer()
        encoder.encode(block, into: &first)
        // The second sight puts a field into the table, the third finds it there.
        var second = ByteBuffer()
        encoder.encode(block, into: &second)
        second.clear()
        encoder.encode(block, into: &second)
        #expect(second.readableBytes == block.count)
        #expect(first.readableBytes > second.readableBytes)
    }

    @Test(arguments: [
        "", "a", "www.example.com", "~^|\\", "ünïcödé", String(repeating: "Zz{}", count: 99),
    ])
    func `Huffman coding gives back what went in`(text: String) throws {
        let encoder = HPACKEncoder(usesHuffman: true)
        let decoder = HPACKDecoder()
        var wire = ByteBuffer()
        encoder.encode(["x-text": text], into: &wire)
        var read = HeaderBlock()
        _ = try wire.withUnsafeReadableBytes {
            try decoder.decode($0, into: &read, maxListSize: 65_536, maxFields: 100)
        }
        #expect(read["x-text"] == text)
    }

    @Test func `secrets never enter the table`() {
        let encoder = HPACKEncoder()
        var wire = ByteBuffer()
        encoder.encode(["authorization": "Bearer x"], into: &wire)
        #expect(wire.getInteger(at: 0, as: UInt8.self) == 0x1f)
    }

    @Test func `a table size change is announced before the next field`() throws {
        let encoder = HPACKEncoder()
        encoder.peerSetTableSize(0)
        var wire = ByteBuffer()
        encoder.encode([":method": "GET"], into: &wire)
        #expect(Array(wire.readableBytesView) == [0x20, 0x82])
        encoder.peerSetTableSize(100)
        encoder.peerSetTableSize(30)
        encoder.peerSetTableSize(60)
        wire.clear()
        encoder.encode([":method": "GET"], into: &wire)
        // The smallest in between comes first: what it evicted is gone.
        #expect(Array(wire.readableBytesView) == [0x3e, 0x3f, 29, 0x82])
    }

    @Test(arguments: [
        "80", "be", "ff808080808001", "40", "4001", "0085", "3fe21f", "8220", "00030102", "0001618461ffffff",
    ])
    func `a broken block is a compression error`(hex: String) {
        let decoder = HPACKDecoder()
        var headers = HeaderBlock()
        #expect(throws: HPACKError.self) {
            try bytes(hex).withUnsafeBytes { (block: UnsafeRawBufferPointer) throws in
                try decoder.decode(block, into: &headers, maxListSize: 1000, maxFields: 100)
            }
        }
    }

    @Test func `a block that unfolds beyond the limit stops growing and keeps the table in step`() throws {
        let encoder = HPACKEncoder()
        let decoder = HPACKDecoder()
        var wire = ByteBuffer()
        var block = HeaderBlock()
        for _ in 0..<1000 { block.append("x-bomb", String(repeating: "a", count: 400)) }
        block.append("x-last", "1")
        encoder.encode(block, into: &wire)
        var headers = HeaderBlock()
        let outcome = try wire.withUnsafeReadableBytes {
            try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
        }
        #expect(outcome == .tooLarge)
        #expect(headers.listSize <= 4096)
        wire.clear()
        encoder.encode(["x-last": "1"], into: &wire)
        headers = HeaderBlock()
        let next = try wire.withUnsafeReadableBytes {
            try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
        }
        #expect(next == .complete)
        #expect(headers["x-last"] == "1")
    }

    @Test(arguments: [
        ["X-Upper", "1"], ["", "1"], [":unknown", "1"], ["a b", "1"], ["a", " 1"], ["a", "1\r\nb: 2"], ["a", "\0"],
    ])
    func `a name or value that HTTP forbids makes the message malformed, each time it is referred to`(
        field: [String]
    ) throws {
        let decoder = HPACKDecoder()
        let name = Array(field[0].utf8), value = Array(field[1].utf8)
        let wire = [0x40, UInt8(name.count)] + name + [UInt8(value.count)] + value
        for block in [wire, [0xbe]] {
            var headers = HeaderBlock()
            let outcome = try block.withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
            }
            guard case .malformed = outcome else {
                Issue.record("\(field) gave \(outcome)")
                return
            }
        }
    }

    private static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0x40, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    @Test(arguments: FieldName.allCases)
    func `an entry with a bad value lends its name as what it is`(name: FieldName) throws {
        guard name != .other else { return }
        let decoder = HPACKDecoder()
        var headers = HeaderBlock()
        let entry = Self.literal("\(name.text)", "x\u{1}")
        let first = try entry.withUnsafeBytes {
            try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
        }
        #expect(first == .malformed)
        #expect(headers.isEmpty)
        for pattern in [[0x0f, 0x2f], [0x1f, 0x2f], [0x7e]] as [[UInt8]] {
            headers = HeaderBlock()
            let outcome = try (pattern + [1, 0x35]).withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
            }
            #expect(outcome == .complete)
            #expect(headers.fields.map(\.name) == [name])
            #expect(headers[name] == "5")
        }
    }

    @Test(arguments: ["Content-Length", "CONTENT-LENGTH", "content-length ", "X-A", "", ":unknown", "a b"])
    func `a malformed name stays malformed for all that refer to it`(name: String) throws {
        let decoder = HPACKDecoder()
        for block in [Self.literal(name, "1"), [0x0f, 0x2f, 1, 0x35], [0x7e, 1, 0x35], [0x7e, 1, 0x35]] {
            var headers = HeaderBlock()
            let outcome = try block.withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
            }
            #expect(outcome == .malformed)
            #expect(headers.isEmpty)
        }
    }

    @Test func `another spelling of a protected name is left out, each time it is referred to`() throws {
        let decoder = HPACKDecoder()
        for block in [Self.literal("x-weft_peer", "1"), [0xbe], [0x0f, 0x2f, 1, 0x35], [0x7e, 1, 0x35]] {
            var headers = HeaderBlock()
            let outcome = try (block + Self.literal("x_a", "1")).withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
            }
            #expect(outcome == .complete)
            #expect(headers == ["x_a": "1"])
            // The field under test is to be the newest entry again.
            _ = try Self.literal("x-weft_peer", "1").withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 4096, maxFields: 100)
            }
        }
    }

    @Test func `random bytes never do more than fail`() throws {
        var random = Seeded(state: 7)
        for _ in 0..<20_000 {
            let decoder = HPACKDecoder()
            var headers = HeaderBlock()
            let block = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try? block.withUnsafeBytes {
                try decoder.decode($0, into: &headers, maxListSize: 1000, maxFields: 20)
            }
            #expect(headers.listSize <= 1000)
        }
    }

    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return self.state ^ self.state >> 29
        }
    }
}

private func bytes(_ hex: String) -> [UInt8] {
    var digits = Substring(hex.filter { $0 != " " })
    var bytes: [UInt8] = []
    while digits.count >= 2 {
        bytes.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
        digits = digits.dropFirst(2)
    }
    return bytes
}

extension HPACKTests {
    private static func requests(huffman: Bool) -> [Vector] {
        let hex =
            huffman
            ? [
                "828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            ]
            : [
                "828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
                "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
            ]
        let common = [[":method", "GET"], [":scheme", "http"], [":path", "/"], [":authority", "www.example.com"]]
        return [
            Vector(hex: hex[0], fields: common),
            Vector(hex: hex[1], fields: common + [["cache-control", "no-cache"]]),
            Vector(
                hex: hex[2],
                fields: [
                    [":method", "GET"], [":scheme", "https"], [":path", "/index.html"],
                    [":authority", "www.example.com"], ["custom-key", "custom-value"],
                ]),
        ]
    }

    private static func responses(huffman: Bool) -> [Vector] {
        let hex =
            huffman
            ? [
                "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
                "4883640effc1c0bf",
                "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
            ]
            : [
                "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
                "4803333037c1c0bf",
                "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
            ]
        let rest = [
            ["cache-control", "private"], ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
            ["location", "https://www.example.com"],
        ]
        return [
            Vector(hex: hex[0], fields: [[":status", "302"]] + rest),
            Vector(hex: hex[1], fields: [[":status", "307"]] + rest),
            Vector(
                hex: hex[2],
                fields: [
                    [":status", "200"], ["cache-control", "private"], ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
                    ["location", "https://www.example.com"], ["content-encoding", "gzip"],
                    ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
                ]),
        ]
    }
}
