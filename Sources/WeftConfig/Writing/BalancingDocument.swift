internal import WeftModel

/// Writes what a policy says about balancing, outliers, health checks and overload.
enum BalancingDocument {
    static func add(_ settings: TrafficSettings, to object: inout ObjectBuilder) {
        var balancing = ObjectBuilder()
        balancing.add("algorithm", settings.loadBalancing.map { .text($0.rawValue) })
        if let more = settings.balancing { self.add(more, to: &balancing) }
        object.add("loadBalancing", balancing.valueIfAny)
        object.add("stickyCohort", settings.stickyCohort.map(self.key))
        object.add("outliers", settings.outliers.map(self.outliers))
        object.add("healthCheck", settings.healthCheck.map(self.healthCheck))
        object.add("overload", settings.overload.map(self.overload))
    }

    private static func add(_ settings: BalancingSettings, to object: inout ObjectBuilder) {
        object.add("penalizeFailures", settings.penalizesFailures.map(JSONValue.boolean))
        object.add("hashOn", settings.hashKey.map(self.key))
        object.add(
            "stickiness",
            settings.stickyCookie.map { cookie in
                .object([.init("cookie", .text(cookie.name)), .init("ttl", TrafficDocument.duration(cookie.ttl))])
            })
        object.add("slowStart", settings.slowStart.map(TrafficDocument.duration))
        var zones = ObjectBuilder()
        zones.add("prefer", settings.prefersZone.map(JSONValue.boolean))
        zones.add("failover", settings.failover.map { .list($0.map { .text($0) }) })
        object.add("zones", zones.valueIfAny)
        object.add("panicThreshold", settings.panicThreshold.map(JSONValue.integer))
    }

    private static func key(_ key: AffinityKey) -> JSONValue {
        switch key {
        case .header(let name): .object([.init("header", .text(name))])
        case .query(let name): .object([.init("query", .text(name))])
        case .source: .object([.init("source", .boolean(true))])
        case .cookie(let name, let ttl):
            .object(
                [.init("cookie", .text(name))] + (ttl.map { [.init("ttl", TrafficDocument.duration($0))] } ?? []))
        }
    }

    private static func outliers(_ settings: OutlierSettings) -> JSONValue {
        var object = ObjectBuilder()
        object.add("enabled", settings.isEnabled.map(JSONValue.boolean))
        object.add("successRate", settings.successRate.map(self.percent))
        object.add("minRequests", settings.minRequests.map(JSONValue.integer))
        object.add("consecutiveFailures", settings.consecutiveFailures.map(JSONValue.integer))
        var ejection = ObjectBuilder()
        ejection.add("base", settings.baseEjection.map(TrafficDocument.duration))
        ejection.add("max", settings.maxEjection.map(TrafficDocument.duration))
        ejection.add("maxPercent", settings.maxEjectionPercent.map(JSONValue.integer))
        object.add("ejection", ejection.valueIfAny)
        object.add(
            "cohort",
            settings.cohort.map { cohort in
                .object([
                    .init("deviations", .decimal(cohort.deviations)),
                    .init("minEndpoints", .integer(cohort.minEndpoints)),
                    .init("minRequests", .integer(cohort.minRequests)),
                ])
            })
        return object.value
    }

    private static func healthCheck(_ policy: HealthCheckPolicy) -> JSONValue {
        var object = ObjectBuilder()
        switch policy.probe {
        case .http(let path, let statuses):
            var http = ObjectBuilder()
            http.add("path", .text(path))
            http.add("statuses", statuses.isEmpty ? nil : .list(statuses.sorted().map(JSONValue.integer)))
            object.add("http", http.value)
        case .grpc(let service):
            object.add("grpc", .object(service.isEmpty ? [] : [.init("service", .text(service))]))
        case .tcp: object.add("tcp", .object([]))
        }
        object.add("interval", TrafficDocument.duration(policy.interval))
        object.add("timeout", TrafficDocument.duration(policy.timeout))
        object.add("unhealthyThreshold", .integer(policy.unhealthyThreshold))
        object.add("healthyThreshold", .integer(policy.healthyThreshold))
        return object.value
    }

    private static func overload(_ policy: OverloadPolicy) -> JSONValue {
        var object = ObjectBuilder()
        if let concurrency = policy.concurrency {
            object.add(
                "concurrency",
                .object([
                    .init("percentile", .integer(concurrency.percentile)),
                    .init("interval", TrafficDocument.duration(concurrency.updateInterval)),
                    .init("maxLimit", .integer(concurrency.maxLimit)),
                    .init("minConcurrency", .integer(concurrency.minConcurrency)),
                    .init(
                        "minRTT",
                        .object([
                            .init("interval", TrafficDocument.duration(concurrency.minRTTInterval)),
                            .init("requests", .integer(concurrency.minRTTRequests)),
                            .init("jitter", .integer(concurrency.jitterPercent)),
                        ])),
                    .init("buffer", .integer(concurrency.bufferPercent)),
                ]))
        }
        if let admission = policy.admission {
            object.add(
                "admission",
                .object([
                    .init("window", TrafficDocument.duration(admission.window)),
                    .init("aggression", .decimal(admission.aggression)),
                    .init("successRate", self.percent(admission.successRate)),
                    .init("minRequestsPerSecond", .integer(admission.minRequestsPerSecond)),
                    .init("maxRejection", self.percent(admission.maxRejection)),
                ]))
        }
        return object.value
    }

    private static func percent(_ share: Double) -> JSONValue { .decimal((share * 1e8).rounded() / 1e6) }
}
