internal import WeftModel

/// Reads `gateway.networking.k8s.io/v1 GRPCRoute` with Services as parents.
///
/// Limits are Gateway API's: 16 rules, 64 matches per rule and 128 in total, 16 backends per rule.
enum GRPCRouteReader {
    static func read(_ document: ObjectFields) -> GRPCRoute? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["parentRefs", "hostnames", "rules"]) else { return nil }
        spec["hostnames"]?.warn(
            "host names do not count on a route of the mesh: the parent Service says which calls it takes",
            remedy: "Remove `hostnames`.")
        let namespace = metadata?.namespace ?? "default"
        let ruleFields = spec["rules"].map { $0.list(atMost: 16) } ?? []
        let rules = ruleFields?.compactMap { self.rule($0, namespace: namespace) }
        if let rulesField = spec["rules"], let rules {
            RouteRuleChecks.checkTogether(
                names: rules.map(\.name), matches: rules.reduce(0) { $0 + $1.matches.count }, rulesField)
        }
        let parents = RouteParentReader.read(spec, namespace: namespace)
        guard let metadata, let parents, let rules else { return nil }
        return GRPCRoute(metadata: metadata, parents: parents, rules: rules)
    }

    private static func rule(_ field: Field, namespace: String) -> GRPCRoute.Rule? {
        guard let object = field.object(known: ["name", "matches", "filters", "backendRefs", "sessionPersistence"])
        else { return nil }
        var rule = GRPCRoute.Rule(name: object["name"]?.subdomain("rule name"), line: field.node.line)
        rule.matches = object["matches"]?.list(atMost: 64)?.compactMap(self.match) ?? []
        if let filters = object["filters"] {
            let read = RouteFilterReader.read(filters, supported: RouteFilterReader.grpc, namespace: namespace)
            rule.requestHeaders = read.requestHeaders
            rule.responseHeaders = read.responseHeaders
            rule.mirrors = read.mirrors
        }
        rule.backends = (object["backendRefs"]?.list(atMost: 16) ?? []).compactMap {
            BackendReader.backend($0, namespace: namespace, filters: RouteFilterReader.grpc)
        }
        rule.session = object["sessionPersistence"].flatMap(SessionPersistenceReader.read)
        return rule
    }

    private enum MatchType: String, CaseIterable { case Exact, RegularExpression }

    private static func match(_ field: Field) -> GRPCRouteMatch? {
        guard let object = field.object(known: ["method", "headers"]) else { return nil }
        var match = GRPCRouteMatch()
        if let headers = object["headers"] { match.headers = RouteMatchReader.headers(headers) }
        guard let method = object["method"] else { return match }
        guard let parts = method.object(known: ["type", "service", "method"]) else { return nil }
        let type: MatchType? = parts["type"].map { $0.word() } ?? .Exact
        guard let type else { return nil }
        if parts["service"] == nil, parts["method"] == nil {
            method.refuse("the match names neither service nor method", remedy: "Add `service`, `method` or both.")
        }
        match.service = parts["service"].flatMap { self.name($0, type, "service", allowing: ".") }
        match.method = parts["method"].flatMap { self.name($0, type, "method", allowing: "") }
        return match
    }

    /// Source: Gateway API: names of protobuf, dots in a service's only.
    private static func name(_ field: Field, _ type: MatchType, _ what: String, allowing more: String) -> StringMatch? {
        guard let text = field.text(atMost: 1024) else { return nil }
        if type == .RegularExpression {
            return RouteMatchReader.isExpression(text, field) ? .regularExpression(text) : nil
        }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: more.utf8.contains(byte)
            }
        }
        guard isName else {
            field.refuse(
                "\"\(YAMLNode.shortened(text))\" is no gRPC \(what)",
                remedy: "Write it as the protocol file does, without slashes.")
            return nil
        }
        return .exact(text)
    }
}

/// What the rules of a route must keep together.
enum RouteRuleChecks {
    static func checkTogether(names: [String?], matches: Int, _ field: Field) {
        if matches > 128 {
            field.refuse("the rules have \(matches) matches; at most 128 are allowed", remedy: "Split the route.")
        }
        var seen: Set<String> = []
        for name in names.compactMap(\.self) where !seen.insert(name).inserted {
            field.refuse("two rules are named \(name)", remedy: "Give each rule a name of its own.")
        }
    }
}
