internal import WeftModel

/// Writes the specs of `TrafficPolicy` and `MeshSettings`.
enum TrafficDocument {
    static func spec(_ policy: TrafficPolicy) -> JSONValue {
        var object = ObjectBuilder()
        object.add("targetRefs", .list(policy.targets.map(self.target)))
        self.add(policy.settings, to: &object)
        return object.value
    }

    static func spec(_ settings: MeshSettings) -> JSONValue {
        var object = ObjectBuilder()
        object.add("mtls", .object([.init("mode", .text(settings.mtls.rawValue))]))
        if settings.egress != .deny {
            object.add("egress", .object([.init("unknown", .text(settings.egress.rawValue))]))
        }
        if settings.authorization != .allow {
            object.add(
                "authorization", .object([.init("default", .text(settings.authorization.rawValue.lowercased()))]))
        }
        if settings.crossNamespaceBackends != .any {
            object.add(
                "routes", .object([.init("crossNamespaceBackends", .text(settings.crossNamespaceBackends.rawValue))]))
        }
        var traffic = ObjectBuilder()
        self.add(settings.traffic, to: &traffic)
        object.add("traffic", traffic.valueIfAny)
        return object.value
    }

    private static func target(_ target: TrafficPolicy.Target) -> JSONValue {
        switch target {
        case .service(let service):
            .object([.init("group", .text("")), .init("kind", .text("Service")), .init("name", .text(service.name))])
        case .route(_, let name): self.target("gateway.networking.k8s.io", "HTTPRoute", name)
        case .grpcRoute(_, let name): self.target("gateway.networking.k8s.io", "GRPCRoute", name)
        case .externalService(let service): self.target("weft.dev", "ExternalService", service.name)
        }
    }

    private static func target(_ group: String, _ kind: String, _ name: String) -> JSONValue {
        .object([.init("group", .text(group)), .init("kind", .text(kind)), .init("name", .text(name))])
    }

    private static func add(_ settings: TrafficSettings, to object: inout ObjectBuilder) {
        var timeouts = ObjectBuilder()
        timeouts.add("request", settings.requestTimeout.map(self.duration))
        timeouts.add("perTry", settings.perTryTimeout.map(self.duration))
        timeouts.add("connect", settings.connectTimeout.map(self.duration))
        timeouts.add("idle", settings.idleTimeout.map(self.duration))
        timeouts.add("trustDeadlines", settings.trustDeadlines.map(JSONValue.boolean))
        object.add("timeouts", timeouts.valueIfAny)
        object.add("forwarding", settings.forwarding.map(self.forwarding))
        object.add("retry", settings.retry.map(self.retry))
        BalancingDocument.add(settings, to: &object)
        var limits = ObjectBuilder()
        limits.add("connections", settings.maxConnections.map(JSONValue.integer))
        limits.add("pendingRequests", settings.maxPendingRequests.map(JSONValue.integer))
        limits.add("requests", settings.maxRequests.map(JSONValue.integer))
        limits.add("retries", settings.maxRetries.map(JSONValue.integer))
        object.add("limits", limits.valueIfAny)
        ResilienceDocument.add(settings, to: &object)
    }

    private static func forwarding(_ forwarding: ForwardingSettings) -> JSONValue {
        var object = ObjectBuilder()
        object.add("trustCallers", forwarding.trustsCallers.map(JSONValue.boolean))
        object.add("addresses", forwarding.keepsAddresses.map { .text($0 ? "keep" : "append") })
        object.add("via", forwarding.namesItself.map(JSONValue.boolean))
        object.add("escapedSlashes", forwarding.keepsEscapedSlashes.map { .text($0 ? "keep" : "refuse") })
        return object.value
    }

    static func retry(_ retry: RetrySettings) -> JSONValue {
        var object = ObjectBuilder()
        object.add("attempts", retry.attempts.map(JSONValue.integer))
        object.add("codes", retry.statuses.map(self.numbers))
        object.add("grpcCodes", retry.grpcStatuses.map(self.numbers))
        object.add("nonIdempotent", retry.nonIdempotent.map(JSONValue.boolean))
        object.add("backoff", retry.backoffBase.map(self.duration))
        var budget = ObjectBuilder()
        budget.add("percent", retry.budgetRatio.map { .decimal(($0 * 1e8).rounded() / 1e6) })
        budget.add("minRetryRate", retry.budgetMinPerSecond.map(JSONValue.integer))
        object.add("budget", budget.valueIfAny)
        return object.value
    }

    private static func numbers(_ numbers: Set<Int>) -> JSONValue { .list(numbers.sorted().map(JSONValue.integer)) }

    static func duration(_ duration: Duration) -> JSONValue { .text(DurationText.text(duration)) }
}
