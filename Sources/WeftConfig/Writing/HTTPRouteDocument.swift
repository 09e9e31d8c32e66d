internal import WeftModel

/// Writes the spec of an `HTTPRoute`.
enum HTTPRouteDocument {
    static func spec(_ route: HTTPRoute) -> JSONValue {
        var object = ObjectBuilder()
        object.add("parentRefs", .list(route.parents.map(self.parent)))
        if !route.rules.isEmpty { object.add("rules", .list(route.rules.map(self.rule))) }
        return object.value
    }

    static func parent(_ parent: RouteParent) -> JSONValue {
        var object = ObjectBuilder()
        object.add("group", .text(""))
        object.add("kind", .text("Service"))
        object.add("name", .text(parent.service.name))
        object.add("namespace", .text(parent.service.namespace))
        object.add("port", parent.port.map(JSONValue.integer))
        object.add("sectionName", parent.portName.map(JSONValue.text))
        return object.value
    }

    private static func rule(_ rule: HTTPRoute.Rule) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", rule.name.map(JSONValue.text))
        if !rule.matches.isEmpty { object.add("matches", .list(rule.matches.map(self.match))) }
        object.add(
            "filters",
            self.filters(
                RouteFilters(
                    requestHeaders: rule.requestHeaders, responseHeaders: rule.responseHeaders,
                    redirect: rule.redirect, rewrite: rule.rewrite, mirrors: rule.mirrors)))
        if !rule.backends.isEmpty { object.add("backendRefs", .list(rule.backends.map(self.backend))) }
        var timeouts = ObjectBuilder()
        timeouts.add("request", rule.requestTimeout.map(TrafficDocument.duration))
        timeouts.add("backendRequest", rule.backendRequestTimeout.map(TrafficDocument.duration))
        object.add("timeouts", timeouts.valueIfAny)
        object.add("retry", rule.retry.map(TrafficDocument.retry))
        object.add("sessionPersistence", rule.session.map(self.session))
        return object.value
    }

    private static func match(_ match: RouteMatch) -> JSONValue {
        var object = ObjectBuilder()
        let (type, value) =
            switch match.path {
            case .exact(let path): ("Exact", path)
            case .prefix(let path): ("PathPrefix", path)
            case .regularExpression(let expression): ("RegularExpression", expression)
            }
        object.add("path", .object([.init("type", .text(type)), .init("value", .text(value))]))
        object.add("method", match.method.map(JSONValue.text))
        if !match.headers.isEmpty {
            object.add("headers", .list(match.headers.map { self.condition($0.name, $0.value) }))
        }
        if !match.queryParameters.isEmpty {
            object.add("queryParams", .list(match.queryParameters.map { self.condition($0.name, $0.value) }))
        }
        return object.value
    }

    static func condition(_ name: String, _ match: StringMatch) -> JSONValue {
        let (type, value) =
            switch match {
            case .exact(let value): ("Exact", value)
            case .regularExpression(let expression): ("RegularExpression", expression)
            case .present: ("RegularExpression", ".*")
            }
        return .object([.init("type", .text(type)), .init("name", .text(name)), .init("value", .text(value))])
    }

    static func backend(_ backend: RouteBackend) -> JSONValue {
        var object = self.reference(backend.reference)
        object.add("weight", .integer(backend.weight))
        object.add(
            "filters",
            self.filters(
                RouteFilters(
                    requestHeaders: backend.requestHeaders, responseHeaders: backend.responseHeaders,
                    rewrite: backend.rewrite, mirrors: backend.mirrors)))
        return object.value
    }

    private static func reference(_ reference: BackendReference) -> ObjectBuilder {
        var object = ObjectBuilder()
        if reference.kind == .externalService {
            object.add("group", .text("weft.dev"))
            object.add("kind", .text(reference.kind.rawValue))
        }
        object.add("name", .text(reference.service.name))
        object.add("namespace", .text(reference.service.namespace))
        object.add("port", .integer(reference.port))
        return object
    }

    static func filters(_ filters: RouteFilters) -> JSONValue? {
        var list: [JSONValue] = []
        func add(_ type: String, _ field: String, _ value: JSONValue?) {
            if let value { list.append(.object([.init("type", .text(type)), .init(field, value)])) }
        }
        func modifier(_ modifier: HeaderModifier) -> JSONValue? { modifier.isEmpty ? nil : self.modifier(modifier) }
        add("RequestHeaderModifier", "requestHeaderModifier", modifier(filters.requestHeaders))
        add("ResponseHeaderModifier", "responseHeaderModifier", modifier(filters.responseHeaders))
        add("RequestRedirect", "requestRedirect", filters.redirect.map(self.redirect))
        add("URLRewrite", "urlRewrite", filters.rewrite.map(self.rewrite))
        for mirror in filters.mirrors { add("RequestMirror", "requestMirror", self.mirror(mirror)) }
        return list.isEmpty ? nil : .list(list)
    }

    private static func redirect(_ redirect: RequestRedirect) -> JSONValue {
        var object = ObjectBuilder()
        object.add("scheme", redirect.scheme.map(JSONValue.text))
        object.add("hostname", redirect.hostname.map(JSONValue.text))
        object.add("path", redirect.path.map(self.path))
        object.add("port", redirect.port.map(JSONValue.integer))
        object.add("statusCode", .integer(redirect.status))
        return object.value
    }

    private static func rewrite(_ rewrite: URLRewrite) -> JSONValue {
        var object = ObjectBuilder()
        object.add("hostname", rewrite.hostname.map(JSONValue.text))
        object.add("path", rewrite.path.map(self.path))
        return object.value
    }

    private static func path(_ path: PathModifier) -> JSONValue {
        switch path {
        case .full(let text):
            .object([.init("type", .text("ReplaceFullPath")), .init("replaceFullPath", .text(text))])
        case .prefix(let text):
            .object([.init("type", .text("ReplacePrefixMatch")), .init("replacePrefixMatch", .text(text))])
        }
    }

    private static func mirror(_ mirror: RouteMirror) -> JSONValue {
        var object = ObjectBuilder()
        object.add("backendRef", self.reference(mirror.backend).value)
        if mirror.fraction != .all {
            object.add(
                "fraction",
                .object([
                    .init("numerator", .integer(mirror.fraction.numerator)),
                    .init("denominator", .integer(mirror.fraction.denominator)),
                ]))
        }
        return object.value
    }

    static func session(_ session: SessionPersistence) -> JSONValue {
        var object = ObjectBuilder()
        object.add("type", .text(session.carrier.rawValue))
        object.add("sessionName", .text(session.name))
        object.add("absoluteTimeout", session.absoluteTimeout.map(TrafficDocument.duration))
        if session.isPermanent {
            object.add("cookieConfig", .object([.init("lifetimeType", .text("Permanent"))]))
        }
        return object.value
    }

    private static func modifier(_ modifier: HeaderModifier) -> JSONValue {
        func headers(_ headers: [HeaderModifier.Header]) -> JSONValue? {
            guard !headers.isEmpty else { return nil }
            return .list(headers.map { .object([.init("name", .text($0.name)), .init("value", .text($0.value))]) })
        }
        var object = ObjectBuilder()
        object.add("set", headers(modifier.set))
        object.add("add", headers(modifier.add))
        if !modifier.remove.isEmpty { object.add("remove", .list(modifier.remove.map(JSONValue.text))) }
        return object.value
    }
}
