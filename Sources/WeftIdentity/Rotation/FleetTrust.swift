/// What is known of the proxies' trust at one moment: what a rotation of the root waits for.
package struct FleetTrust: Hashable, Sendable {
    /// One proxy that holds, or lately held, a registration.
    package struct Proxy: Hashable, Sendable {
        /// How people know it: `namespace/workload`, or its identity.
        package var name: String
        /// Fingerprints of the roots it says it trusts; empty where it said nothing.
        package var trustedRoots: Set<String>
        /// The fingerprint of the root its own certificate leads to; nil where it said nothing.
        package var issuerRoot: String?

        package init(name: String, trustedRoots: Set<String> = [], issuerRoot: String? = nil) {
            self.name = name
            self.trustedRoots = trustedRoots
            self.issuerRoot = issuerRoot
        }
    }

    package var proxies: [Proxy]
    /// Seconds since 1970: since when the fleet is being watched. A control plane that has just started sees nobody.
    package var watchedSince: Int64

    package init(proxies: [Proxy], watchedSince: Int64) {
        self.proxies = proxies
        self.watchedSince = watchedSince
    }

    /// The names of those that do not say that they trust `root`, sorted.
    package func lacking(_ root: String) -> [String] {
        self.proxies.filter { !$0.trustedRoots.contains(root) }.map(\.name).sorted()
    }

    /// The names of those whose certificate does not say to lead to `root`, sorted.
    package func notUnder(_ root: String) -> [String] {
        self.proxies.filter { $0.issuerRoot != root }.map(\.name).sorted()
    }
}
