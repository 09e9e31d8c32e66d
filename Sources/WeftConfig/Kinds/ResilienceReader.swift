internal import WeftModel

/// Reads hedging, rate limits and faults of a traffic policy.
enum ResilienceReader {
    static func hedging(_ field: Field) -> HedgePolicy? {
        guard let object = field.object(known: ["delay", "percentile"]) else { return nil }
        let delay = object["delay"].map { $0.duration(allowsZero: false) }
        let percentile = object["percentile"].map { $0.number(in: 50...99.9, "percentile of the route's answers") }
        guard object["delay"] != nil || object["percentile"] != nil else {
            field.refuse(
                "nothing says when the second attempt starts",
                remedy: "Write `delay: 50ms`, or `percentile: 95` with a `delay` for the time until enough is known.")
            return nil
        }
        return HedgePolicy(delay: delay ?? nil, percentile: percentile ?? nil)
    }

    // MARK: Rate limits

    static func rateLimits(_ field: Field) -> [RateLimit]? {
        guard let items = field.list(atMost: 16) else { return nil }
        var limits: [RateLimit] = []
        for item in items {
            guard let limit = self.rateLimit(item) else { continue }
            if limits.contains(where: { $0.name == limit.name }) {
                item.refuse("two limits are named \(limit.name)", remedy: "Give each a name of its own.")
            }
            limits.append(limit)
        }
        return limits
    }

    private static func rateLimit(_ field: Field) -> RateLimit? {
        guard
            let object = field.object(
                known: ["name", "requests", "interval", "burst", "key", "maxKeys", "scope"])
        else { return nil }
        let name = object.required("name", remedy: "Add a `name`, which callers see in the refusal.")?.label(
            "name of a limit")
        let requests = object.required("requests", remedy: "Add `requests:`, how many per `interval`.")?.integer(
            in: 1...1_000_000, "number of requests")
        let interval = object["interval"].map { $0.duration(allowsZero: false) } ?? .seconds(1)
        if let interval, interval < .seconds(1) || interval > .seconds(3600) {
            object["interval"]?.refuse(
                "the interval is \(DurationText.text(interval)); it must be from 1s to 1h",
                remedy: "Write a number of requests for an interval within that.")
        }
        let burst = object["burst"].map { $0.integer(in: 1...1_000_000, "number of requests") }
        let key = object["key"].map(self.key) ?? .everyone
        let maxKeys = object["maxKeys"].map { $0.integer(in: 1...100_000, "number of keys") } ?? 1_000
        let scope: RateLimit.Scope? = object["scope"].map { $0.word() } ?? .proxy
        guard let name, let requests, let interval, let key, let maxKeys, let scope else { return nil }
        if key == .everyone {
            object["maxKeys"]?.warn("without a key there is one bucket", remedy: "Remove `maxKeys`.")
        }
        return RateLimit(
            name: name, requests: requests, interval: interval, burst: burst ?? nil, key: key, maxKeys: maxKeys,
            scope: scope)
    }

    private static let keyTypes = ["Source", "Header", "Path"]

    private static func key(_ field: Field) -> RateLimit.Key? {
        guard let object = field.object(known: ["type", "name"]),
            let type = object.required("type", remedy: "Write Source, Header or Path."), let word = type.text()
        else { return nil }
        if word != "Header" {
            object["name"]?.refuse("only the key Header has a `name`", remedy: "Remove it, or write type: Header.")
        }
        switch word {
        case "Source": return .source
        case "Path": return .path
        case "Header":
            guard let field = object.required("name", remedy: "Add the header's `name`."),
                let name = field.text(atMost: 256)
            else { return nil }
            guard NameRules.isToken(name) else {
                field.refuse(
                    "\"\(YAMLNode.shortened(name))\" is no header name", remedy: "Write a name such as x-tenant.")
                return nil
            }
            return .header(name.lowercased())
        default:
            type.refuse(
                "requests cannot be told apart by \"\(YAMLNode.shortened(word))\"",
                remedy: Suggestion.remedy(for: word, among: self.keyTypes, noun: "Values"))
            return nil
        }
    }

