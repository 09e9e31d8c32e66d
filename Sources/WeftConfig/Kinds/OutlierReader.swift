internal import WeftModel

/// Reads `outliers` and `healthCheck`: what takes an endpoint out of balancing.
enum OutlierReader {
    static func outliers(_ field: Field) -> OutlierSettings? {
        guard
            let object = field.object(known: [
                "enabled", "successRate", "minRequests", "consecutiveFailures", "ejection", "cohort",
            ])
        else { return nil }
        var settings = OutlierSettings()
        settings.isEnabled = object["enabled"]?.boolean()
        settings.successRate = object["successRate"]?.number(in: 0...100, "percentage").map { $0 / 100 }
        settings.minRequests = object["minRequests"]?.integer(in: 1...1_000_000, "number of requests")
        settings.consecutiveFailures = object["consecutiveFailures"]?.integer(in: 0...1_000, "number of failures")
        if let ejection = object["ejection"]?.object(known: ["base", "max", "maxPercent"]) {
            settings.baseEjection = ejection["base"]?.duration(allowsZero: false)
            settings.maxEjection = ejection["max"]?.duration(allowsZero: false)
            settings.maxEjectionPercent = ejection["maxPercent"]?.integer(in: 0...100, "percentage of endpoints")
            if let base = settings.baseEjection, let most = settings.maxEjection, most < base {
                ejection["max"]?.refuse(
                    "the longest ejection is shorter than the first", remedy: "Make `max` at least `base`.")
            }
        }
        settings.cohort = object["cohort"].flatMap(self.cohort)
        if settings == OutlierSettings() {
            field.warn("this sets nothing", remedy: "Add one of its fields, or remove it.")
        }
        return settings
    }

    private static func cohort(_ field: Field) -> OutlierPolicy.CohortDetector? {
        guard let object = field.object(known: ["deviations", "minEndpoints", "minRequests"]) else { return nil }
        var cohort = OutlierPolicy.CohortDetector()
        cohort.deviations =
            object["deviations"]?.number(in: 0...10, "number of standard deviations") ?? cohort.deviations
        cohort.minEndpoints =
            object["minEndpoints"]?.integer(in: 2...100_000, "number of endpoints") ?? cohort.minEndpoints
        cohort.minRequests =
            object["minRequests"]?.integer(in: 1...1_000_000, "number of requests") ?? cohort.minRequests
        return cohort
    }

    // MARK: Health checks

    static func healthCheck(_ field: Field) -> HealthCheckPolicy? {
        let kinds = ["http", "grpc", "tcp"]
        guard
            let object = field.object(
                known: kinds + ["interval", "timeout", "unhealthyThreshold", "healthyThreshold"])
        else { return nil }
        let given = kinds.filter { object[$0] != nil }
        guard given.count == 1, let kind = given.first, let body = object[kind] else {
            field.refuse(
                given.isEmpty
                    ? "this says nothing of what is asked" : "this asks in \(given.count) ways; one is taken",
                remedy: "Write one of `http: {path: /healthz}`, `grpc: {}`, `tcp: {}`.")
            return nil
        }
        guard let probe = self.probe(kind, body) else { return nil }
        var policy = HealthCheckPolicy(probe)
        policy.interval = object["interval"]?.duration(allowsZero: false) ?? policy.interval
        policy.timeout = object["timeout"]?.duration(allowsZero: false) ?? policy.timeout
        policy.unhealthyThreshold =
            object["unhealthyThreshold"]?.integer(in: 1...100, "number of checks") ?? policy.unhealthyThreshold
        policy.healthyThreshold =
            object["healthyThreshold"]?.integer(in: 1...100, "number of checks") ?? policy.healthyThreshold
        if policy.interval < .milliseconds(100) {
            object["interval"]?.refuse(
                "checks every \(DurationText.text(policy.interval)) are an attack", remedy: "Write at least 100ms.")
        }
        if policy.timeout > policy.interval {
            (object["timeout"] ?? field).refuse(
                "a check may take \(DurationText.text(policy.timeout)), longer than the "
                    + "\(DurationText.text(policy.interval)) between two",
                remedy: "Make `timeout` at most `interval`.")
        }
        return policy
    }

    private static func probe(_ kind: String, _ field: Field) -> HealthCheckPolicy.Probe? {
        switch kind {
        case "http":
            guard let object = field.object(known: ["path", "statuses"]),
                let path = object.required("path", remedy: "Add the `path` to ask for."),
                let text = path.text(atMost: 1024)
            else { return nil }
            guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
                path.refuse("a path begins with / and has neither spaces nor controls", remedy: "Write /healthz.")
                return nil
            }
            let statuses = object["statuses"]?.list(atMost: 64)?.compactMap {
                $0.integer(in: 200...599, "status of a healthy endpoint")
            }
            return .http(path: text, statuses: Set(statuses ?? []))
        case "grpc":
            guard let object = field.object(known: ["service"]) else { return nil }
            guard let service = object["service"] else { return .grpc(service: "") }
            return service.anyText(atMost: 256).map { .grpc(service: $0) }
        default: return field.object(known: []).map { _ in .tcp }
        }
    }
}
