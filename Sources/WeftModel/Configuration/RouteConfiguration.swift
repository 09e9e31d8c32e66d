/// The routes of one service port, in the order they are tried: what the compiler makes and proxies follow.
///
/// Its wire form is `envoy.config.route.v3.RouteConfiguration`.
package struct RouteConfiguration: Hashable, Sendable {
    /// The resource's name: the service port, `billing.default:80`.
    package var name: String
    package var virtualHosts: [VirtualHost]

    package init(name: String, virtualHosts: [VirtualHost]) {
        self.name = name
        self.virtualHosts = virtualHosts
    }
}

extension RouteConfiguration {
    /// What the routes of a service port are called for the callers of one namespace; nil is all that have none of their
    /// own.
    package static func name(of port: String, consumer: String?) -> String {
        consumer.map { "\(port)@\($0)" } ?? port
    }

    /// The service port's part of a name, and the namespace whose callers it is for.
    package static func parts(of name: String) -> (port: String, consumer: String?) {
        guard let at = name.lastIndex(of: "@") else { return (name, nil) }
        return (String(name[..<at]), String(name[name.index(after: at)...]))
    }
}

/// Routes for a set of host names.
package struct VirtualHost: Hashable, Sendable {
    package var name: String
    /// Exact names, `*.` and a name for those below it, or `*`. The most specific host that fits is taken.
    package var domains: [String]
    /// First match wins; the compiler has sorted them by Gateway API precedence. No match is 404.
    package var routes: [Route]

    package init(name: String, domains: [String], routes: [Route]) {
        self.name = name
        self.domains = domains
        self.routes = routes
    }
}

/// One match and what happens to a request that takes it.
package struct Route: Hashable, Sendable {
    /// The `route` label of metrics: `namespace/route-name[/rule]`, or `default` for a service without routes.
    package var name: String
    package var match: RouteMatch
    package var action: RouteAction
    package var requestHeaders: HeaderModifier
    package var responseHeaders: HeaderModifier
    package var timeouts: RouteTimeouts
    package var retry: RetryPolicy
    /// What keeps a user on one side of the weights; nil leaves each request to chance.
    package var stickyCohort: AffinityKey?
    /// What the backends' balancing takes the hash of, for proxies that look for it in the route.
    package var hashKey: AffinityKey?
    /// What the request says upstream instead; a backend's own host and path count before it, each for itself.
    package var rewrite: URLRewrite?
    /// Where copies go; at most 16.
    package var mirrors: [MirroredCluster] = []
    /// Nil leaves each request to the balancer.
    package var session: SessionPersistence?
    /// Nil is no second attempt beside the first.
    package var hedging: HedgePolicy?
    package var fault: FaultPolicy?
    /// The resource responsible; nil for built-in behaviour.
    package var provenance: Provenance?
    /// Which resource set each value; a value that is not here is a default.
    package var sources: [TrafficSetting: Provenance] = [:]

    package init(
        name: String, match: RouteMatch = RouteMatch(), action: RouteAction,
        requestHeaders: HeaderModifier = HeaderModifier(), responseHeaders: HeaderModifier = HeaderModifier(),
        timeouts: RouteTimeouts = RouteTimeouts(), retry: RetryPolicy = RetryPolicy(), provenance: Provenance? = nil
    ) {
        self.name = name
        self.match = match
        self.action = action
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.timeouts = timeouts
        self.retry = retry
        self.provenance = provenance
    }
}

/// What happens to a request that takes a route.
package enum RouteAction: Hashable, Sendable {
    /// Picks one by weight; at least one, weights not all zero.
    case forward([WeightedCluster])
    /// Answered here: a backend that does not exist, or all weights zero.
    case respond(status: Int, body: String)
    /// Answered here, with another address to ask; its `port` is always set.
    case redirect(RequestRedirect)
}

/// A cluster and its share of a route's traffic.
package struct WeightedCluster: Hashable, Sendable {
    /// The cluster's name; a name that no cluster has answers 500 for its share (Gateway API invalid backend).
    package var cluster: String
    /// 0–1 000 000 over the sum.
    package var weight: Int
    package var requestHeaders: HeaderModifier
    package var responseHeaders: HeaderModifier
    /// Host and path that are not here are the route's.
    package var rewrite: URLRewrite?
    /// Besides the route's.
    package var mirrors: [MirroredCluster] = []

    package init(
        cluster: String, weight: Int = 1, requestHeaders: HeaderModifier = HeaderModifier(),
        responseHeaders: HeaderModifier = HeaderModifier()
    ) {
        self.cluster = cluster
        self.weight = weight
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
    }
}

/// The times a route allows. Nil and zero differ: nil takes the default, zero disables.
package struct RouteTimeouts: Hashable, Sendable {
    /// From the request head's arrival to the response's last byte, all attempts. Nil is 15 s for idempotent unary
    /// HTTP calls and none for others.
    package var request: Duration?
    /// One attempt. Nil is none.
    package var perTry: Duration?
    /// No byte either way on a stream. Nil is 5 min; none for gRPC streams and upgraded connections.
    package var idle: Duration?

    package init(request: Duration? = nil, perTry: Duration? = nil, idle: Duration? = nil) {
        self.request = request
        self.perTry = perTry
        self.idle = idle
    }
}
