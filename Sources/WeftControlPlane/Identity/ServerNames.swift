internal import Foundation

/// The names in the control plane's certificate that clients which check host names may find it by.
struct ServerNames: Hashable, Sendable {
    let dns: [String]
    /// 4 or 16 bytes each.
    let addresses: [[UInt8]]

    init(_ configuration: ControlPlaneConfiguration) {
        var names = ["localhost", "127.0.0.1", "::1", configuration.meshAddress.host] + configuration.serverNames
        if let api = configuration.apiAddress { names.append(api.host) }
        var dns: [String] = []
        var addresses: [[UInt8]] = []
        for name in names {
            if let address = Self.bytes(of: name) {
                // The wildcard address is nobody's name.
                if !addresses.contains(address), address.contains(where: { $0 != 0 }) { addresses.append(address) }
            } else if !dns.contains(name) {
                dns.append(name)
            }
        }
        self.dns = dns
        self.addresses = addresses
    }

    private static func bytes(of text: String) -> [UInt8]? {
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: size)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
