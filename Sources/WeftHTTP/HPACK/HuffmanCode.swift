/// The Huffman code of header strings (RFC 7541 Appendix B).
///
/// The code is canonical: symbols of one length have consecutive codes in the order of their values, so that the lengths
/// alone define it.
final class HuffmanCode: @unchecked Sendable {
    // Unchecked because of the pointers; nothing is written after the initializer.
    static let shared = HuffmanCode()

    /// Bits of each symbol's code; symbol 256 ends a string and may not occur.
    private static let lengths: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
        28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23,
        22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
        23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26,
        28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
        27, 27, 27, 26,
        30,
    ]

    /// Code and length by symbol.
    private let codes: UnsafePointer<(code: UInt32, length: UInt8)>
    /// Symbol and length by the next eight bits, for codes that short; length 0 for longer ones.
    private let short: UnsafePointer<(symbol: UInt8, length: UInt8)>
    /// For each length: the first code above it, aligned to the top of 32 bits.
    private let limits: UnsafePointer<UInt64>
    /// For each length: what to add to a code of that length to find its place in `symbols`.
    private let offsets: UnsafePointer<Int>
    /// Symbols in the order of their codes.
    private let symbols: UnsafePointer<UInt16>

    private init() {
        let order = (0...256).sorted { (Self.lengths[$0], $0) < (Self.lengths[$1], $1) }
        let codes = UnsafeMutablePointer<(code: UInt32, length: UInt8)>.allocate(capacity: 257)
        codes.initialize(repeating: (0, 0), count: 257)
        let short = UnsafeMutablePointer<(symbol: UInt8, length: UInt8)>.allocate(capacity: 256)
        short.initialize(repeating: (0, 0), count: 256)
        let limits = UnsafeMutablePointer<UInt64>.allocate(capacity: 32)
        limits.initialize(repeating: 0, count: 32)
        let offsets = UnsafeMutablePointer<Int>.allocate(capacity: 32)
        offsets.initialize(repeating: 0, count: 32)
        let symbols = UnsafeMutablePointer<UInt16>.allocate(capacity: 257)
        symbols.initialize(repeating: 0, count: 257)
        var code: UInt32 = 0
        var previous: UInt8 = 0
        for (place, symbol) in order.enumerated() {
            let length = Self.lengths[symbol]
            code <<= UInt32(length - previous)
            if length != previous { offsets[Int(length)] = place - Int(code) }
            previous = length
            codes[symbol] = (code, length)
            symbols[place] = UInt16(symbol)
            if length <= 8 {
                let first = Int(code) << (8 - Int(length))
                for index in first..<first + 1 << (8 - Int(length)) { short[index] = (UInt8(symbol), length) }
            }
            code += 1
            limits[Int(length)] = UInt64(code) << UInt64(32 - length)
        }
        self.codes = UnsafePointer(codes)
        self.short = UnsafePointer(short)
        self.limits = UnsafePointer(limits)
        self.offsets = UnsafePointer(offsets)
        self.symbols = UnsafePointer(symbols)
    }

    /// Most bytes that `count` encoded bytes can stand for.
    static func decodedBound(_ count: Int) -> Int { count * 8 / 5 + 1 }

    /// Decodes into `target`, which has room for `decodedBound`; the number of bytes, or nil for a malformed string.
    func decode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>) -> Int? {
        var window: UInt64 = 0
        var bits = 0
        var position = 0
        var count = 0
        while true {
            while bits <= 56, position < bytes.count {
                window |= UInt64(bytes[position]) << UInt64(56 - bits)
                bits += 8
                position += 1
            }
            if bits == 0 { return count }
            let next = self.short[Int(window >> 56)]
            if next.length != 0, Int(next.length) <= bits {
                target[count] = next.symbol
                count += 1
                window <<= UInt64(next.length)
                bits -= Int(next.length)
                continue
            }
            // What is left may be padding: fewer than eight bits, all ones.
            if bits < 8, position == bytes.count, window >> UInt64(64 - bits) == (1 << UInt64(bits)) - 1 {
                return count
            }
            guard let (symbol, length) = self.long(UInt32(truncatingIfNeeded: window >> 32)), length <= bits,
                symbol < 256
            else { return nil }
            target[count] = UInt8(truncatingIfNeeded: symbol)
            count += 1
            window <<= UInt64(length)
            bits -= length
        }
    }

    private func long(_ bits: UInt32) -> (symbol: UInt16, length: Int)? {
        var length = 9
        while length <= 30 {
            if UInt64(bits) < self.limits[length] {
                let place = Int(bits >> UInt32(32 - length)) + self.offsets[length]
                guard place >= 0, place < 257 else { return nil }
                return (self.symbols[place], length)
            }
            length += 1
        }
        return nil
    }

    /// Bytes that encoding takes.
    func encodedCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var bits = 0
        for byte in bytes { bits += Int(self.codes[Int(byte)].length) }
        return (bits + 7) / 8
    }

    /// Encodes into `target`, which has room for `encodedCount`.
    func encode(_ bytes: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>) {
        var window: UInt64 = 0
        var bits: UInt64 = 0
        var count = 0
        for byte in bytes {
            let (code, length) = self.codes[Int(byte)]
            window = window << UInt64(length) | UInt64(code)
            bits += UInt64(length)
            while bits >= 8 {
                bits -= 8
                target[count] = UInt8(truncatingIfNeeded: window >> bits)
                count += 1
            }
        }
        if bits > 0 {
            target[count] = UInt8(truncatingIfNeeded: window << (8 - bits)) | UInt8(truncatingIfNeeded: 0xff >> bits)
        }
    }
}
