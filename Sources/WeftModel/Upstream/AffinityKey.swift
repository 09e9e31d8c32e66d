/// What requests that belong together have in common: what a hash is taken of. One policy names one.
package enum AffinityKey: Hashable, Sendable {
    /// A header's first value; the name in lower case.
    case header(String)
    /// A cookie. With `ttl` a caller without it is given one: zero lasts as long as the browser's session. Without `ttl`
    /// only cookies that the application gives out count.
    case cookie(name: String, ttl: Duration?)
    /// A query parameter's first value.
    case query(String)
    /// The caller's address, without its port.
    case source
}

/// A cookie by which a caller returns to the endpoint that served it first. It names the endpoint by a hash: nothing is
/// remembered anywhere, and no address is given away.
package struct StickyCookie: Hashable, Sendable {
    /// Default `weft-endpoint`.
    package var name: String
    /// How long the cookie lasts; zero, the default, is the browser's session.
    package var ttl: Duration

    package init(name: String = "weft-endpoint", ttl: Duration = .zero) {
        self.name = name
        self.ttl = ttl
    }
}