    // MARK: Faults

    static func fault(_ field: Field) -> FaultPolicy? {
        guard let object = field.object(known: ["delay", "abort", "until", "maxPercent", "guard"]) else { return nil }
        let delay = object["delay"].map(self.delay)
        let abort = object["abort"].map(self.abort)
        let until = object.required(
            "until", remedy: "Every fault ends: add `until: 2026-12-01T12:00:00Z`, or the like.")?.timestamp()
        let most = object["maxPercent"].map { self.percent($0) } ?? 50
        let guardrail = object["guard"].map(self.guardrail)
        if object["delay"] == nil, object["abort"] == nil {
            field.refuse("the fault does nothing", remedy: "Add `delay:` or `abort:`.")
        }
        guard let until, let most else { return nil }
        var fault = FaultPolicy(delay: delay ?? nil, abort: abort ?? nil, until: until)
        fault.maxPercent = most
        fault.guardrail = guardrail ?? nil
        for (name, percent) in [("delay", fault.delay?.percent), ("abort", fault.abort?.percent)] {
            guard let percent, percent > most else { continue }
            object[name]?.refuse(
                "\(JSONValue.decimal(percent).compact) % is more than `maxPercent`, which is "
                    + "\(JSONValue.decimal(most).compact) %" + (object["maxPercent"] == nil ? " by default" : ""),
                remedy: "Lower the percentage, or raise `maxPercent`.")
        }
        return fault
    }

    private static func percent(_ field: Field) -> Double? {
        guard let percent = field.number(in: 0...100, "percentage") else { return nil }
        if percent == 0 { field.refuse("0 % hits nothing", remedy: "Write a percentage above 0, or remove the fault.") }
        return percent
    }

    private static func percent(of object: ObjectFields) -> Double? {
        object.required("percent", remedy: "Add `percent:`, the share of requests that it hits.").flatMap {
            self.percent($0)
        }
    }

    private static func delay(_ field: Field) -> FaultPolicy.Delay? {
        guard let object = field.object(known: ["duration", "percent"]) else { return nil }
        let duration = object.required("duration", remedy: "Add `duration:`, how long to wait.")?.duration(
            allowsZero: false)
        let percent = self.percent(of: object)
        guard let duration, let percent else { return nil }
        return FaultPolicy.Delay(duration: duration, percent: percent)
    }

    private static func abort(_ field: Field) -> FaultPolicy.Abort? {
        guard let object = field.object(known: ["status", "grpcStatus", "percent"]) else { return nil }
        let percent = self.percent(of: object)
        switch (object["status"], object["grpcStatus"]) {
        case (let status?, nil):
            guard let code = status.integer(in: 400...599, "status of a failure"), let percent else { return nil }
            return FaultPolicy.Abort(status: .http(code), percent: percent)
        case (nil, let status?):
            guard let code = TrafficSettingsReader.grpcStatus(status), let percent else { return nil }
            return FaultPolicy.Abort(status: .grpc(code), percent: percent)
        case (nil, nil), (_?, _?):
            field.refuse(
                "one status must say how the request fails", remedy: "Write `status: 503` or `grpcStatus: 14`.")
            return nil
        }
    }

    private static func guardrail(_ field: Field) -> FaultPolicy.Guardrail? {
        guard let object = field.object(known: ["successPercent", "minRequests"]) else { return nil }
        let success = object.required(
            "successPercent", remedy: "Add `successPercent:`, below which the fault ends."
        )?.number(in: 1...100, "percentage")
        let requests = object["minRequests"].map { $0.integer(in: 1...100_000, "number of requests") } ?? 20
        guard let success, let requests else { return nil }
        return FaultPolicy.Guardrail(successPercent: success, minRequests: requests)
    }
}
