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

    package struct Parent: Hashable, Sendable {
        package var service: ServiceName
        /// Nil attaches to every port of the service.
        package var port: Int?
        /// The port's name (`sectionName`); nil attaches whatever the name.
        package var portName: String?

        package init(service: ServiceName, port: Int? = nil, portName: String? = nil) {
            self.service = service
            self.port = port
            self.portName = portName
        }
    }

    package struct Rule: Hashable, Sendable {
        package var name: String?
        /// One must match; none given matches every request.
        package var matches: [RouteMatch]
        package var requestHeaders: HeaderModifier
        package var responseHeaders: HeaderModifier
        package var backends: [Backend]
        /// Whole request, all attempts (GEP-1742 `timeouts.request`). Zero disables; nil leaves the default.
        package var requestTimeout: Duration?
        /// One attempt (GEP-1742 `timeouts.backendRequest`). Zero disables; nil leaves the default.
        package var backendRequestTimeout: Duration?
        /// Retries of this rule (GEP-1731): attempts, codes and backoff; what is nil comes from the policies.
        package var retry: RetrySettings?
        /// The rule's first line in its file, from 1.
        package var line: Int?

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

    package struct Backend: Hashable, Sendable {
        package var service: ServiceName
        package var port: Int
        /// Share of the rule's traffic, weight over sum of weights; 0–1 000 000, default 1, zero sends nothing.
        package var weight: Int
        package var requestHeaders: HeaderModifier
        package var responseHeaders: HeaderModifier

        package init(
            service: ServiceName, port: Int, weight: Int = 1, requestHeaders: HeaderModifier = HeaderModifier(),
            responseHeaders: HeaderModifier = HeaderModifier()
        ) {
            self.service = service
            self.port = port
            self.weight = weight
            self.requestHeaders = requestHeaders
            self.responseHeaders = responseHeaders
        }
    }
}
