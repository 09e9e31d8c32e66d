/// A range of IP addresses, `10.0.0.0/8` or `fd00::/8`; a bare address is itself alone.
package struct NetworkPrefix: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes, those beyond `bits` zero.
    package let bytes: [UInt8]
    package let bits: Int

    /// Nil unless `bytes` are 4 or 16 and `bits` fit them. Bits beyond the prefix are cleared.
    package init?(bytes: [UInt8], bits: Int) {
        guard bytes.count == 4 || bytes.count == 16, (0...bytes.count * 8).contains(bits) else { return nil }
        self.bytes = bytes.enumerated().map { index, byte in
            let kept = min(8, max(0, bits - index * 8))
            return kept == 8 ? byte : byte & ~(UInt8.max >> UInt8(kept))
        }
        self.bits = bits
    }

    /// Reads `ADDRESS/BITS` or `ADDRESS`; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = Self.address(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(bytes: bytes, bits: bytes.count * 8)
            return
        }
        guard parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let bits = Int(parts[1])
        else { return nil }
        self.init(bytes: bytes, bits: bits)
    }

    /// The same, and nil too where the address has bits beyond the prefix: `10.0.0.1/8` may be meant for one or many.
    package init?(exactly text: String) {
        self.init(text)
        guard Self.address(String(text.prefix { $0 != "/" })) == self.bytes else { return nil }
    }

    /// Whether an address of 4 or 16 bytes lies in it. An IPv4 address in IPv6's clothes counts as IPv4.
    package func contains(_ address: [UInt8]) -> Bool {
        var address = address[...]
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        if address.count == 16, self.bytes.count == 4, address.starts(with: mapped) { address = address.dropFirst(12) }
        guard address.count == self.bytes.count else { return false }
        let whole = self.bits / 8
        guard address.prefix(whole).elementsEqual(self.bytes.prefix(whole)) else { return false }
        guard self.bits % 8 != 0 else { return true }
        let mask = ~(UInt8.max >> UInt8(self.bits % 8))
        return address[address.startIndex + whole] & mask == self.bytes[whole]
    }

    package var description: String { "\(Self.text(self.bytes))/\(self.bits)" }

    /// The bytes of an IPv4 or IPv6 address; nil for anything else, zones included.
    package static func address(_ text: String) -> [UInt8]? {
        text.utf8.contains(UInt8(ascii: ":")) ? Self.six(text) : Self.four(text)
    }

    private static func four(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 48, let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func six(_ text: String) -> [UInt8]? {
        guard text.utf8.count <= 45 else { return nil }
        var head: [UInt8] = []
        var tail: [UInt8]?
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        func groups(_ half: Substring, mayEndInFour: Bool) -> [UInt8]? {
            if half.isEmpty { return [] }
            var bytes: [UInt8] = []
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if mayEndInFour, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                    guard let four = Self.four(String(part)) else { return nil }
                    bytes += four
                    continue
                }
                guard (1...4).contains(part.utf8.count), part.first != "+", let group = UInt16(part, radix: 16) else {
                    return nil
                }
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
            return bytes
        }
        guard let first = groups(halves[0], mayEndInFour: halves.count == 1) else { return nil }
        head = first
        if halves.count == 2 {
            guard let second = groups(halves[1], mayEndInFour: true) else { return nil }
            tail = second
        }
        guard let tail else { return head.count == 16 ? head : nil }
        guard head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    private static func text(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
        return stride(from: 0, to: 16, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }.joined(separator: ":")
    }
}
