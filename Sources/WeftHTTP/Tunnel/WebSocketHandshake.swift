/// The proof in a WebSocket handshake over HTTP/1.1 (RFC 6455 §4): that the server has read the key and understood it.
///
/// It belongs to one hop. HTTP/2 has no such fields (RFC 8441 §5.1), so that each HTTP/1.1 side makes its own.
enum WebSocketHandshake {
    private static var suffix: StaticString { "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" }

    /// `Sec-WebSocket-Accept` for a key; nil when it is not 16 bytes in base64.
    static func accept(forKey key: UnsafeRawBufferPointer) -> String? {
        guard key.count == 24, key[22] == UInt8(ascii: "="), key[23] == UInt8(ascii: "="),
            key[..<22].allSatisfy({ Base64.alphabet.contains($0) })
        else { return nil }
        let suffix = UnsafeBufferPointer(start: Self.suffix.utf8Start, count: Self.suffix.utf8CodeUnitCount)
        return Base64.encode(SHA1.digest(of: Array(key) + Array(suffix)))
    }

    static func accept(forKey key: String) -> String? {
        var key = key
        return key.withUTF8 { Self.accept(forKey: UnsafeRawBufferPointer($0)) }
    }

    /// A key from the system's generator: it need not be secret, only different each time.
    static func newKey() -> String {
        var random = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        for _ in 0..<2 {
            let word = random.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return Base64.encode(bytes)
    }
}

/// Which protocols an HTTP/1.1 connection may be upgraded to through a proxy.
enum UpgradeRules {
    /// Every token but those that name another HTTP or TLS: their framing is this proxy's own concern, and bytes let
    /// through behind them would be requests that nobody has looked at.
    static func isAllowed(_ token: UnsafeRawBufferPointer) -> Bool {
        guard token.count <= 64, !token.isEmpty else { return false }
        for byte in token {
            // A protocol may have a version behind a slash.
            let isTokenByte =
                byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
                || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || "-._/+".utf8.contains(byte)
            guard isTokenByte else { return false }
        }
        for refused in ["h2", "h2c", "http", "tls"] as [StaticString] {
            let count = refused.utf8CodeUnitCount
            guard token.count >= count else { continue }
            let head = UnsafeRawBufferPointer(rebasing: token[..<count])
            if FieldSyntax.equals(head, anyCase: refused), token.count == count || token[count] == UInt8(ascii: "/") {
                return false
            }
        }
        return true
    }
}

/// Base64 with padding (RFC 4648 §4).
private enum Base64 {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group = UInt32(bytes[index]) << 16
            if count > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[index + 2]) }
            for place in 0..<4 {
                text.append(
                    place <= count
                        ? Self.alphabet[Int(group >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// SHA-1 (FIPS 180-4), which RFC 6455 asks for; it protects nothing here.
private enum SHA1 {
    static func digest(of message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
        var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
            0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0
        )
        for start in stride(from: 0, to: padded.count, by: 64) { Self.add(padded[start..<start + 64], to: &state) }
        return [state.0, state.1, state.2, state.3, state.4].flatMap { word in
            [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: word >> shift) }
        }
    }

    private static func add(
        _ block: ArraySlice<UInt8>, to state: inout (UInt32, UInt32, UInt32, UInt32, UInt32)
    ) {
        var words: [UInt32] = []
        for start in stride(from: block.startIndex, to: block.endIndex, by: 4) {
            words.append(block[start..<start + 4].reduce(0) { $0 << 8 | UInt32($1) })
        }
        for index in 16..<80 {
            words.append(Self.rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
        }
        var (a, b, c, d, e) = state
        for index in 0..<80 {
            let (mix, constant): (UInt32, UInt32) =
                switch index {
                case 0..<20: (b & c | ~b & d, 0x5a82_7999)
                case 20..<40: (b ^ c ^ d, 0x6ed9_eba1)
                case 40..<60: (b & c | b & d | c & d, 0x8f1b_bcdc)
                default: (b ^ c ^ d, 0xca62_c1d6)
                }
            let next = Self.rotate(a, 5) &+ mix &+ e &+ constant &+ words[index]
            (a, b, c, d, e) = (next, a, Self.rotate(b, 30), c, d)
        }
        state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
    }

    private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
}
