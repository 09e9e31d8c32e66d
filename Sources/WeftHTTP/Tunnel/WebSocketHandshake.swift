internal import Crypto
internal import Foundation

/// The proof in a WebSocket handshake over HTTP/1.1 (RFC 6455 §4): that the server has read the key and understood it.
///
/// It belongs to one hop. HTTP/2 has no such fields (RFC 8441 §5.1), so that each HTTP/1.1 side makes its own.
enum WebSocketHandshake {
    private static var suffix: StaticString { "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" }

    /// `Sec-WebSocket-Accept` for a key; nil when it is not 16 bytes in base64.
    static func accept(forKey key: UnsafeRawBufferPointer) -> String? {
        guard key.count == 24, key[22] == UInt8(ascii: "="), key[23] == UInt8(ascii: "="),
            Data(base64Encoded: Data(key))?.count == 16
        else { return nil }
        let suffix = UnsafeBufferPointer(start: Self.suffix.utf8Start, count: Self.suffix.utf8CodeUnitCount)
        // The algorithm that RFC 6455 asks for; it protects nothing here.
        var hash = Insecure.SHA1()
        hash.update(bufferPointer: key)
        hash.update(data: suffix)
        return Data(hash.finalize()).base64EncodedString()
    }

    static func accept(forKey key: String) -> String? {
        var key = key
        return key.withUTF8 { Self.accept(forKey: UnsafeRawBufferPointer($0)) }
    }

    /// A key from the system's generator: it need not be secret, only different each time.
    static func newKey() -> String {
        var random = SystemRandomNumberGenerator()
        return Data((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) }).base64EncodedString()
    }
}

/// Which protocols an HTTP/1.1 connection may be upgraded to through a proxy.
enum UpgradeRules {
    /// Every token but those that name another HTTP or TLS, and those of protocols that are more than bytes.
    ///
    /// Refused by name rather than allowed by name: a mesh carries protocols of its applications' own, as bytes that it
    /// does not understand, and whoever answers 101 has agreed to them. Not so another HTTP or TLS (`h2`, `h2c`, `HTTP/2.0`,
    /// `TLS/1.3`): their framing is this proxy's own concern, and what passed behind them would be requests that nobody
    /// has looked at. Nor what is defined over HTTP/2 or HTTP/3 by frames, capsules or further streams (`connect-udp`,
    /// `connect-ip`, `webtransport`): to turn it into an upgrade, or an upgrade into it, would say something that nobody
    /// has said.
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
        let connect: StaticString = "connect-"
        if token.count >= connect.utf8CodeUnitCount,
            FieldSyntax.equals(UnsafeRawBufferPointer(rebasing: token[..<connect.utf8CodeUnitCount]), anyCase: connect)
        {
            return false
        }
        for refused in ["h2", "h2c", "h3", "http", "tls", "webtransport"] as [StaticString] {
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
