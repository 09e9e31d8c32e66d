internal import WeftMessage
internal import WeftModel

/// Reads and writes the cookies by which proxies recognise callers. Source: RFC 6265.
enum Cookies {
    /// What `body` makes of the value of the first cookie of this name; nil when there is none.
    static func withValue<Result>(
        of name: [UInt8], in headers: HeaderBlock, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        self.first(of: name, in: headers, where: body)
    }

    /// What `body` makes of the first cookie of this name of which it makes anything. Browsers send one for each path.
    static func first<Result>(
        of name: [UInt8], in headers: HeaderBlock, where body: (UnsafeRawBufferPointer) -> Result?
    ) -> Result? {
        var next = headers.firstIndex(of: .cookie)
        while let index = next {
            if let found = headers.withValue(at: index, { self.find(name, in: $0, body) }) { return found }
            // HTTP/2 may send each pair in a field of its own.
            next = headers.firstIndex(of: .cookie, from: index + 1)
        }
        return nil
    }

    private static func find<Result>(
        _ name: [UInt8], in list: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result?
    ) -> Result? {
        var position = 0
        while position < list.count {
            while position < list.count, list[position] == UInt8(ascii: " ") || list[position] == UInt8(ascii: ";") {
                position += 1
            }
            var end = position
            while end < list.count, list[end] != UInt8(ascii: ";") { end += 1 }
            let valueStart = position + name.count + 1
            if valueStart <= end, list[valueStart - 1] == UInt8(ascii: "="),
                list[position..<(valueStart - 1)].elementsEqual(name)
            {
                var valueEnd = end
                while valueEnd > valueStart, list[valueEnd - 1] == UInt8(ascii: " ") { valueEnd -= 1 }
                if let found = body(UnsafeRawBufferPointer(rebasing: list[valueStart..<valueEnd])) { return found }
            }
            position = end
        }
        return nil
    }

    /// Reads 16 hexadecimal digits; nil for anything else.
    static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count == 16 else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    /// 16 hexadecimal digits.
    static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// A `set-cookie` value: for the whole host, out of reach of scripts.
    static func field(_ cookie: StickyCookie, value: UInt64) -> String {
        let age = cookie.ttl > .zero ? "; Max-Age=\(cookie.ttl.wholeNanoseconds / 1_000_000_000)" : ""
        return "\(cookie.name)=\(self.text(value)); Path=/; HttpOnly; SameSite=Lax\(age)"
    }
}
