package import WeftModel

/// What a request's authority means in the mesh.
///
/// `billing`, `billing.default` and `billing.default.mesh` name the same service for a caller in `default`, and so do
/// Kubernetes' `billing.default.svc` and `billing.default.svc.cluster.local`; without a port each means port 80. Names compare without case; one trailing dot is allowed.
package enum AuthorityResolution: Hashable, Sendable {
    case service(ServicePort)
    /// A name of DNS, or an IPv4 address, that is no service's: `api.example.com:443`.
    case external(host: String, port: Int)
    /// Well formed, but of the caller's own host, or IPv6.
    case foreign
    /// No authority at all: empty, a bad port, a byte that no host name has.
    case malformed

    /// Reads an authority as a caller in `namespace` means it.
    package init(authority: UnsafeRawBufferPointer, namespace: String) {
        guard let parts = Self.split(authority) else {
            self = .malformed
            return
        }
        self.init(
            host: String(decoding: parts.host, as: UTF8.self).lowercased(), port: parts.port, namespace: namespace)
    }

    package init(authority: String, namespace: String) {
        var authority = authority
        self = authority.withUTF8 { Self(authority: UnsafeRawBufferPointer($0), namespace: namespace) }
    }

    private init(host: String, port: Int, namespace: String) {
        var labels = host.split(separator: ".", omittingEmptySubsequences: false)
        if labels.count > 1, labels.last == "" { labels.removeLast() }
        guard labels.allSatisfy(Self.isLabel) else {
            self = host.hasPrefix("[") ? .foreign : .malformed
            return
        }
        if labels.count == 3, labels[2] == "mesh" || labels[2] == "svc" { labels.removeLast() }
        if labels.count == 5, labels[2...].elementsEqual(["svc", "cluster", "local"]) { labels.removeLast(3) }
        let isAddress = labels.count == 4 && labels.allSatisfy { UInt8($0) != nil }
        let isOwn = host == "localhost" || labels.last == "localhost" || isAddress && labels[0] == "127"
        guard !isOwn else {
            self = .foreign
            return
        }
        guard labels.count <= 2, !isAddress else {
            self = .external(host: labels.joined(separator: "."), port: port)
            return
        }
        let service = ServiceName(namespace: labels.count == 2 ? String(labels[1]) : namespace, name: String(labels[0]))
        self = .service(ServicePort(service: service, port: port))
    }

    /// Host and port of an authority; port 80 where it has none. Nil when user info, an empty host or a bad port.
    private static func split(
        _ authority: UnsafeRawBufferPointer
    ) -> (host: Slice<UnsafeRawBufferPointer>, port: Int)? {
        guard !authority.isEmpty, authority.count <= 255 + 6, !authority.contains(UInt8(ascii: "@")) else { return nil }
        let closing = authority.lastIndex(of: UInt8(ascii: "]"))
        let colon = authority.lastIndex(of: UInt8(ascii: ":")).flatMap { $0 > (closing ?? -1) ? $0 : nil }
        guard let colon else { return (authority[...], 80) }
        let digits = UnsafeRawBufferPointer(rebasing: authority[(colon + 1)...])
        guard colon > 0, digits.count <= 5, let port = digits.isEmpty ? 80 : Self.decimal(digits),
            (1...65535).contains(port)
        else { return nil }
        return (authority[..<colon], port)
    }

    private static func decimal(_ digits: UnsafeRawBufferPointer) -> Int? {
        var value = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func isLabel(_ label: Substring) -> Bool {
        !label.isEmpty && label.utf8.count <= 63 && label.utf8.first != UInt8(ascii: "-")
            && label.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
