/// How gRPC calls to a service are matched and forwarded. Gateway API `GRPCRoute` whose parents are Services (GAMMA).
package struct GRPCRoute: Hashable, Sendable {
    package var metadata: Metadata
    /// At least one.
    package var parents: [RouteParent]
    /// In document order; at most 16. None given means one rule that matches everything and has no backends.
    package var rules: [Rule]

    package init(metadata: Metadata, parents: [RouteParent], rules: [Rule]) {
        self.metadata = metadata
        self.parents = parents
        self.rules = rules
    }

    package struct Rule: Hashable, Sendable {
        package var name: String?
        /// One must match; none given matches every call.
        package var matches: [GRPCRouteMatch] = []
        package var requestHeaders = HeaderModifier()
        package var responseHeaders = HeaderModifier()
        package var mirrors: [RouteMirror] = []
        package var backends: [RouteBackend] = []
        package var session: SessionPersistence?
        /// The rule's first line in its file, from 1.
        package var line: Int?

        package init(name: String? = nil, line: Int? = nil) {
            self.name = name
            self.line = line
        }
    }
}

/// What a gRPC call must look like: service, method and headers, all that is given.
package struct GRPCRouteMatch: Hashable, Sendable {
    /// The full name, `package.Service`; nil matches every service.
    package var service: StringMatch?
    package var method: StringMatch?
    package var headers: [HeaderMatch]

    package init(service: StringMatch? = nil, method: StringMatch? = nil, headers: [HeaderMatch] = []) {
        self.service = service
        self.method = method
        self.headers = headers
    }

    /// The same as a match of HTTP: a call's path is `/package.Service/Method`.
    package var http: RouteMatch {
        let path: PathMatch
        switch (self.service, self.method) {
        case (nil, nil): path = .prefix("/")
        case (.exact(let service), .exact(let method)): path = .exact("/\(service)/\(method)")
        case (.exact(let service), nil): path = .prefix("/\(service)")
        default: path = .regularExpression("/\(Self.expression(self.service))/\(Self.expression(self.method))")
        }
        return RouteMatch(path: path, headers: self.headers)
    }

    private static func expression(_ match: StringMatch?) -> String {
        switch match {
        case nil, .present: "[^/]+"
        case .regularExpression(let text): "(?:\(text))"
        case .exact(let text): text.replacing(".", with: "\\.")
        }
    }

    /// What precedence counts: characters of the service and of the method.
    package var specificity: (service: Int, method: Int) { (Self.length(self.service), Self.length(self.method)) }

    private static func length(_ match: StringMatch?) -> Int {
        switch match {
        case nil, .present: 0
        case .exact(let text), .regularExpression(let text): text.utf8.count
        }
    }
}
