internal import WeftModel

/// Reads the knobs that `TrafficPolicy` and `MeshSettings` share.
enum TrafficSettingsReader {
    static let fields = [
        "timeouts", "forwarding", "retry", "hedging", "rateLimits", "fault", "loadBalancing", "limits", "stickyCohort",
        "outliers",
        "healthCheck", "overload",
    ]

    static func read(_ object: ObjectFields) -> TrafficSettings {
        var settings = TrafficSettings()
        settings.lines = self.lines(object.field.node)
        if let timeouts = object["timeouts"] { self.readTimeouts(timeouts, into: &settings) }
        settings.forwarding = object["forwarding"].flatMap(self.forwarding)
        if let retry = object["retry"] { settings.retry = self.retry(retry) }
        if let balancing = object["loadBalancing"] { BalancingReader.read(balancing, into: &settings) }
        settings.stickyCohort = object["stickyCohort"].flatMap(BalancingReader.key)
        settings.outliers = object["outliers"].flatMap(OutlierReader.outliers)
        settings.healthCheck = object["healthCheck"].flatMap(OutlierReader.healthCheck)
        settings.overload = object["overload"].flatMap(OverloadReader.read)
        if let limits = object["limits"]?.object(known: ["connections", "pendingRequests", "requests", "retries"]) {
            settings.maxConnections = limits["connections"]?.integer(in: 1...1_000_000, "limit of connections")
            settings.maxPendingRequests = limits["pendingRequests"]?.integer(
                in: 0...1_000_000, "limit of waiting requests")
            settings.maxRequests = limits["requests"]?.integer(in: 1...1_000_000, "limit of requests")
            settings.maxRetries = limits["retries"]?.integer(in: 0...1_000_000, "limit of retries")
        }
        settings.hedging = object["hedging"].flatMap(ResilienceReader.hedging)
        settings.rateLimits = object["rateLimits"].flatMap(ResilienceReader.rateLimits)
        settings.fault = object["fault"].flatMap(ResilienceReader.fault)
        return settings
    }

    /// Where each knob that the document sets stands.
    private static func lines(_ node: YAMLNode) -> [TrafficSetting: Int] { self.lines(node) { $0.rawValue } }

    /// Where each knob stands whose field in this document `field` knows.
    static func lines(_ node: YAMLNode, field: (TrafficSetting) -> String?) -> [TrafficSetting: Int] {
        var lines: [TrafficSetting: Int] = [:]
        for setting in TrafficSetting.allCases {
            guard let path = field(setting) else { continue }
            var place: (node: YAMLNode, line: Int)? = (node, node.line)
            for name in path.split(separator: ".") {
                guard case .object(let entries)? = place?.node.value else {
                    place = nil
                    break
                }
                place = entries.first { $0.key == name }.map { ($0.value, $0.line) }
            }
            if let place, place.node.value != .null { lines[setting] = place.line }
        }
        return lines
    }

    private static func readTimeouts(_ field: Field, into settings: inout TrafficSettings) {
        guard let object = field.object(known: ["request", "perTry", "connect", "idle", "trustDeadlines"]) else {
            return
        }
        settings.requestTimeout = object["request"]?.duration()
        settings.perTryTimeout = object["perTry"]?.duration()
        settings.connectTimeout = object["connect"]?.duration(allowsZero: false)
        settings.idleTimeout = object["idle"]?.duration()
        settings.trustDeadlines = object["trustDeadlines"]?.boolean()
        if let request = settings.requestTimeout, let perTry = settings.perTryTimeout, request > .zero,
            perTry >= request
        {
            object["perTry"]?.refuse(
                "one try may take \(DurationText.text(perTry)), but the whole request only "
                    + "\(DurationText.text(request)): no second try could ever start",
                remedy: "Make `perTry` shorter than `request`, or remove it.")
        }
    }

    private enum Addresses: String, CaseIterable { case append, keep }
    private enum EscapedSlashes: String, CaseIterable { case refuse, keep }

    private static func forwarding(_ field: Field) -> ForwardingSettings? {
        guard let object = field.object(known: ["trustCallers", "addresses", "via", "escapedSlashes"]) else {
            return nil
        }
        var forwarding = ForwardingSettings()
        forwarding.trustsCallers = object["trustCallers"]?.boolean()
        forwarding.keepsAddresses = object["addresses"]?.word(Addresses.self).map { $0 == .keep }
        forwarding.namesItself = object["via"]?.boolean()
        forwarding.keepsEscapedSlashes = object["escapedSlashes"]?.word(EscapedSlashes.self).map { $0 == .keep }
        return forwarding
    }

