/// How requests to a service are matched and forwarded. Gateway API `HTTPRoute` whose parents are Services (GAMMA).
package struct HTTPRoute: Hashable, Sendable {
    package var metadata: Metadata
    /// At least one.
    package var parents: [Parent]
    /// In document order; at most 16. None given means one rule that matches everything and has no backends.
    package var rules: [Rule]

    package init(metadata: Metadata, parents: [Parent], rules: [Rule]) {
        self.metadata = metadata
        self.parents = parents
        self.rules = rules
    }

    package typealias Parent = RouteParent
    package typealias Backend = RouteBackend

    package struct Rule: Hashable, Sendable {
        package var name: String?
        /// One must match; none given matches every request.
        package var matches: [RouteMatch]
        package var requestHeaders: HeaderModifier
        package var responseHeaders: HeaderModifier
        /// Answers instead of forwarding; then there are no backends.
        package var redirect: RequestRedirect?
        package var rewrite: URLRewrite?
        /// Where copies of the requests go.
        package var mirrors: [RouteMirror] = []
        package var backends: [Backend]
        /// Whole request, all attempts (GEP-1742 `timeouts.request`). Zero disables; nil leaves the default.
        package var requestTimeout: Duration?
        /// One attempt (GEP-1742 `timeouts.backendRequest`). Zero disables; nil leaves the default.
        package var backendRequestTimeout: Duration?
        /// Retries of this rule (GEP-1731): attempts, codes and backoff; what is nil comes from the policies.
        package var retry: RetrySettings?
        package var session: SessionPersistence?
        /// The rule's first line in its file, from 1.
        package var line: Int?
        /// Where in its file each of its values stands, from 1, as far as that is known.
        package var lines: [TrafficSetting: Int] = [:]

        /// What the rule itself says, before every policy.
        package var settings: TrafficSettings {
            var settings = TrafficSettings()
            settings.requestTimeout = self.requestTimeout
            settings.perTryTimeout = self.backendRequestTimeout
            settings.retry = self.retry
            settings.lines = self.lines
            return settings
        }

        package init(
            name: String? = nil, matches: [RouteMatch] = [], requestHeaders: HeaderModifier = HeaderModifier(),
            responseHeaders: HeaderModifier = HeaderModifier(), backends: [Backend] = [],
            requestTimeout: Duration? = nil, backendRequestTimeout: Duration? = nil, retry: RetrySettings? = nil,
            line: Int? = nil
        ) {
            self.name = name
            self.matches = matches
            self.requestHeaders = requestHeaders
            self.responseHeaders = responseHeaders
            self.backends = backends
            self.requestTimeout = requestTimeout
            self.backendRequestTimeout = backendRequestTimeout
            self.retry = retry
            self.line = line
        }
    }
}
