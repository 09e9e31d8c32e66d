/// The name of a trust domain: lower-case letters, digits, `.`, `-`, `_`; at most 255 bytes.
///
/// Source: SPIFFE ID specification.
package struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    package let name: String

    /// The mesh's own trust domain unless set otherwise: `mesh.local`.
    package static let standard = TrustDomain(unchecked: "mesh.local")

    /// Nil unless `name` is a valid trust domain.
    package init?(_ name: String) {
        guard !name.isEmpty, name.utf8.count <= 255,
            name.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            })
        else { return nil }
        self.name = name
    }

    private init(unchecked name: String) { self.name = name }

    package var description: String { self.name }
}

/// Who a workload is: `spiffe://<trust-domain>/ns/<namespace>/sa/<account>` for those of the mesh.
///
/// Source: SPIFFE ID specification; comparison is byte-exact.
package struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    package let trustDomain: TrustDomain
    /// The path with its leading `/`; empty for the trust domain's own ID.
    package let path: String

    /// The identity of a service account in the mesh.
    package init(trustDomain: TrustDomain, namespace: String, account: String) {
        self.trustDomain = trustDomain
        self.path = "/ns/\(namespace)/sa/\(account)"
    }

    /// Reads a SPIFFE ID.
    ///
    /// Nil for anything that the specification forbids: another scheme, user info, port, query, fragment,
    /// percent-encoding, empty or dot segments, a trailing `/`, more than 2048 bytes.
    package init?(_ text: String) {
        guard text.utf8.count <= 2048, text.hasPrefix("spiffe://") else { return nil }
        let rest = text.dropFirst("spiffe://".count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let domain = TrustDomain(String(rest[..<slash])) else { return nil }
        let path = rest[slash...]
        if !path.isEmpty {
            for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
                guard !segment.isEmpty, segment != ".", segment != "..", segment.utf8.allSatisfy(Self.isSegmentByte)
                else { return nil }
            }
        }
        self.trustDomain = domain
        self.path = String(path)
    }

    /// Namespace and account when the path has the mesh's own shape.
    package var workload: (namespace: String, account: String)? {
        let parts = self.path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "ns", parts[3] == "sa" else { return nil }
        return (String(parts[2]), String(parts[4]))
    }

    package var description: String { "spiffe://\(self.trustDomain)\(self.path)" }

    private static func isSegmentByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
