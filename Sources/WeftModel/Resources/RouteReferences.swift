/// A service whose calls a route takes.
package struct RouteParent: Hashable, Sendable {
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

    /// Whether it means this port, whose own name is `name`.
    package func covers(port: Int, named name: String) -> Bool {
        (self.port ?? port) == port && (self.portName ?? name) == name
    }
}

/// What a route names as its destination.
package struct BackendReference: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case service = "Service"
        /// A destination outside the mesh, by the name of its resource.
        case externalService = "ExternalService"
    }

    package var kind: Kind
    package var service: ServiceName
    /// The port that callers use.
    package var port: Int

    package init(kind: Kind = .service, service: ServiceName, port: Int) {
        self.kind = kind
        self.service = service
        self.port = port
    }
}

/// One destination of a rule.
package struct RouteBackend: Hashable, Sendable {
    package var kind: BackendReference.Kind
    package var service: ServiceName
    package var port: Int
    /// Share of the rule's traffic, weight over sum of weights; 0–1 000 000, default 1, zero sends nothing.
    package var weight: Int
    package var requestHeaders: HeaderModifier
    package var responseHeaders: HeaderModifier
    /// In place of the rule's own.
    package var rewrite: URLRewrite?
    /// Besides the rule's own.
    package var mirrors: [RouteMirror]

    package init(
        kind: BackendReference.Kind = .service, service: ServiceName, port: Int, weight: Int = 1,
        requestHeaders: HeaderModifier = HeaderModifier(), responseHeaders: HeaderModifier = HeaderModifier(),
        rewrite: URLRewrite? = nil, mirrors: [RouteMirror] = []
    ) {
        self.kind = kind
        self.service = service
        self.port = port
        self.weight = weight
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.rewrite = rewrite
        self.mirrors = mirrors
    }

    package var reference: BackendReference {
        BackendReference(kind: self.kind, service: self.service, port: self.port)
    }
}

/// A destination that gets copies of a rule's requests.
package struct RouteMirror: Hashable, Sendable {
    package var backend: BackendReference
    package var fraction: Fraction

    package init(backend: BackendReference, fraction: Fraction = .all) {
        self.backend = backend
        self.fraction = fraction
    }
}
