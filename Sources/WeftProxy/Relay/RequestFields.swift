internal import WeftMessage
internal import WeftTraffic

/// Header fields that a proxy adds to or takes from every request.
enum RequestFields {
    /// Gives the request an `x-request-id` (a version 4 UUID) unless it has one.
    static func ensureRequestID(_ headers: inout HeaderBlock, random: inout TrafficRandom) {
        guard !headers.contains(.xRequestID) else { return }
        let high = random.next() & ~0xf000 | 0x4000
        let low = random.next() & ~(0xc000 << 48) | (0x8000 << 48)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            var position = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    text[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = nibble < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: (word >> UInt64(60 - (nibble & 15) * 4)) & 0xf)
                text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                position += 1
            }
            headers.append(.xRequestID, value: UnsafeRawBufferPointer(text))
        }
    }

    /// Says which scheme the application used, unless an edge before it has said so.
    static func ensureForwardedProto(_ headers: inout HeaderBlock) {
        if !headers.contains(.xForwardedProto) { headers.append(.xForwardedProto, "http") }
    }

    /// Removes what only a proxy may say, whoever says it.
    static func removeClaims(_ headers: inout HeaderBlock) {
        headers.remove(.weftPeer)
        headers.remove(.xForwardedClientCert)
        headers.remove(.weftReason)
    }
}
