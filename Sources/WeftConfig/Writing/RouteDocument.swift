internal import WeftModel

/// Writes the specs of `GRPCRoute`, `TCPRoute`, `TLSRoute` and `ReferenceGrant`.
enum RouteDocument {
    static func spec(_ route: GRPCRoute) -> JSONValue {
        var object = ObjectBuilder()
        object.add("parentRefs", .list(route.parents.map(HTTPRouteDocument.parent)))
        if !route.rules.isEmpty { object.add("rules", .list(route.rules.map(self.rule))) }
        return object.value
    }

    private static func rule(_ rule: GRPCRoute.Rule) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", rule.name.map(JSONValue.text))
        if !rule.matches.isEmpty { object.add("matches", .list(rule.matches.map(self.match))) }
        object.add(
            "filters",
            HTTPRouteDocument.filters(
                RouteFilters(
                    requestHeaders: rule.requestHeaders, responseHeaders: rule.responseHeaders,
                    mirrors: rule.mirrors)))
        if !rule.backends.isEmpty { object.add("backendRefs", .list(rule.backends.map(HTTPRouteDocument.backend))) }
        object.add("sessionPersistence", rule.session.map(HTTPRouteDocument.session))
        return object.value
    }

    private static func match(_ match: GRPCRouteMatch) -> JSONValue {
        var object = ObjectBuilder()
        var method = ObjectBuilder()
        let isExpression = [match.service, match.method].contains {
            if case .regularExpression = $0 { true } else { false }
        }
        if match.service != nil || match.method != nil {
            method.add("type", .text(isExpression ? "RegularExpression" : "Exact"))
        }
        method.add("service", match.service.flatMap(self.text))
        method.add("method", match.method.flatMap(self.text))
        object.add("method", method.valueIfAny)
        if !match.headers.isEmpty {
            object.add("headers", .list(match.headers.map { HTTPRouteDocument.condition($0.name, $0.value) }))
        }
        return object.value
    }

    private static func text(_ match: StringMatch) -> JSONValue? {
        switch match {
        case .exact(let text), .regularExpression(let text): .text(text)
        case .present: nil
        }
    }

    static func spec(_ route: StreamRoute) -> JSONValue {
        var object = ObjectBuilder()
        object.add("parentRefs", .list(route.parents.map(HTTPRouteDocument.parent)))
        if !route.hostnames.isEmpty { object.add("hostnames", .list(route.hostnames.map(JSONValue.text))) }
        var rule = ObjectBuilder()
        rule.add("name", route.ruleName.map(JSONValue.text))
        rule.add("backendRefs", .list(route.backends.map(HTTPRouteDocument.backend)))
        object.add("rules", .list([rule.value]))
        return object.value
    }

    static func spec(_ grant: ReferenceGrant) -> JSONValue {
        .object([
            .init(
                "from",
                .list(
                    grant.from.map { source in
                        .object([
                            .init("group", .text("gateway.networking.k8s.io")),
                            .init("kind", .text(source.kind.rawValue)), .init("namespace", .text(source.namespace)),
                        ])
                    })),
            .init(
                "to",
                .list(
                    grant.to.map { target in
                        var object = ObjectBuilder()
                        object.add("group", .text(target.kind == .service ? "" : "weft.dev"))
                        object.add("kind", .text(target.kind.rawValue))
                        object.add("name", target.name.map(JSONValue.text))
                        return object.value
                    })),
        ])
    }
}

/// Writes the spec of an `ExternalService`.
enum ExternalServiceDocument {
    static func spec(_ service: ExternalService) -> JSONValue {
        var object = ObjectBuilder()
        object.add("host", .text(service.host))
        object.add("ports", .list(service.ports.map(self.port)))
        return object.value
    }

    private static func port(_ port: ExternalService.Port) -> JSONValue {
        var object = ObjectBuilder()
        if !port.name.isEmpty { object.add("name", .text(port.name)) }
        object.add("port", .integer(port.port))
        object.add("targetPort", .integer(port.targetPort))
        object.add("appProtocol", .text(port.appProtocol.rawValue))
        if let tls = port.tls {
            var part = ObjectBuilder()
            part.add("serverName", .text(tls.serverName))
            part.add("subjectAltNames", .list(tls.names.map(JSONValue.text)))
            part.add("rootsFile", tls.rootsFile.map(JSONValue.text))
            object.add("tls", part.value)
        }
        return object.value
    }
}
