internal import WeftMessage
internal import WeftModel
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

    /// Gives the path its normal form; a reply where it has none.
    static func normalizePath(_ headers: inout HeaderBlock, keepsEscapedSlashes: Bool) -> LocalReply? {
        guard let index = headers.firstIndex(of: .path) else { return nil }
        let outcome = headers.withValue(at: index) {
            PathNormalization.normalize($0, keepsEscapedSlashes: keepsEscapedSlashes)
        }
        switch outcome {
        case .unchanged: return nil
        case .changed(let path):
            path.withUnsafeBytes { headers.setValue(at: index, to: $0) }
            return nil
        case .refused(let cause): return LocalReply(.badRequest, detail: cause)
        }
    }

    /// What callers outside the mesh say about those before them, which anybody could have written.
    static func removeForwarded(_ headers: inout HeaderBlock) {
        let prefix = "x-forwarded-".utf8
        for index in stride(from: headers.count - 1, through: 0, by: -1) {
            switch headers.fields[index].name {
            case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedProto: headers.remove(at: index)
            case .other
            where headers.withName(at: index, { $0.starts(with: prefix) || $0.elementsEqual("x-real-ip".utf8) }):
                headers.remove(at: index)
            default: continue
            }
        }
        headers.append(.xForwardedProto, "http")
    }

    /// Adds the caller's address to the list that the request carries: `X-Forwarded-For`, unless it has only `Forwarded`
    /// (RFC 7239); the two are not mixed.
    static func addAddress(_ address: String, to headers: inout HeaderBlock) {
        if address.isEmpty { return }
        if !headers.contains(.xForwardedFor), headers.contains(.forwarded) {
            headers.appendMember(.forwarded, address.contains(":") ? "for=\"[\(address)]\"" : "for=\(address)")
        } else {
            headers.appendMember(.xForwardedFor, address)
        }
    }

    /// Names the mesh among those that the request has passed (RFC 9110 §7.6.3); a reply when it has been there so often
    /// that it goes in circles.
    static func addVia(_ headers: inout HeaderBlock, isHTTP2: Bool) -> LocalReply? {
        var visits = 0
        for via in headers.values(of: "via") {
            for member in via.split(separator: ",") where member.hasSuffix(" weft") { visits += 1 }
        }
        if visits >= 32 {
            return LocalReply(
                .badRequest, status: 508,
                detail: "the request has passed \(visits) proxies of the mesh: it goes in circles")
        }
        headers.appendMember(.via, isHTTP2 ? "2.0 weft" : "1.1 weft")
        return nil
    }

    /// Takes one of the hops that a TRACE or OPTIONS may still make (RFC 9110 §7.6.2); a reply where none is left.
    static func countHop(_ head: inout RequestHead) -> LocalReply? {
        switch head.method {
        case .trace, .options: break
        default: return nil
        }
        guard let hops = head.headers.number(.maxForwards) else { return nil }
        if hops > 0 {
            head.headers.set(.maxForwards, hops - 1)
            return nil
        }
        // Whoever answers a TRACE shows the request's secrets to its sender's scripts.
        return head.method == .options
            ? LocalReply(.ok, status: 200, detail: "no hop was left; this proxy answers")
            : LocalReply(.badRequest, status: 405, detail: "no hop was left, and this proxy answers no TRACE")
    }

    /// Removes what only a proxy may say, whoever says it.
    static func removeClaims(_ headers: inout HeaderBlock) {
        headers.remove(.weftPeer)
        headers.remove(.xForwardedClientCert)
        headers.remove(.weftReason)
        headers.remove(.weftUpgradeRefused)
    }
}