    private static func retry(_ field: Field) -> RetrySettings? {
        guard
            let object = field.object(known: ["attempts", "codes", "grpcCodes", "nonIdempotent", "backoff", "budget"])
        else { return nil }
        var retry = RetrySettings()
        retry.attempts = object["attempts"]?.integer(in: 0...10, "number of retries")
        retry.statuses = object["codes"].flatMap(Self.statuses)
        retry.grpcStatuses = object["grpcCodes"].flatMap(self.grpcStatuses)
        retry.nonIdempotent = object["nonIdempotent"]?.boolean()
        retry.backoffBase = object["backoff"]?.duration(allowsZero: false)
        if let budget = object["budget"]?.object(known: ["percent", "minRetryRate"]) {
            retry.budgetRatio = budget["percent"]?.number(in: 0...100, "percentage").map { $0 / 100 }
            retry.budgetMinPerSecond = budget["minRetryRate"]?.integer(in: 0...100_000, "number of retries per second")
        }
        return retry
    }

    /// Response statuses worth a retry. Source: GEP-1731.
    static func statuses(_ field: Field) -> Set<Int>? {
        field.list(atMost: 64).map { items in
            Set(items.compactMap { $0.integer(in: 400...599, "status worth a retry") })
        }
    }

    private static func grpcStatuses(_ field: Field) -> Set<Int>? {
        guard let items = field.list(atMost: 16) else { return nil }
        return Set(items.compactMap(self.grpcStatus))
    }

    /// A failure by number, or by the name in the gRPC documentation.
    static func grpcStatus(_ field: Field) -> Int? {
        guard case .text(let text) = field.node.value else { return field.integer(in: 1...16, "gRPC status") }
        if let index = GRPCStatusName.all.firstIndex(of: text) { return index + 1 }
        field.refuse(
            "there is no gRPC status \"\(YAMLNode.shortened(text))\" of a failure",
            remedy: Suggestion.remedy(for: text, among: GRPCStatusName.all, noun: "Values"))
        return nil
    }
}

