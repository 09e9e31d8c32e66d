internal import WeftModel

/// Writes hedging, rate limits and faults of a traffic policy.
enum ResilienceDocument {
    static func add(_ settings: TrafficSettings, to object: inout ObjectBuilder) {
        object.add("hedging", settings.hedging.map(self.hedging))
        object.add("rateLimits", settings.rateLimits.map { .list($0.map(self.limit)) })
        object.add("fault", settings.fault.map(self.fault))
    }

    private static func hedging(_ hedging: HedgePolicy) -> JSONValue {
        var object = ObjectBuilder()
        object.add("delay", hedging.delay.map(TrafficDocument.duration))
        object.add("percentile", hedging.percentile.map(JSONValue.decimal))
        return object.value
    }

    private static func limit(_ limit: RateLimit) -> JSONValue {
        var object = ObjectBuilder()
        object.add("name", .text(limit.name))
        object.add("requests", .integer(limit.requests))
        object.add("interval", TrafficDocument.duration(limit.interval))
        object.add("burst", .integer(limit.burst))
        switch limit.key {
        case .everyone: break
        case .source: object.add("key", .object([.init("type", .text("Source"))]))
        case .path: object.add("key", .object([.init("type", .text("Path"))]))
        case .header(let name):
            object.add("key", .object([.init("type", .text("Header")), .init("name", .text(name))]))
        }
        if limit.key != .everyone { object.add("maxKeys", .integer(limit.maxKeys)) }
        object.add("scope", .text(limit.scope.rawValue))
        return object.value
    }

    private static func fault(_ fault: FaultPolicy) -> JSONValue {
        var object = ObjectBuilder()
        if let delay = fault.delay {
            object.add(
                "delay",
                .object([
                    .init("duration", TrafficDocument.duration(delay.duration)),
                    .init("percent", .decimal(delay.percent)),
                ]))
        }
        if let abort = fault.abort {
            let status: JSONValue.Member =
                switch abort.status {
                case .http(let code): .init("status", .integer(code))
                case .grpc(let code): .init("grpcStatus", .integer(code))
                }
            object.add("abort", .object([status, .init("percent", .decimal(abort.percent))]))
        }
        object.add("until", .text(TimestampText.text(fault.until)))
        object.add("maxPercent", .decimal(fault.maxPercent))
        if let guardrail = fault.guardrail {
            object.add(
                "guard",
                .object([
                    .init("successPercent", .decimal(guardrail.successPercent)),
                    .init("minRequests", .integer(guardrail.minRequests)),
                ]))
        }
        return object.value
    }
}
