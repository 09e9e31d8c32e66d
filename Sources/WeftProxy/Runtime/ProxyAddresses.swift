/// Where a running sidecar can be reached; ports that were asked for as zero have their real numbers.
package struct ProxyAddresses: Hashable, Sendable, Codable {
    /// The HTTP proxy that the application uses; nil where there is none.
    package var outbound: String?
    /// `host:port` by the declared upstream's name.
    package var upstreams: [String: String]
    /// `host:port` where peers connect, by application port.
    package var inbound: [Int: String]
    package var admin: String?

    package init(
        outbound: String? = nil, upstreams: [String: String] = [:], inbound: [Int: String] = [:], admin: String? = nil
    ) {
        self.outbound = outbound
        self.upstreams = upstreams
        self.inbound = inbound
        self.admin = admin
    }
}
