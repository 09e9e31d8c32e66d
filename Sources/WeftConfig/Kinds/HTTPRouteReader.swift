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
        let parents = spec.required(
            "parentRefs", remedy: "Add `parentRefs:` with an item of `group: \"\"`, `kind: Service` and a `name`."
        )?.list(atLeast: 1, atMost: 32)
        let ruleFields = spec["rules"].map { $0.list(atMost: 16) } ?? []
        let namespace = metadata?.namespace ?? "default"
        let rules = ruleFields?.compactMap { self.rule($0, namespace: namespace) }
        if let rulesField = spec["rules"], let rules { self.checkTogether(rules, rulesField) }
        let parentRefs = parents?.compactMap { self.parent($0, namespace: namespace) }
        if let parents, let parentRefs { self.refuseRepeatedParents(parentRefs, parents) }
        guard let metadata, let parentRefs, let rules else { return nil }
        return HTTPRoute(metadata: metadata, parents: parentRefs, rules: rules)
    }

    private static func checkTogether(_ rules: [HTTPRoute.Rule], _ field: Field) {
        let matches = rules.reduce(0) { $0 + $1.matches.count }
        if matches > 128 {
            field.refuse("the rules have \(matches) matches; at most 128 are allowed", remedy: "Split the route.")
        }
        var names: Set<String> = []
        for name in rules.compactMap(\.name) where !names.insert(name).inserted {
            field.refuse("two rules are named \(name)", remedy: "Give each rule a name of its own.")
        }
    }

    private static func refuseRepeatedParents(_ parents: [HTTPRoute.Parent], _ fields: [Field]) {
        guard parents.count == fields.count else { return }
        for (index, parent) in parents.enumerated() where parents[..<index].contains(parent) {
            fields[index].refuse("this parent stands here already", remedy: "Remove it, or name another port.")
        }
    }

    private static func parent(_ field: Field, namespace: String) -> HTTPRoute.Parent? {
        guard let object = field.object(known: ["group", "kind", "name", "namespace", "port", "sectionName"]) else {
            return nil
        }
        let group = object["group"].map { $0.anyText() } ?? "gateway.networking.k8s.io"
        let kind = object["kind"].map { $0.text() } ?? "Gateway"
        guard let group, let kind else { return nil }
        guard kind == "Service" else {
            (object["kind"] ?? field).refuse(
                kind == "Gateway"
                    ? "the parent is a Gateway: it governs the calls from outside, Weft those between services"
                    : "a \(YAMLNode.shortened(kind)) cannot be a parent in the mesh",
                remedy: "Name a Service (`group: \"\"`, `kind: Service`), or apply this route to your gateway.")
            return nil
        }
        if !group.isEmpty {
            (object["group"] ?? field).refuse(
                "a Service has the empty group; a missing one stands for gateway.networking.k8s.io",
                remedy: "Write group: \"\".")
        }
        let service = object.required("name", remedy: "Add the `name` of the Service.")?.label("service")
        if let field = object["namespace"], let other = field.label("namespace"), other != namespace {
            field.refuse(
                "the Service is in \(other), the route in \(namespace): routes of one namespace for the services of "
                    + "another (consumer routes) are not supported",
                remedy: "Put the route into the namespace \(other).")
        }
        let port = object["port"].map { $0.port() }
        let section = object["sectionName"].map { $0.portName() }
        guard let service else { return nil }
        return HTTPRoute.Parent(
            service: ServiceName(namespace: namespace, name: service), port: port ?? nil, portName: section ?? nil)
    }

    private static func rule(_ field: Field, namespace: String) -> HTTPRoute.Rule? {
        guard
            let object = field.object(
                known: ["name", "matches", "filters", "backendRefs", "timeouts", "retry"],
                refused: ["sessionPersistence": "Requests cannot be kept on one endpoint yet."])
        else { return nil }
        var rule = HTTPRoute.Rule(line: field.node.line)
        rule.name = object["name"]?.subdomain("rule name")
        rule.matches = object["matches"]?.list(atMost: 64)?.compactMap(RouteMatchReader.read) ?? []
        if let filters = object["filters"] {
            (rule.requestHeaders, rule.responseHeaders) = HeaderModifierReader.readFilters(filters)
        }
        let backends = object["backendRefs"]?.list(atMost: 16) ?? []
        rule.backends = backends.compactMap { self.backend($0, namespace: namespace) }
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

    private static func backend(_ field: Field, namespace: String) -> HTTPRoute.Backend? {
        guard
            let object = field.object(known: ["group", "kind", "name", "namespace", "port", "weight", "filters"])
        else { return nil }
        if let group = object["group"], let text = group.anyText(), !text.isEmpty {
            group.refuse(
                "a Service has the empty group, not \"\(YAMLNode.shortened(text))\"", remedy: "Remove `group`.")
        }
        if let kind = object["kind"], let text = kind.text(), text != "Service" {
            kind.refuse(
                "traffic cannot go to a \(YAMLNode.shortened(text))", remedy: "Name a Service, or remove `kind`.")
        }
        let service = object.required("name", remedy: "Add the `name` of the Service.")?.label("service")
        let target = object["namespace"].map { $0.label("namespace") } ?? namespace
        let port = object.required("port", remedy: "Add the `port` of the Service, the one that callers use.")?.port()
        let weight = object["weight"].map { $0.integer(in: 0...1_000_000, "weight") } ?? 1
        var headers = (request: HeaderModifier(), response: HeaderModifier())
        if let filters = object["filters"] { headers = HeaderModifierReader.readFilters(filters) }
        guard let service, let target, let port, let weight else { return nil }
        return HTTPRoute.Backend(
            service: ServiceName(namespace: target, name: service), port: port, weight: weight,
            requestHeaders: headers.request, responseHeaders: headers.response)
    }
}
