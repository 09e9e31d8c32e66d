internal import WeftModel

/// Reads `gateway.networking.k8s.io/v1 HTTPRoute` with Services as parents.
///
/// Limits are Gateway API's: 16 rules, 64 matches per rule and 128 in total, 16 backends per rule.
enum HTTPRouteReader {
    static func read(_ document: ObjectFields) -> HTTPRoute? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["parentRefs", "hostnames", "rules"]) else { return nil }
        spec["hostnames"]?.warn(
            "host names do not count on a route of the mesh: the parent Service says which calls it takes",
            remedy: "Remove `hostnames`; to tell hosts apart match the header Host.")
        let ruleFields = spec["rules"].map { $0.list(atMost: 16) } ?? []
        let namespace = metadata?.namespace ?? "default"
        let rules = ruleFields?.compactMap { self.rule($0, namespace: namespace) }
        if let rulesField = spec["rules"], let rules {
            RouteRuleChecks.checkTogether(
                names: rules.map(\.name), matches: rules.reduce(0) { $0 + $1.matches.count }, rulesField)
        }
        let parents = RouteParentReader.read(spec, namespace: namespace)
        guard let metadata, let parents, let rules else { return nil }
        return HTTPRoute(metadata: metadata, parents: parents, rules: rules)
    }

    private static func rule(_ field: Field, namespace: String) -> HTTPRoute.Rule? {
        guard
            let object = field.object(
                known: [
                    "name", "matches", "filters", "backendRefs", "timeouts", "retry", "sessionPersistence",
                ])
        else { return nil }
        var rule = HTTPRoute.Rule(line: field.node.line)
        rule.lines = TrafficSettingsReader.lines(field.node) { $0.ruleField }
        rule.name = object["name"]?.subdomain("rule name")
        rule.matches = object["matches"]?.list(atMost: 64)?.compactMap(RouteMatchReader.read) ?? []
        if let filters = object["filters"] {
            let read = RouteFilterReader.read(filters, supported: RouteFilterReader.httpRule, namespace: namespace)
            rule.requestHeaders = read.requestHeaders
            rule.responseHeaders = read.responseHeaders
            rule.redirect = read.redirect
            rule.rewrite = read.rewrite
            rule.mirrors = read.mirrors
        }
        let backends = object["backendRefs"]?.list(atMost: 16) ?? []
        rule.backends = backends.compactMap {
            BackendReader.backend($0, namespace: namespace, filters: RouteFilterReader.httpBackend)
        }
        if rule.redirect != nil, !backends.isEmpty {
            object["backendRefs"]?.refuse(
                "the rule redirects, so nothing ever goes to its backends", remedy: "Remove them, or the redirect.")
        }
        if rule.redirect != nil {
            for name in ["timeouts", "retry", "sessionPersistence"] {
                object[name]?.warn(
                    "the rule answers every request with its redirect, so there is nothing that `\(name)` could act on",
                    remedy: "Remove it, or the redirect.")
            }
        }
        self.checkPrefixes(rule, field)
        rule.session = object["sessionPersistence"].flatMap(SessionPersistenceReader.read)
        if let timeouts = object["timeouts"] { self.readTimeouts(timeouts, into: &rule) }
        if let retry = object["retry"] { rule.retry = self.retry(retry) }
        return rule
    }

    /// Source: GEP-1742.
    private static func readTimeouts(_ field: Field, into rule: inout HTTPRoute.Rule) {
        guard let object = field.object(known: ["request", "backendRequest"]) else { return }
        rule.requestTimeout = object["request"]?.duration()
        rule.backendRequestTimeout = object["backendRequest"]?.duration()
        if let request = rule.requestTimeout, let attempt = rule.backendRequestTimeout, request > .zero,
            attempt > request
        {
            object["backendRequest"]?.refuse(
                "one attempt may take \(DurationText.text(attempt)), but the whole request only "
                    + DurationText.text(request),
                remedy: "Make `backendRequest` shorter than `request`, or remove it.")
        }
    }

    /// Source: GEP-1731.
    private static func retry(_ field: Field) -> RetrySettings? {
        guard let object = field.object(known: ["attempts", "codes", "backoff"]) else { return nil }
        var retry = RetrySettings()
        retry.attempts = object["attempts"]?.integer(in: 0...10, "number of retries")
        retry.statuses = object["codes"].flatMap(TrafficSettingsReader.statuses)
        retry.backoffBase = object["backoff"]?.duration(allowsZero: false)
        return retry
    }

    /// Prefixes can be replaced only where one was matched, in every match of the rule.
    private static func checkPrefixes(_ rule: HTTPRoute.Rule, _ field: Field) {
        let replaces = [rule.redirect?.path, rule.rewrite?.path] + rule.backends.map(\.rewrite?.path)
        guard replaces.contains(where: { if case .prefix = $0 { true } else { false } }) else { return }
        let others = rule.matches.contains { if case .prefix = $0.path { false } else { true } }
        guard others else { return }
        field.refuse(
            "ReplacePrefixMatch replaces the prefix that was matched, and a match of this rule has none",
            remedy: "Match with PathPrefix, or use ReplaceFullPath.")
    }
}
