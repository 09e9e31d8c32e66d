/// Another trust domain whose workloads are believed, and where its roots are learned.
///
/// Source: SPIFFE Federation.
package struct TrustDomainFederation: Hashable, Sendable {
    package var metadata: Metadata
    /// Never the mesh's own.
    package var trustDomain: TrustDomain
    /// Where its bundle is fetched again and again; nil keeps to `bundle`.
    package var endpoint: BundleEndpoint?
    /// The bundle to begin with, a JWKS document; needed where `endpoint` is absent or proves itself by it.
    package var bundle: String?

    package init(
        metadata: Metadata, trustDomain: TrustDomain, endpoint: BundleEndpoint? = nil, bundle: String? = nil
    ) {
        self.metadata = metadata
        self.trustDomain = trustDomain
        self.endpoint = endpoint
        self.bundle = bundle
    }

    /// The most bytes of a bundle that is written in the resource.
    package static let maxBundleBytes = 256 << 10
}

/// Where a trust domain serves its bundle, and how the server proves itself.
package struct BundleEndpoint: Hashable, Sendable {
    package var url: HTTPSAddress
    package var profile: Profile

    package init(url: HTTPSAddress, profile: Profile) {
        self.url = url
        self.profile = profile
    }

    package enum Profile: Hashable, Sendable {
        /// `https_web`: a certificate for the host, from an authority that the control plane's host trusts.
        case web
        /// `https_spiffe`: an SVID of this identity, from the trust domain's last known bundle.
        case spiffe(SPIFFEID)
    }
}

/// An `https` URL, taken apart: no user, no fragment.
package struct HTTPSAddress: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name in lower case, or an IP address, without brackets.
    package let host: String
    /// 443 where the URL names none.
    package let port: Int
    /// Path and query; begins with `/`.
    package let path: String

    /// Nil for anything but `https://HOST[:PORT][/PATH]`, at most 2048 bytes of visible ASCII.
    package init?(_ text: String) {
        let scheme = "https://"
        guard text.utf8.count <= 2048, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), text.hasPrefix(scheme),
            !text.contains("#"), !text.contains("\\")
        else { return nil }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { return nil }
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let after = authority[authority.index(after: end)...]
            guard NetworkPrefix.address(String(host))?.count == 16, after.isEmpty || after.hasPrefix(":") else {
                return nil
            }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        let name = host.lowercased()
        guard (1...253).contains(name.utf8.count), authority.hasPrefix("[") || name.utf8.allSatisfy(Self.isNameByte)
        else { return nil }
        if let port {
            guard port.utf8.count <= 5, port.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(port),
                (1...65535).contains(number)
            else { return nil }
            self.port = number
        } else {
            self.port = 443
        }
        self.host = name
        let path = rest.dropFirst(authority.count)
        self.path = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// `HOST:PORT`, as a `host` field has it; without the port where that is 443.
    package var authority: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return self.port == 443 ? host : "\(host):\(self.port)"
    }

    package var description: String { "https://\(self.authority)\(self.path)" }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
