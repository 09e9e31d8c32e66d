internal import WeftModel

/// Where a call comes from, as the gRPC transport or NIO names it: `ipv4:10.0.0.1:41234`.
struct SourceAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes; empty where there is no address, as on a Unix socket.
    let bytes: [UInt8]
    /// The address without its port; `local` where there is none.
    let description: String

    init(_ peer: String) {
        var text = peer[...]
        if text.hasPrefix("ipv4:") || text.hasPrefix("ipv6:") { text = text.dropFirst(5) }
        var host = text
        if text.hasPrefix("[") {
            host = text.dropFirst().prefix { $0 != "]" }
        } else if let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon {
            host = text[..<colon]
        }
        let bytes = NetworkPrefix.address(String(host)) ?? []
        self.bytes = bytes
        self.description = bytes.isEmpty ? "local" : String(host)
    }
}
