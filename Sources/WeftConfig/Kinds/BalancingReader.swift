internal import WeftModel

/// Reads `loadBalancing` and what else says to which endpoint, or side of a split, a call goes.
enum BalancingReader {
    static func read(_ field: Field, into settings: inout TrafficSettings) {
        guard
            let object = field.object(known: [
                "algorithm", "penalizeFailures", "hashOn", "stickiness", "slowStart", "zones", "panicThreshold",
            ])
        else { return }
        settings.loadBalancing = object["algorithm"]?.word()
        var balancing = BalancingSettings()
        balancing.penalizesFailures = object["penalizeFailures"]?.boolean()
        balancing.hashKey = object["hashOn"].flatMap(self.key)
        balancing.stickyCookie = object["stickiness"].flatMap(self.cookie)
        balancing.slowStart = object["slowStart"]?.duration()
        if let zones = object["zones"]?.object(known: ["prefer", "failover"]) {
            balancing.prefersZone = zones["prefer"]?.boolean()
            balancing.failover = zones["failover"]?.list(atMost: 16)?.compactMap { $0.text(atMost: 128) }
        }
        balancing.panicThreshold = object["panicThreshold"]?.integer(in: 0...100, "percentage of eligible endpoints")
        if balancing != BalancingSettings() { settings.balancing = balancing }
        self.check(object, settings)
        if settings.loadBalancing == nil, settings.balancing == nil {
            field.warn("this sets nothing", remedy: "Add `algorithm: ` below it, or remove it.")
        }
    }

    private static func check(_ object: ObjectFields, _ settings: TrafficSettings) {
        guard let algorithm = settings.loadBalancing else { return }
        if algorithm.isHashing, settings.balancing?.hashKey == nil, settings.balancing?.stickyCookie == nil {
            object["algorithm"]?.warn(
                "\(algorithm.rawValue) without `hashOn` has nothing to hash, unless a wider policy says it: calls are "
                    + "spread at random",
                remedy: "Add hashOn with one of header, cookie, query, source.")
        }
        if !algorithm.isHashing, settings.balancing?.hashKey != nil {
            object["hashOn"]?.refuse(
                "\(algorithm.rawValue) takes no hash, so this would do nothing",
                remedy: "Write algorithm: ring-hash or algorithm: maglev, or remove hashOn.")
        }
        if algorithm != .peakEWMA, settings.balancing?.penalizesFailures == true {
            object["penalizeFailures"]?.refuse(
                "\(algorithm.rawValue) does not look at latency, so failures cannot count as it",
                remedy: "Remove it, or write algorithm: peak-ewma.")
        }
    }

    /// What keeps requests together: exactly one of header, cookie, query, source.
    static func key(_ field: Field) -> AffinityKey? {
        let kinds = ["header", "cookie", "query", "source"]
        guard let object = field.object(known: kinds + ["ttl"]) else { return nil }
        let given = kinds.filter { object[$0] != nil }
        guard given.count == 1, let kind = given.first else {
            field.refuse(
                given.isEmpty ? "this names nothing" : "this names \(given.joined(separator: " and ")); one is taken",
                remedy: "Write one of header, cookie, query with a name, or source: true.")
            return nil
        }
        let ttl = object["ttl"].map { $0.duration() }
        if kind != "cookie", object["ttl"] != nil {
            object["ttl"]?.refuse("only a cookie is given out, and lasts", remedy: "Remove ttl.")
            return nil
        }
        if let ttl, ttl == nil { return nil }
        switch kind {
        case "header":
            return object["header"]?.text(atMost: 256).flatMap { name in
                guard NameRules.isToken(name) else {
                    object["header"]?.refuse(
                        "\"\(YAMLNode.shortened(name))\" is no header's name", remedy: "Write a name such as x-user.")
                    return nil
                }
                return .header(name.lowercased())
            }
        case "cookie":
            return object["cookie"].flatMap(self.cookieName).map { .cookie(name: $0, ttl: ttl ?? nil) }
        case "query": return object["query"]?.text(atMost: 256).map { .query($0) }
        default:
            guard object["source"]?.boolean() == true else {
                object["source"]?.refuse("source is either true or absent", remedy: "Write source: true.")
                return nil
            }
            return .source
        }
    }

    private static func cookie(_ field: Field) -> StickyCookie? {
        guard let object = field.object(known: ["cookie", "ttl"]) else { return nil }
        var cookie = StickyCookie()
        if let name = object["cookie"] {
            guard let text = self.cookieName(name) else { return nil }
            cookie.name = text
        }
        if let ttl = object["ttl"] {
            guard let duration = ttl.duration() else { return nil }
            cookie.ttl = duration
        }
        return cookie
    }

    /// A token of RFC 6265.
    private static func cookieName(_ field: Field) -> String? {
        guard let name = field.text(atMost: 128) else { return nil }
        guard NameRules.isToken(name) else {
            field.refuse("\"\(YAMLNode.shortened(name))\" is no cookie's name", remedy: "Use letters, digits, - and _.")
            return nil
        }
        return name
    }
}
