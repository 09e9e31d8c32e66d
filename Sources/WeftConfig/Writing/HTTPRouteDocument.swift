internal import WeftModel

/// Writes the spec of an `HTTPRoute`.
enum HTTPRouteDocument {
    static func spec(_ route: HTTPRoute) -> JSONValue {
        var object = ObjectBuilder()
        object.add("parentRefs", .list(route.parents.map(self.parent)))
        if !route.rules.isEmpty { object.add("rules", .list(route.rules.map(self.rule))) }
        return object.value
    }

    private static func parent(_ parent: HTTPRoute.Parent) -> JSONValue {
        var object = ObjectBuilder()
        object.add("group", .text(""))
        object.add("kind", .text("Service"))
        object.add("name", .text(parent.service.name))
        object.add("port", parent.port.map(JSONValue.integer))
        object.add("sectionName", parent.portName.map(JSONValue.text))
        return object.value
    }

    private static func rule(_ rule: HTTPRoute.Rule) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", rule.name.map(JSONValue.text))
        if !rule.matches.isEmpty { object.add("matches", .list(rule.matches.map(self.match))) }
        object.add("filters", self.filters(request: rule.requestHeaders, response: rule.responseHeaders))
        if !rule.backends.isEmpty { object.add("backendRefs", .list(rule.backends.map(self.backend))) }
        var timeouts = ObjectBuilder()
        timeouts.add("request", rule.requestTimeout.map(TrafficDocument.duration))
        timeouts.add("backendRequest", rule.backendRequestTimeout.map(TrafficDocument.duration))
        object.add("timeouts", timeouts.valueIfAny)
        object.add("retry", rule.retry.map(TrafficDocument.retry))
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

    private static func condition(_ name: String, _ match: StringMatch) -> JSONValue {
        let (type, value) =
            switch match {
            case .exact(let value): ("Exact", value)
            case .regularExpression(let expression): ("RegularExpression", expression)
            case .present: ("RegularExpression", ".*")
            }
        return .object([.init("type", .text(type)), .init("name", .text(name)), .init("value", .text(value))])
    }

    private static func backend(_ backend: HTTPRoute.Backend) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", .text(backend.service.name))
        object.add("namespace", .text(backend.service.namespace))
        object.add("port", .integer(backend.port))
        object.add("weight", .integer(backend.weight))
        object.add("filters", self.filters(request: backend.requestHeaders, response: backend.responseHeaders))
        return object.value
    }

    private static func filters(request: HeaderModifier, response: HeaderModifier) -> JSONValue? {
        var filters: [JSONValue] = []
        for (type, field, modifier) in [
            ("RequestHeaderModifier", "requestHeaderModifier", request),
            ("ResponseHeaderModifier", "responseHeaderModifier", response),
        ] where !modifier.isEmpty {
            filters.append(.object([.init("type", .text(type)), .init(field, self.modifier(modifier))]))
        }
        return filters.isEmpty ? nil : .list(filters)
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
