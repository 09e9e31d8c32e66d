/// What becomes of a path when a request is redirected or rewritten; the query stays.
///
/// Source: Gateway API `HTTPPathModifier`.
package enum PathModifier: Hashable, Sendable {
    /// The whole path.
    case full(String)
    /// The part that the route's prefix matched; only behind a prefix match. Empty takes the prefix away.
    case prefix(String)
}

/// Answers with the address to ask instead.
///
/// Source: Gateway API `HTTPRequestRedirectFilter`.
package struct RequestRedirect: Hashable, Sendable {
    /// `http` or `https`; nil keeps the request's.
    package var scheme: String?
    /// Nil keeps the request's host, without its port.
    package var hostname: String?
    /// Nil keeps the path.
    package var path: PathModifier?
    /// Nil is the well-known port of `scheme` where that is set, else the port that was called.
    package var port: Int?
    /// 301, 302, 303, 307 or 308. Default 302.
    package var status: Int

    package init(
        scheme: String? = nil, hostname: String? = nil, path: PathModifier? = nil, port: Int? = nil, status: Int = 302
    ) {
        self.scheme = scheme
        self.hostname = hostname
        self.path = path
        self.port = port
        self.status = status
    }
}

/// What a request says on its way upstream instead of what the caller wrote.
///
/// Source: Gateway API `HTTPURLRewriteFilter`.
package struct URLRewrite: Hashable, Sendable {
    /// Nil keeps the authority.
    package var hostname: String?
    /// Nil keeps the path.
    package var path: PathModifier?

    package init(hostname: String? = nil, path: PathModifier? = nil) {
        self.hostname = hostname
        self.path = path
    }
}

/// A share of all requests, `numerator` of `denominator`.
package struct Fraction: Hashable, Sendable {
    /// 0 up to `denominator`.
    package var numerator: Int
    /// At least 1; default 100.
    package var denominator: Int

    package init(_ numerator: Int, of denominator: Int = 100) {
        self.numerator = numerator
        self.denominator = denominator
    }

    /// Every request.
    package static let all = Fraction(100)
}

/// Where copies of requests go whose answers nobody waits for.
package struct MirroredCluster: Hashable, Sendable {
    /// A name that no cluster has copies nothing.
    package var cluster: String
    package var fraction: Fraction

    package init(cluster: String, fraction: Fraction = .all) {
        self.cluster = cluster
        self.fraction = fraction
    }
}

/// Keeps the calls of one session on the backend and the endpoint that answered its first, as long as the endpoint takes
/// requests; after that the session begins anew.
///
/// Source: GEP-1619.
package struct SessionPersistence: Hashable, Sendable {
    package enum Carrier: String, Hashable, Sendable, CaseIterable {
        /// A cookie that the answer sets.
        case cookie = "Cookie"
        /// A header that the answer carries and the caller sends back.
        case header = "Header"
    }

    package var carrier: Carrier
    /// The cookie's or header's name. Default `weft-session`.
    package var name: String
    /// How long a session lasts from its first answer, whatever the caller keeps; in whole seconds, rounded up. Nil has no
    /// end of its own.
    package var absoluteTimeout: Duration?
    /// Whether the cookie outlives the browser's session; it then lasts for `absoluteTimeout`.
    package var isPermanent: Bool

    package init(
        carrier: Carrier = .cookie, name: String = Self.defaultName, absoluteTimeout: Duration? = nil,
        isPermanent: Bool = false
    ) {
        self.carrier = carrier
        self.name = name
        self.absoluteTimeout = absoluteTimeout
        self.isPermanent = isPermanent
    }

    package static let defaultName = "weft-session"
}