/// The names of gRPC's statuses above OK. Source: gRPC status codes.
enum GRPCStatusName {
    /// From 1, `CANCELLED`, to 16, `UNAUTHENTICATED`.
    static let all = [
        "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}

/// Reads `weft.dev/v1 TrafficPolicy`.
enum TrafficPolicyReader {
    static func read(_ document: ObjectFields) -> TrafficPolicy? {
        let metadata = MetadataReader.read(document, nameIsLabel: false)
        guard let spec = document.spec(known: ["targetRefs"] + TrafficSettingsReader.fields) else { return nil }
        let settings = TrafficSettingsReader.read(spec)
        let targets = spec.required(
            "targetRefs", remedy: "Add `targetRefs:` with an item of `group: \"\"`, `kind: Service` and a `name`."
        )?.list(atLeast: 1, atMost: 16)
        guard let metadata, let targets else { return nil }
        if TrafficSettingsReader.fields.allSatisfy({ spec[$0] == nil }) {
            spec.field.warn(
                "the policy sets nothing",
                remedy: "Add one of \(TrafficSettingsReader.fields.joined(separator: ", ")).")
        }
        return TrafficPolicy(
            metadata: metadata,
            targets: targets.compactMap { self.target($0, namespace: metadata.namespace, settings: settings) },
            settings: settings)
    }

    private static func target(_ field: Field, namespace: String, settings: TrafficSettings) -> TrafficPolicy.Target? {
        guard
            let object = field.object(
                known: ["group", "kind", "name"],
                refused: [
                    "namespace": "A policy acts in its own namespace: put it into the target's.",
                    "sectionName": "A policy acts on the whole service or route: remove it.",
                ])
        else { return nil }
        let group = object["group"].map { $0.anyText() } ?? ""
        let kind = object.required("kind", remedy: "Write Service, HTTPRoute, GRPCRoute or ExternalService.")
        let name = object.required("name", remedy: "Add the target's `name`.")
        guard let kind, let kindName = kind.text(), let name, let group else { return nil }
        switch kindName {
        case "Service":
            if !group.isEmpty {
                object["group"]?.refuse("a Service has the empty group, not \"\(group)\"", remedy: "Write group: \"\".")
            }
            return name.label("service").map { .service(ServiceName(namespace: namespace, name: $0)) }
        case "HTTPRoute", "GRPCRoute":
            self.expect("gateway.networking.k8s.io", group, of: kindName, object["group"] ?? field)
            self.refuseServiceKnobs(settings, field)
            return name.subdomain("route").map {
                kindName == "HTTPRoute"
                    ? .route(namespace: namespace, name: $0) : .grpcRoute(namespace: namespace, name: $0)
            }
        case "ExternalService":
            self.expect("weft.dev", group, of: kindName, object["group"] ?? field)
            self.refuseInboundKnobs(settings, field)
            return name.label("external service").map {
                .externalService(ServiceName(namespace: namespace, name: $0))
            }
        default:
            kind.refuse(
                "a policy cannot act on a \(YAMLNode.shortened(kindName))",
                remedy: Suggestion.remedy(
                    for: kindName, among: ["Service", "HTTPRoute", "GRPCRoute", "ExternalService"], noun: "Values"))
            return nil
        }
    }

    private static func expect(_ expected: String, _ group: String, of kind: String, _ field: Field) {
        if group == expected { return }
        field.refuse("\(kind) has the group \(expected)", remedy: "Write group: \(expected).")
    }

    /// Some knobs act beside a service's own workloads, or on the weights of its routes: outside there are neither.
    private static func refuseInboundKnobs(_ settings: TrafficSettings, _ field: Field) {
        let idle: [TrafficSetting] = [.rateLimits, .concurrency, .trustDeadlines, .stickyCohort]
        let given = settings.given
        let knobs = TrafficSetting.allCases.filter { given.contains($0) && (idle.contains($0) || $0.isForwarding) }
        guard !knobs.isEmpty else { return }
        field.refuse(
            "\(knobs.map(\.rawValue).joined(separator: ", ")) cannot act on a destination outside: no proxy of the mesh "
                + "stands beside it, and no route has it as its parent",
            remedy: "Remove it; limits, overload.admission and outliers act on the callers' side.")
    }

    /// Some knobs belong to the connections to a service, which its routes share.
    private static func refuseServiceKnobs(_ settings: TrafficSettings, _ field: Field) {
        var knobs: [String] = []
        if settings.connectTimeout != nil { knobs.append("timeouts.connect") }
        if settings.trustDeadlines != nil { knobs.append("timeouts.trustDeadlines") }
        if settings.forwarding != nil { knobs.append("forwarding") }
        if settings.rateLimits != nil { knobs.append("rateLimits") }
        if settings.loadBalancing != nil || settings.balancing != nil { knobs.append("loadBalancing") }
        if settings.maxConnections != nil || settings.maxPendingRequests != nil || settings.maxRequests != nil
            || settings.maxRetries != nil
        {
            knobs.append("limits")
        }
        if settings.outliers != nil { knobs.append("outliers") }
        if settings.healthCheck != nil { knobs.append("healthCheck") }
        if settings.overload != nil { knobs.append("overload") }
        if settings.retry?.budgetRatio != nil || settings.retry?.budgetMinPerSecond != nil {
            knobs.append("retry.budget")
        }
        guard !knobs.isEmpty else { return }
        field.refuse(
            "\(knobs.joined(separator: ", ")) cannot differ by route: all routes to a service share its connections and proxies",
            remedy: "Set it in a policy whose target is the Service.")
    }
}

/// Reads `weft.dev/v1 MeshSettings`.
enum MeshSettingsReader {
    static func read(_ document: ObjectFields) -> MeshSettings? {
        let metadata = MetadataReader.read(document, nameIsLabel: true)
        guard let spec = document.spec(known: ["mtls", "authorization", "traffic", "egress", "routes"]) else {
            return nil
        }
        let traffic = spec["traffic"]?.object(known: TrafficSettingsReader.fields).map(TrafficSettingsReader.read)
        let mode: MTLSMode? = spec["mtls"]?.object(known: ["mode"])?
            .required("mode", remedy: "Write mode: strict, permissive or disabled.")?.word()
        let egress: EgressMode? = spec["egress"]?.object(known: ["unknown"])?
            .required("unknown", remedy: "Write unknown: allow or unknown: deny.")?.word()
        let backends: CrossNamespaceBackends? = spec["routes"]?.object(known: ["crossNamespaceBackends"])?
            .required("crossNamespaceBackends", remedy: "Write crossNamespaceBackends: any or granted.")?.word()
        let authorization: AuthorizationDefault? = spec["authorization"]?.object(known: ["default"])?
            .required("default", remedy: "Write default: allow or default: deny.")?.word()
        guard let metadata else { return nil }
        if metadata.name != "mesh" || metadata.namespace != "default" {
            document.field.refuse(
                "a mesh has one MeshSettings, named mesh in the namespace default, not \(metadata.name) in "
                    + metadata.namespace,
                remedy: "Write name: mesh and remove the namespace.")
        }
        var settings = MeshSettings(metadata: metadata, traffic: traffic ?? TrafficSettings(), mtls: mode ?? .strict)
        settings.egress = egress ?? .deny
        settings.crossNamespaceBackends = backends ?? .any
        settings.authorization = authorization == .deny ? .deny : .allow
        return settings
    }

    private enum AuthorizationDefault: String, CaseIterable { case allow, deny }
}
