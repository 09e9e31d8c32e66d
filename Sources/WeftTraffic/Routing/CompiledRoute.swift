package import WeftModel

/// A route made ready for requests: shared by all loops, never changed.
package final class CompiledRoute: Sendable {
    /// Its place in the table, from 0; for counting in arrays.
    package let index: Int
    package let route: Route

    let edits: (request: HeaderEdits, response: HeaderEdits)
    let backends: [CompiledBackend]
    let choice: WeightedChoice
    /// What keeps a user on one side of the weights; nil leaves it to chance.
    let cohort: AffinityReader?
    let cohortChoice: CohortChoice
    let hashKey: AffinityReader?
    /// What keeps a caller to backend and endpoint; nil leaves each request to weights and balancer.
    let session: CompiledSession?
    /// Set where the route redirects.
    let redirect: CompiledRedirect?
    let mirrors: [CompiledMirror]
    /// The route's own: what copies get, whichever backend the request goes to.
    let rewrite: CompiledRewrite?
    let retry: RetryRules
    /// Nanoseconds; nil takes the default, zero or less is none.
    let requestTimeout: Int64?
    let idleTimeout: Int64?
    /// Nanoseconds; zero is none.
    let perTryTimeout: Int64
    /// Nil is never.
    let hedging: CompiledHedging?

    package var name: String { self.route.name }

    /// - Parameter literalPrefix: what every path that matches begins with, where the path is an expression.
    init(index: Int, route: Route, literalPrefix: [UInt8]? = nil) {
        self.index = index
        self.route = route
        self.edits = (HeaderEdits(route.requestHeaders), HeaderEdits(route.responseHeaders))
        if case .forward(let clusters) = route.action {
            self.backends = clusters.map { CompiledBackend($0, of: route) }
        } else {
            self.backends = []
        }
        self.redirect =
            if case .redirect(let redirect) = route.action { CompiledRedirect(redirect, match: route.match.path) } else
            { nil }
        self.mirrors = route.mirrors.map { CompiledMirror($0, of: route) }
        self.rewrite = route.rewrite.map { CompiledRewrite($0, match: route.match.path) }
        self.choice = WeightedChoice(weights: self.backends.map(\.weight))
        self.hashKey = route.hashKey.map(AffinityReader.init)
        self.cohort = route.stickyCohort.map(AffinityReader.init)
        self.cohortChoice = CohortChoice(names: self.backends.map(\.cluster), weights: self.backends.map(\.weight))
        self.session = route.session.map { [backends] session in
            CompiledSession(
                session, clusters: backends.map(\.cluster),
                path: CompiledSession.path(of: route.match.path, literalPrefix: literalPrefix))
        }
        self.retry = RetryRules(route.retry)
        self.requestTimeout = route.timeouts.request?.wholeNanoseconds
        self.idleTimeout = route.timeouts.idle?.wholeNanoseconds
        self.hedging = route.hedging.map(CompiledHedging.init)
        self.perTryTimeout = max(0, route.timeouts.perTry?.wholeNanoseconds ?? 0)
    }
}

/// When a second attempt starts, made ready.
struct CompiledHedging: Sendable {
    /// Nanoseconds; zero where only the percentile says.
    let delay: Int64
    /// In hundredths; zero is `delay` always.
    let percentile: Double

    init(_ policy: HedgePolicy) {
        self.delay = max(0, policy.delay?.wholeNanoseconds ?? 0)
        self.percentile = policy.percentile ?? 0
    }
}

/// One side of a route's split, made ready.
struct CompiledBackend: Sendable {
    let cluster: String
    let weight: Int
    let requestEdits: HeaderEdits
    let responseEdits: HeaderEdits
    /// Its own host and path, each else the route's.
    let rewrite: CompiledRewrite?
    /// Its own; the route's come besides.
    let mirrors: [CompiledMirror]

    init(_ backend: WeightedCluster, of route: Route) {
        self.cluster = backend.cluster
        self.weight = backend.weight
        self.requestEdits = HeaderEdits(backend.requestHeaders)
        self.responseEdits = HeaderEdits(backend.responseHeaders)
        let own = backend.rewrite ?? URLRewrite()
        let merged = URLRewrite(
            hostname: own.hostname ?? route.rewrite?.hostname, path: own.path ?? route.rewrite?.path)
        self.rewrite = merged == URLRewrite() ? nil : CompiledRewrite(merged, match: route.match.path)
        self.mirrors = backend.mirrors.map { CompiledMirror($0, of: route) }
    }
}
