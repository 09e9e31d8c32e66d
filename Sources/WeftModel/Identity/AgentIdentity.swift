// The identities of the hosts' agents: `spiffe://<trust-domain>/weft/agent/<host>`.

extension SPIFFEID {
    /// The identity of the agent of `host`; nil when that is no name for a host.
    package static func agent(host: String, in trustDomain: TrustDomain) -> SPIFFEID? {
        guard self.isHostName(host) else { return nil }
        return SPIFFEID("spiffe://\(trustDomain)\(self.agentPrefix)\(host)")
    }

    /// The host whose agent this is; nil for every other identity.
    package var agentHost: String? {
        guard self.path.hasPrefix(Self.agentPrefix) else { return nil }
        let host = String(self.path.dropFirst(Self.agentPrefix.count))
        return Self.isHostName(host) ? host : nil
    }

    /// DNS labels in lower case joined by dots, at most 253 bytes.
    package static func isHostName(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                    && label.utf8.last != UInt8(ascii: "-")
                    && label.utf8.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }

    private static let agentPrefix = "/weft/agent/"
}
